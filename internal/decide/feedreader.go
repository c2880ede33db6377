package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// FeedReader is a client that may follow the revocation feed, and what ends that:
// the expiry of its token, and whatever takes the token back.
type FeedReader struct {
	ClientID string
	Until    int64 // when its token expires, in Unix milliseconds
	RVS      int64
	Targets  []revocation.Target
}

// ReadFeed decides whether the bearer of an access token may follow the revocation
// feed: the token is alive, meant for us, and has the scope.
func ReadFeed(tok Presented, st *record.TokenState, env Env) Outcome[FeedReader] {
	if err := bearerFor(oauth.ScopeReadRevocations, tok, st, env); err != nil {
		return refuse[FeedReader](err)
	}
	access := tok.Access
	return Outcome[FeedReader]{Answer: FeedReader{
		ClientID: access.ClientID, Until: access.ExpiresAt * second, RVS: access.RVS, Targets: targetsOf(access),
	}}
}

// targetsOf lists what a revocation can be aimed at to end a token, as verifiers
// list it (docs/reference/revocation-feed.md). Nothing is aimed at an empty value.
func targetsOf(tok *record.VerifiedToken) []revocation.Target {
	targets := []revocation.Target{
		revocation.ForJTI(tok.JTI), revocation.ForSID(tok.SID), revocation.ForGID(tok.GID), revocation.ForKID(tok.KID),
		revocation.ForSub(tok.Subject), revocation.ForClient(tok.ClientID), revocation.ForConsent(tok.Subject, tok.ClientID),
		revocation.ForAll(),
	}
	for _, aud := range tok.Audience {
		targets = append(targets, revocation.ForAud(aud))
	}
	return targets
}

// bearerFor refuses whoever may not use an endpoint of ours that needs a scope.
func bearerFor(scope string, tok Presented, st *record.TokenState, env Env) *oauth.Error {
	switch {
	case tok.Reason != "":
		return oauth.Refuse(tok.Reason)
	case tok.Access == nil:
		return oauth.Refuse(oauth.ReasonTokenWrongType) // a refresh token
	}
	if reason := accessDead(tok.Access, st, env); reason != "" {
		return refuseBearer(reason, tok.Access, st)
	}
	switch {
	case !holds(tok):
		return refuseBearer(oauth.ReasonTokenCertificate, tok.Access, st) // RFC 8705 §3
	case !slices.Contains(tok.Access.Audience, env.Policy.Issuer.String()):
		return refuseBearer(oauth.ReasonTokenAudience, tok.Access, st) // RFC 9068 §4
	case !slices.Contains(tok.Access.Scope, scope):
		return oauth.Refuse(oauth.ReasonTokenScopeInsufficient) // RFC 6750 §3.1
	}
	return nil
}
