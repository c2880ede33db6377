package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// basis is what the tokens of one answer are made from. What it hangs from was
// found alive in the snapshot whose logical clock is rvs.
type basis struct {
	client    *record.Client
	subject   string
	gid       string
	sid       string // empty for an offline grant and without a user
	origin    string // the session in which the grant was made; empty without a user
	facts     record.AuthnFacts
	scope     oauth.Scopes
	audience  []string
	resources []*record.Resource
	nonce     string
	claims    record.AskedClaims
	user      *record.User // where an ID token is to tell of them
	rvs       int64
	bound     string // the thumbprint of a certificate; empty: to none
	// until is when the session above ends by itself, in Unix ms; zero: there is none.
	until int64
}

// issue gives the facts of a token answer. refresh is nil where the client gets
// no (new) refresh token.
func (b *basis) issue(refresh *record.RefreshFacts, env Env) record.Tokens {
	access := b.access(env)
	tokens := record.Tokens{
		Access:    access,
		Refresh:   refresh,
		ExpiresIn: access.ExpiresAt - access.IssuedAt,
		Scope:     access.Scope,
	}
	if b.scope.Has(oauth.ScopeOpenID) {
		tokens.ID = b.id(env) // OpenID Connect Core §3.1.2.1: without openid it is not an OpenID Connect request
	}
	return tokens
}

// access: RFC 9068 §2.2, and what makes the token revocable: sid, gid, rvs.
func (b *basis) access(env Env) *record.AccessFacts {
	issued := env.Now / second
	expires := issued + jittered(accessTTL(b.client, b.resources, env.Policy), env)
	if b.until != 0 {
		// A session that reaches its absolute end leaves no entry in the log: its tokens
		// say themselves that they are over then, to every verifier.
		expires = min(expires, b.until/second)
	}
	var userinfo []string
	if b.scope.Has(oauth.ScopeOpenID) {
		userinfo = b.claims.Userinfo
	}
	return &record.AccessFacts{
		Userinfo:  userinfo,
		Profile:   b.client.Settings.TokenProfile,
		Opaque:    opaque(b.client, b.resources),
		Alg:       accessAlg(b.resources),
		Subject:   b.subject,
		ClientID:  b.client.ID,
		Audience:  b.audience,
		Scope:     b.scope.String(),
		JTI:       env.Seed.ID("jti"),
		SID:       b.sid,
		GID:       b.gid,
		IssuedAt:  issued,
		ExpiresAt: expires,
		AuthTime:  b.facts.AuthTime / second,
		ACR:       b.facts.ACR,
		AMR:       b.facts.AMR,
		RVS:       b.rvs,
		X5T:       b.bound,
	}
}

// id: OpenID Connect Core §2. auth_time is always there, also where max_age does
// not require it: every ID token of a grant then says the same. So is sid, of an
// offline grant too: a logout token names the session that ended by it (OpenID
// Connect Back-Channel Logout 1.0 §2.1), and nothing is taken back by an ID token's
// sid. Claims about the user are left to userinfo (§5.4: where an access token is
// issued), but for those that were asked for here (§5.5).
func (b *basis) id(env Env) *record.IDFacts {
	issued := env.Now / second
	return &record.IDFacts{
		Profile:   b.client.Settings.TokenProfile,
		Alg:       idAlg(b.client),
		Subject:   b.subject,
		ClientID:  b.client.ID,
		SID:       b.origin,
		Nonce:     b.nonce,
		IssuedAt:  issued,
		ExpiresAt: issued + idTTL(b.client, env.Policy),
		AuthTime:  b.facts.AuthTime / second,
		ACR:       b.facts.ACR,
		AMR:       b.facts.AMR,
		Claims:    claimsOf(b.claims.IDToken, b.user, b.client),
	}
}
