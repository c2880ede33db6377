package decide

import (
	"cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Exchange decides what an authorization code is worth (RFC 6749 §4.1.3): a
// grant and its first tokens. A code is spent once; who presents it again, and
// shows that it is the one who may, ends what the first exchange gave.
func Exchange(req *oauth.TokenRequest, st *record.CodeState, env Env) Outcome[record.Tokens] {
	return authenticatedFor(req, oauth.GrantAuthorizationCode, &st.ClientState, env, func(client *record.Client) Outcome[record.Tokens] {
		return exchange(req, client, st, env)
	})
}

func exchange(req *oauth.TokenRequest, client *record.Client, st *record.CodeState, env Env) Outcome[record.Tokens] {
	code := st.Code
	if err := mayPresent(req, code, client); err != nil {
		return refuse[record.Tokens](err)
	}
	if code.UsedAt != 0 {
		return replayedCode(st, env)
	}
	if env.Now >= code.EndsAt {
		return refuse[record.Tokens](refuseCode(oauth.ReasonCodeExpired, code, code.EndsAt, env.Now)) // RFC 6749 §4.1.2
	}
	if reason := codeAlive(st, env.Now); reason != "" {
		return refuse[record.Tokens](refuseCode(reason, code, st.LC, code.RVS))
	}
	// The request has no scope of its own (RFC 6749 §4.1.3), so one that is sent is ignored (§3.2).
	scope, err := narrowedScope(nil, oauth.NewScopes(code.Request.Scope...), client)
	if err != nil {
		return refuse[record.Tokens](err)
	}
	auds, err := narrowedResources(req.Resources, code.Request.Resources, &st.ClientState)
	if err != nil {
		return refuse[record.Tokens](err)
	}
	grant := newGrant(code, client, env)
	from := grantBasis(grant, scope, auds, &st.ClientState, env)
	from.until = sessionUntil(grant, &st.Parents)
	from.nonce, from.user = code.Request.Nonce, st.User
	if from.bound = boundTo(client, req.Credentials); client.Public() {
		grant.X5T = from.bound // RFC 8705 §4
	}
	return firstTokens(code, grant, from, env)
}

// firstTokens spends the code, makes the grant and issues from it.
func firstTokens(code *record.Code, grant *record.Grant, from *basis, env Env) Outcome[record.Tokens] {
	var refresh *record.RefreshFacts
	if from.client.Allows(oauth.GrantRefreshToken) {
		refresh = &record.RefreshFacts{GID: grant.ID, Generation: grant.Gen}
	}
	tokens := from.issue(refresh, env)
	if refresh == nil {
		// Nothing can be made from the grant: it is over when its only access token is.
		grant.AbsUntil = tokens.Access.ExpiresAt * second
		grant.IdleUntil = grant.AbsUntil
	}
	return Outcome[record.Tokens]{
		Changes: []record.Change{
			record.UseCode{Hash: code.Hash, ClientID: code.ClientID, At: env.Now}, // single use is this guard
			record.PutGrant{Grant: *grant, SessionID: code.SID},
			audited(record.Audit{
				Event: "grant_made", Actor: ActorClient(grant.ClientID),
				UserID: grant.UserID, ClientID: grant.ClientID, GID: grant.ID,
			}, env),
		},
		Answer: tokens,
	}
}

// mayPresent decides whether the request comes from whom the code was given to.
// Until that is shown a code has no effect, used or not: nobody logs others out
// with a leaked URL (tokens.md, part 4).
func mayPresent(req *oauth.TokenRequest, code *record.Code, client *record.Client) *oauth.Error {
	if code == nil {
		return oauth.Refuse(oauth.ReasonCodeUnknown).About(oauth.Detail{Client: client.ID})
	}
	if code.ClientID != client.ID {
		return refuseCode(oauth.ReasonCodeOfOtherClient, code, 0, 0)
	}
	// RFC 6749 §4.1.3: required if it was in the authorization request, and then the
	// same. One that was left out there but is sent here must still be the right one.
	given := code.Request.RedirectURIGiven || req.RedirectURI != ""
	if given && req.RedirectURI != code.Request.RedirectURI {
		return refuseCode(oauth.ReasonCodeRedirectMismatch, code, 0, 0)
	}
	if reason := verifierRefusal(req.CodeVerifier, code.Challenge); reason != "" {
		return refuseCode(reason, code, 0, 0)
	}
	return nil
}

func verifierRefusal(verifier, challenge string) oauth.Reason {
	switch {
	case challenge == "" && verifier != "":
		return oauth.ReasonPKCEUnexpectedVerifier // RFC 9700 §4.8.2: somebody took the challenge out
	case challenge == "":
		return ""
	case verifier == "":
		return oauth.ReasonPKCEVerifierMissing // RFC 9700 §2.1.1
	case !oauth.VerifierMatches(verifier, challenge):
		return oauth.ReasonPKCEMismatch // RFC 7636 §4.6
	}
	return ""
}

// replayedCode: RFC 6749 §4.1.2, "If an authorization code is used more than
// once, the authorization server MUST deny the request and SHOULD revoke (when
// possible) all tokens previously issued based on that authorization code."
func replayedCode(st *record.CodeState, env Env) Outcome[record.Tokens] {
	out := refuse[record.Tokens](refuseCode(oauth.ReasonCodeUsed, st.Code, st.Code.UsedAt, env.Now))
	if st.Parents.GrantEndedAt != 0 {
		return out // ended before, with its entry
	}
	out.Changes = End(Ending{
		Target:   revocation.ForGID(st.Code.GID),
		Reason:   string(oauth.ReasonCodeUsed),
		Actor:    ActorServer,
		UserID:   st.Code.UserID,
		ClientID: st.Code.ClientID,
	}, env)
	return out
}

// codeAlive asks Alive about everything above the code: the session that it came
// from, also for an offline grant. Its own grant does not exist yet.
func codeAlive(st *record.CodeState, now int64) oauth.Reason {
	parents := st.Parents
	parents.GID, parents.GrantEndedAt = "", 0
	reason := Alive(st.Code.RVS, &parents, now)
	if reason == oauth.ReasonSessionEnded {
		return oauth.ReasonCodeSessionEnded
	}
	return reason
}

func refuseCode(reason oauth.Reason, code *record.Code, expected, seen int64) *oauth.Error {
	return oauth.Refuse(reason).About(oauth.Detail{Client: code.ClientID, GID: code.GID, Expected: expected, Seen: seen})
}

// newGrant is the grant that a code gives. It inherits the code's rvs: what was
// cut off between authorization and exchange stays cut off.
func newGrant(code *record.Code, client *record.Client, env Env) *record.Grant {
	abs := refreshAbsUntil(client, env)
	grant := &record.Grant{
		ID:        code.GID,
		UserID:    code.UserID,
		ClientID:  code.ClientID,
		SID:       code.SID,
		Origin:    code.SID,
		Scope:     code.Request.Scope,
		Resources: code.Request.Resources,
		Claims:    code.Request.Claims,
		Facts:     code.Request.Facts,
		RVS:       code.RVS,
		MadeAt:    env.Now,
		RotatedAt: env.Now,
		IdleUntil: min(env.Now+refreshIdle(client, env.Policy), abs),
		AbsUntil:  abs,
	}
	if code.Request.Offline {
		grant.SID = "" // OpenID Connect Core §11: access also when the user is not logged in
	}
	return grant
}

// grantBasis is what every token of a grant is made from, the first and the
// renewed ones.
func grantBasis(grant *record.Grant, scope oauth.Scopes, auds []string, st *record.ClientState, env Env) *basis {
	return &basis{
		client:    st.Client,
		subject:   env.SubjectFor(st.Client, grant.UserID), // the same for ever: OpenID Connect Core §8.1, §12.2
		gid:       grant.ID,
		sid:       grant.SID,
		origin:    cmp.Or(grant.Origin, grant.SID), // a release that knew no origin made those without
		facts:     grant.Facts,
		claims:    grant.Claims,
		scope:     scope,
		audience:  audience(auds, scope, env.Policy.Issuer.String()),
		resources: resourceRows(auds, st),
		rvs:       st.LC,
	}
}

// sessionUntil is when the session that a grant hangs from ends by itself, in
// Unix ms; zero: an offline grant hangs from none.
func sessionUntil(grant *record.Grant, above *record.Parents) int64 {
	if grant.Offline() {
		return 0
	}
	return above.SessionAbsUntil
}
