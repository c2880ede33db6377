package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// FeedReader is a client that may follow the revocation feed.
type FeedReader struct {
	ClientID string
	Until    int64 // when its token expires, in Unix milliseconds
}

// ReadFeed decides whether the bearer of an access token may follow the revocation
// feed: the token is alive, meant for us, and has the scope.
func ReadFeed(tok Presented, st *record.TokenState, env Env) Outcome[FeedReader] {
	if err := bearerFor(oauth.ScopeReadRevocations, tok, st, env); err != nil {
		return refuse[FeedReader](err)
	}
	return Outcome[FeedReader]{Answer: FeedReader{ClientID: tok.Access.ClientID, Until: tok.Access.ExpiresAt * second}}
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
	case !slices.Contains(tok.Access.Audience, env.Policy.Issuer.String()):
		return refuseBearer(oauth.ReasonTokenAudience, tok.Access, st) // RFC 9068 §4
	case !slices.Contains(tok.Access.Scope, scope):
		return oauth.Refuse(oauth.ReasonTokenScopeInsufficient) // RFC 6750 §3.1
	}
	return nil
}
