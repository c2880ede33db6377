package decide

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func (c *tokenCase) revoke() Outcome[struct{}] {
	return Revoke(&oauth.RevocationRequest{Credentials: c.cred}, c.tok, &c.st, c.env)
}

func TestAClientEndsItsOwnTokens(t *testing.T) {
	grantEnds := tokenEnding(revocation.ForGID(refreshGID), "revoked", "client:shop",
		record.EndGrant{ID: refreshGID, At: tokenNow},
		record.Audit{Event: "grant_ended", UserID: "ana", ClientID: "shop", GID: refreshGID})
	tokenEnds := tokenEnding(revocation.ForJTI("jti"), "revoked", "client:shop", nil,
		record.Audit{Event: "token_ended", UserID: "ana", ClientID: "shop"})
	ownEnds := tokenEnding(revocation.ForJTI("jti"), "revoked", "client:shop", nil,
		record.Audit{Event: "token_ended", ClientID: "shop"})
	access := func(change func(c *tokenCase)) *tokenCase {
		c := newAccess(tokenClient())
		change(c)
		return c
	}
	refresh := func(generation int64, change func(c *tokenCase)) *tokenCase {
		c := newPresentedRefresh(tokenClient(), generation)
		change(c)
		return c
	}
	same := func(*tokenCase) {}

	cases := []struct {
		name    string
		c       *tokenCase
		reason  oauth.Reason
		code    oauth.Code
		changes []record.Change
	}{
		{"RFC 7009 §2.1: a refresh token ends its grant, and so the access tokens", refresh(5, same), "", "", grantEnds},
		{"tokens.md, part 4: of any generation", refresh(0, same), "", "", grantEnds},
		{"a refresh token that idled too long: its access tokens may live", refresh(5, func(c *tokenCase) { c.st.Grant.IdleUntil = 0 }), "", "", grantEnds},
		{"RFC 7009 §2.1: an access token ends alone", access(same), "", "", tokenEnds},
		{"a client's own access token", access(func(c *tokenCase) {
			c.tok.Access.Subject, c.tok.Access.SID, c.tok.Access.GID = "shop", "", ""
			c.st.Parents.UserID, c.st.Parents.SID, c.st.Parents.GID = "", "", ""
		}), "", "", ownEnds},
		{"RFC 7009 §2.1: a public client by its client_id", newPresentedRefresh(tokenPublic(), 5), "", "", grantEnds},

		{"RFC 7009 §2.2: an unknown token", access(func(c *tokenCase) { c.tok = Presented{Reason: oauth.ReasonTokenMalformed} }), "", "", nil},
		{"RFC 7009 §2.2: a forged refresh token", access(func(c *tokenCase) { c.tok = Presented{Reason: oauth.ReasonRefreshForged} }), "", "", nil},
		{"RFC 7009 §2.2: a refresh token of a purged grant", refresh(5, func(c *tokenCase) { c.st.Grant = nil }), "", "", nil},
		{"a grant ends once", refresh(5, func(c *tokenCase) { c.st.Grant.EndedAt = 1 }), "", "", nil},
		{"an expired access token", access(func(c *tokenCase) { c.tok.Access.ExpiresAt = 0 }), "", "", nil},
		{"an access token revoked before", access(func(c *tokenCase) { c.st.Parents.JTIRevoked = true }), "", "", nil},
		{"an access token of an ended grant", access(func(c *tokenCase) { c.st.Parents.GrantEndedAt = 1 }), "", "", nil},

		{"RFC 7009 §2.1: the refresh token of another client", newPresentedRefresh(otherClient(), 5), oauth.ReasonTokenOfOtherClient, oauth.InvalidGrant, nil},
		{"RFC 7009 §2.1: the access token of another client", newAccess(otherClient()), oauth.ReasonTokenOfOtherClient, oauth.InvalidGrant, nil},
		{"RFC 7009 §2.2.1: an ID token", access(func(c *tokenCase) { c.tok = Presented{Reason: oauth.ReasonTokenWrongType} }), oauth.ReasonTokenTypeUnsupported, oauth.UnsupportedTokenType, nil},
		{"RFC 7009 §2.1: wrong secret", access(func(c *tokenCase) { c.cred.Secret = "x" }), oauth.ReasonClientSecretWrong, oauth.InvalidClient, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := c.c.revoke()
			wantRefusal(t, out.Err, c.reason, c.code)
			if diff := diffChanges(c.changes, out.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}
