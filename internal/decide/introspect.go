package decide

import (
	"encoding/json"
	"slices"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Presented is a token whose kind the request does not say: a refresh token with
// a valid tag, an access token with a valid signature, or neither and why.
type Presented struct {
	Refresh *secret.Refresh
	Access  *record.VerifiedToken
	Reason  oauth.Reason
	// Certificate is what the connection showed on which an access token is used; nil:
	// none.
	Certificate *clientcert.Certificate
}

// Introspection is the answer of RFC 7662 §2.2: the token's own claims with the
// members of the standard before them; of an inactive token nothing but that.
type Introspection struct {
	Active    bool
	TokenType string          // "Bearer" for an access token
	Claims    json.RawMessage // an object: an access token's payload, or what there is to say of a refresh token
}

// JSON renders the answer. An access token's payload was signed by us and is
// taken over as it stands: rendering it anew, or having encoding/json look
// through it once more, would cost as much as a third of checking its signature.
func (i Introspection) JSON() []byte {
	if !i.Active {
		return []byte(`{"active":false}`) // RFC 7662 §2.2: SHOULD NOT include any additional information
	}
	w := jose.BeginObject(make([]byte, 0, len(i.Claims)+64))
	w.Bool("active", true)
	if i.TokenType != "" {
		w.String("token_type", i.TokenType)
	}
	return append(append(w.Open(), ','), i.Claims[1:]...)
}

// Introspect tells a confidential client what a token is worth now (RFC 7662).
// Whoever may not know hears that it is inactive, as of a token that never was.
func Introspect(req *oauth.IntrospectionRequest, tok Presented, st *record.TokenState, env Env) Outcome[Introspection] {
	return authenticated(req.Credentials, &st.ClientState, env, func(caller *record.Client) Outcome[Introspection] {
		return introspect(req, tok, caller, st, env)
	})
}

func introspect(
	req *oauth.IntrospectionRequest, tok Presented, caller *record.Client, st *record.TokenState, env Env,
) Outcome[Introspection] {
	if caller.Public() {
		// RFC 7662 §2.1: "the endpoint MUST also require some form of authorization".
		return refuse[Introspection](refuseClient(oauth.ReasonClientAuthMissing, req.Credentials))
	}
	if req.Resource != "" && !meantFor([]string{req.Resource}, caller) {
		return refuse[Introspection](oauth.Refuse(oauth.ReasonResourceNotAllowed).With("resource"))
	}
	var answer Introspection
	switch {
	case tok.Reason != "":
	case tok.Access == nil && req.Resource != "":
	case tok.Refresh != nil:
		answer = introspectRefresh(tok.Refresh, caller, st, env)
	case tok.Access != nil && (req.Resource == "" || slices.Contains(tok.Access.Audience, req.Resource)):
		answer = introspectAccess(tok.Access, caller, st, env)
	}
	return Outcome[Introspection]{Answer: answer}
}

// introspectAccess: RFC 7662 §4, a client learns about its own tokens and about
// those that are meant for it.
func introspectAccess(tok *record.VerifiedToken, caller *record.Client, st *record.TokenState, env Env) Introspection {
	if tok.ClientID != caller.ID && !meantFor(tok.Audience, caller) || accessDead(tok, st, env) != "" {
		return Introspection{}
	}
	return Introspection{
		Active:    true,
		TokenType: "Bearer",
		Claims:    tok.Claims,
	}
}

// meantFor reports whether one of a token's audiences is the client itself or a
// resource that was entered for the client.
func meantFor(audience []string, client *record.Client) bool {
	return slices.ContainsFunc(audience, func(aud string) bool {
		return aud == client.ID || slices.Contains(client.Settings.Resources, aud)
	})
}

// accessDead says why an access token is worth nothing; "" if it is worth
// something.
func accessDead(tok *record.VerifiedToken, st *record.TokenState, env Env) oauth.Reason {
	if env.Now >= tok.ExpiresAt*second {
		return oauth.ReasonTokenExpired // RFC 7519 §4.1.4
	}
	for _, aud := range tok.Audience {
		if st.Resources[aud] == nil && aud != env.Policy.Issuer.String() && aud != tok.ClientID {
			return oauth.ReasonResourceCut // deleted: no row is left that could hold its cutoff
		}
	}
	return Alive(tok.RVS, &st.Parents, env.Now)
}

// introspectRefresh: a refresh token concerns nobody but its own client. It is
// active exactly if a refresh with it would be answered now.
func introspectRefresh(tok *secret.Refresh, caller *record.Client, st *record.TokenState, env Env) Introspection {
	state := record.RefreshState{ClientState: st.ClientState, Grant: st.Grant, Parents: st.Parents}
	if grantUsable(PresentedRefresh{Token: *tok}, &state, env.Now) != nil ||
		succession(tok.Generation, st.Grant, caller, env).reason != "" {
		return Introspection{}
	}
	w := jose.BeginObject(nil)
	w.String("iss", env.Policy.Issuer.String())
	w.String("sub", env.SubjectFor(caller, st.Grant.UserID))
	w.String("client_id", st.Grant.ClientID)
	w.String("scope", oauth.NewScopes(st.Grant.Scope...).String())
	w.Int("iat", st.Grant.MadeAt/second)
	w.Int("exp", min(st.Grant.IdleUntil, st.Grant.AbsUntil)/second)
	if st.Grant.X5T != "" {
		w.Raw("cnf", []byte(`{"x5t#S256":"`+st.Grant.X5T+`"}`)) // RFC 8705 §3.2
	}
	return Introspection{Active: true, Claims: w.End()}
}
