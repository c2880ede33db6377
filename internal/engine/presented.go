package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// Introspection is the answer to RFC 7662.
type Introspection = decide.Introspection

// Userinfo is the answer of the userinfo endpoint: an object, and the same signed
// where the client wants it so.
type Userinfo struct {
	JSON   []byte
	Signed string
}

// openRefresh checks a refresh token's checksum and tag.
func (e *Engine) openRefresh(token string) decide.PresentedRefresh {
	opened, err := e.minting.Load().Roots.Open(token)
	switch {
	case errors.Is(err, secret.ErrForged):
		return decide.PresentedRefresh{Reason: oauth.ReasonRefreshForged}
	case err != nil:
		return decide.PresentedRefresh{Reason: oauth.ReasonRefreshMalformed}
	}
	return decide.PresentedRefresh{Token: opened}
}

// open finds out what a token is. The hint of RFC 7662 and RFC 7009 is only a
// hint, and the prefix says more than it.
func (e *Engine) open(token string) decide.Presented {
	if strings.HasPrefix(token, secret.PrefixRefresh) {
		refresh := e.openRefresh(token)
		return decide.Presented{Refresh: &refresh.Token, Reason: refresh.Reason}
	}
	access, reason := e.minting.Load().VerifyAccess(token)
	return decide.Presented{Access: access, Reason: reason}
}

// about is a journey about a token that was presented: it loads everything above
// the token, and what q says beside it. What an access token hangs from is known
// from memory, a refresh token's grant is a row.
func about[A any](
	e *Engine, tok decide.Presented, q store.TokenQuery, decision func(*record.TokenState, decide.Env) decide.Outcome[A],
) journey[*record.TokenState, A] {
	if tok.Access != nil && tok.Reason == "" {
		q.Token, q.Resources = tok.Access, e.resourcesOf(tok.Access.Audience)
	}
	return journey[*record.TokenState, A]{
		load: func(ctx context.Context) (*record.TokenState, error) {
			if tok.Refresh != nil && tok.Reason == "" {
				return e.aboveRefresh(ctx, tok.Refresh, q.CallerID)
			}
			return e.store.TokenState(ctx, q)
		},
		decide: decision,
	}
}

func (e *Engine) aboveRefresh(ctx context.Context, token *secret.Refresh, callerID string) (*record.TokenState, error) {
	st, err := e.store.RefreshState(ctx, token.GID, callerID)
	if err != nil {
		return nil, err
	}
	return &record.TokenState{ClientState: st.ClientState, Grant: st.Grant, Parents: st.Parents}, nil
}

// resourcesOf are the audiences that may be resources: the issuer is none.
func (e *Engine) resourcesOf(audience []string) []string {
	if !slices.ContainsFunc(audience, e.isIssuer) {
		return audience
	}
	return slices.DeleteFunc(slices.Clone(audience), e.isIssuer)
}

func (e *Engine) isIssuer(aud string) bool { return aud == e.policy.Issuer.String() }

// Introspect answers RFC 7662.
func (e *Engine) Introspect(ctx context.Context, req *oauth.IntrospectionRequest) (Introspection, *oauth.Error) {
	identify(&req.Credentials)
	tok := e.open(req.Token)
	j := about(e, tok, store.TokenQuery{CallerID: req.Credentials.ClientID},
		func(st *record.TokenState, env decide.Env) decide.Outcome[Introspection] {
			return decide.Introspect(req, tok, st, env)
		})
	j.load = proven(e, &req.Credentials, j.load, inToken)
	return run(ctx, e, j)
}

// Revoke answers RFC 7009.
func (e *Engine) Revoke(ctx context.Context, req *oauth.RevocationRequest) *oauth.Error {
	_, refused := run(ctx, e, e.revoke(req))
	return refused
}

func (e *Engine) revoke(req *oauth.RevocationRequest) journey[*record.TokenState, struct{}] {
	identify(&req.Credentials)
	tok := e.open(req.Token)
	q := store.TokenQuery{CallerID: req.Credentials.ClientID}
	j := about(e, tok, q, func(st *record.TokenState, env decide.Env) decide.Outcome[struct{}] {
		return decide.Revoke(req, tok, st, env)
	})
	j.load = proven(e, &req.Credentials, j.load, inToken)
	return j
}

// Userinfo answers OpenID Connect Core §5.3. shown is the certificate of the
// connection that the token came by; nil: none.
func (e *Engine) Userinfo(ctx context.Context, token string, shown *clientcert.Certificate) (Userinfo, *oauth.Error) {
	tok := e.open(token)
	tok.Certificate = shown
	q := store.TokenQuery{WithUser: true, UserOf: func(client *record.Client) string {
		return e.env().UserOf(client, tok.Access.Subject)
	}}
	var told Userinfo
	asked := about(e, tok, q, func(st *record.TokenState, env decide.Env) decide.Outcome[decide.UserinfoAnswer] {
		return decide.Userinfo(tok, st, env)
	})
	asked.sign = func(ctx context.Context, answer *decide.UserinfoAnswer) (err error) {
		told, err = e.tell(ctx, answer)
		return err
	}
	_, refused := run(ctx, e, asked)
	return told, refused
}

// tell renders what userinfo tells, and signs it if it is to be signed.
func (e *Engine) tell(ctx context.Context, answer *decide.UserinfoAnswer) (told Userinfo, err error) {
	if told.JSON, err = json.Marshal(answer.Claims); err != nil || answer.Alg == "" {
		return told, err
	}
	told.Signed, err = withKey(ctx, e, func(m *mint.Mint) (string, error) {
		return m.SignUserinfo(answer.Alg, answer.ClientID, told.JSON)
	})
	return told, err
}
