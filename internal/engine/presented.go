package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// Introspection is the answer to RFC 7662.
type Introspection = decide.Introspection

// UserClaims are the answer of the userinfo endpoint.
type UserClaims = decide.UserClaims

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
// the token, and the client that asks.
func about[A any](
	e *Engine, tok decide.Presented, callerID string, decision func(*record.TokenState, decide.Env) decide.Outcome[A],
) journey[*record.TokenState, A] {
	q := store.TokenQuery{CallerID: callerID, WithUser: callerID == ""} // userinfo alone has no caller
	switch {
	case tok.Reason != "":
	case tok.Refresh != nil:
		q.GID = tok.Refresh.GID
	case tok.Access != nil:
		q.Subject, q.ClientID = tok.Access.Subject, tok.Access.ClientID
		q.Audience = slices.DeleteFunc(slices.Clone(tok.Access.Audience), e.isIssuer) // which is no resource
		q.SID, q.GID, q.JTI, q.KID = tok.Access.SID, tok.Access.GID, tok.Access.JTI, tok.Access.KID
	}
	return journey[*record.TokenState, A]{
		load:   func(ctx context.Context) (*record.TokenState, error) { return e.store.TokenState(ctx, q) },
		decide: decision,
	}
}

func (e *Engine) isIssuer(aud string) bool { return aud == e.policy.Issuer.String() }

// Introspect answers RFC 7662.
func (e *Engine) Introspect(ctx context.Context, req *oauth.IntrospectionRequest) (Introspection, *oauth.Error) {
	tok := e.open(req.Token)
	return run(ctx, e, about(e, tok, req.Credentials.ClientID,
		func(st *record.TokenState, env decide.Env) decide.Outcome[Introspection] {
			return decide.Introspect(req, tok, st, env)
		}))
}

// Revoke answers RFC 7009.
func (e *Engine) Revoke(ctx context.Context, req *oauth.RevocationRequest) *oauth.Error {
	_, refused := run(ctx, e, e.revoke(req))
	return refused
}

func (e *Engine) revoke(req *oauth.RevocationRequest) journey[*record.TokenState, struct{}] {
	tok := e.open(req.Token)
	return about(e, tok, req.Credentials.ClientID, func(st *record.TokenState, env decide.Env) decide.Outcome[struct{}] {
		return decide.Revoke(req, tok, st, env)
	})
}

// Userinfo answers OpenID Connect Core §5.3.
func (e *Engine) Userinfo(ctx context.Context, token string) (UserClaims, *oauth.Error) {
	tok := e.open(token)
	return run(ctx, e, about(e, tok, "", func(st *record.TokenState, env decide.Env) decide.Outcome[UserClaims] {
		return decide.Userinfo(tok, st, env)
	}))
}
