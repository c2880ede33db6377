package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

type ownTokenCase struct {
	req oauth.TokenRequest
	st  record.ClientState
}

func newOwnToken() *ownTokenCase {
	client := tokenClient()
	return &ownTokenCase{
		req: oauth.TokenRequest{Credentials: tokenCredentials(client), GrantType: oauth.GrantClientCredentials},
		st:  tokenClientState(client),
	}
}

// RFC 6749 §4.4, RFC 9068 §2.2: sub is the client, and nothing speaks of a user.
func TestAClientsOwnTokenHasNoUser(t *testing.T) {
	c := newOwnToken()
	c.req.Resources = []string{tokenAPI}
	env := tokenEnv()
	out := ClientCredentials(&c.req, &c.st, env)
	wantRefusal(t, out.Err, "", "")
	if out.Changes != nil {
		t.Errorf("changes %v: nothing is stored per access token", out.Changes)
	}
	issued := tokenNow / second
	ttl := jittered(900, env)
	want := record.Tokens{
		Access: &record.AccessFacts{
			Profile: record.StandardProfile, Alg: "ES256", Subject: "shop", ClientID: "shop", Audience: []string{tokenAPI},
			Scope: "orders:read orders:write", JTI: env.Seed.ID("jti"), IssuedAt: issued, ExpiresAt: issued + ttl, RVS: tokenLC,
		},
		ExpiresIn: ttl,
		Scope:     "orders:read orders:write",
	}
	if diff := cmp.Diff(want, out.Answer); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

func TestAClientGetsForItselfWhatItWasGiven(t *testing.T) {
	public := func(c *ownTokenCase) {
		c.st.Client = tokenPublic()
		c.req.Credentials = tokenCredentials(c.st.Client)
	}
	scope := func(words ...string) func(c *ownTokenCase) {
		return func(c *ownTokenCase) { c.req.Scope, c.req.ScopeGiven = oauth.NewScopes(words...), true }
	}
	cases := []struct {
		name     string
		change   func(c *ownTokenCase)
		scope    string
		audience string
		reason   oauth.Reason
		code     oauth.Code
	}{
		{"none asked: all custom scopes, for the issuer", func(*ownTokenCase) {}, "orders:read orders:write", tokenIssuer, "", ""},
		{"RFC 6749 §4.4.2: one of its scopes", scope("orders:read"), "orders:read", tokenIssuer, "", ""},
		{"RFC 6749 §4.4: a public client, although it is registered", public, "", "", oauth.ReasonGrantNotAllowed, oauth.UnauthorizedClient},
		{"RFC 6749 §5.2: not registered", func(c *ownTokenCase) { c.st.Client.Settings.GrantTypes = nil }, "", "", oauth.ReasonGrantNotAllowed, oauth.UnauthorizedClient},
		{"RFC 6749 §5.2: wrong secret", func(c *ownTokenCase) { c.req.Credentials.Secret = "x" }, "", "", oauth.ReasonClientSecretWrong, oauth.InvalidClient},
		{"X17: a scope nobody knows refuses the whole request", scope("orders:read", "pigs:fly"), "", "", oauth.ReasonScopeUnknown, oauth.InvalidScope},
		{"X17: a scope not on the client's list", func(c *ownTokenCase) {
			scope("orders:cancel")(c)
			c.req.Resources = []string{tokenAPI}
		}, "", "", oauth.ReasonScopeNotAllowed, oauth.InvalidScope},
		{"a scope of OpenID Connect not on the client's list", scope("address"), "", "", oauth.ReasonScopeNotAllowed, oauth.InvalidScope},
		{"a scope of OpenID Connect on the client's list: there is no user", scope("openid"), "", "", oauth.ReasonScopeNotAllowed, oauth.InvalidScope},
		{"RFC 6749 §4.4.3: nor a refresh token to ask for", scope("offline_access"), "", "", oauth.ReasonScopeNotAllowed, oauth.InvalidScope},
		{"attributes that the client may not read", func(c *ownTokenCase) {
			scope("email")(c)
			c.st.Client.Settings.ReadAttributes = []string{"email"}
		}, "", "", oauth.ReasonScopeAttributesUnreadable, oauth.InvalidScope},
		{"RFC 8707 §2: a resource that does not exist", func(c *ownTokenCase) { c.req.Resources = []string{"https://x.example"} }, "", "", oauth.ReasonResourceUnknown, oauth.InvalidTarget},
		{"RFC 8707 §2: a resource of others", func(c *ownTokenCase) {
			c.req.Resources, c.st.Client.Settings.Resources = []string{tokenAPI}, nil
		}, "", "", oauth.ReasonResourceNotAllowed, oauth.InvalidTarget},
		{"the default resource", func(c *ownTokenCase) {
			c.st.Client.Settings.DefaultResource, c.st.Client.Settings.Resources = tokenAPI, nil
		}, "orders:read orders:write", tokenAPI, "", ""},
		{"the client was cut after the snapshot", func(c *ownTokenCase) { c.st.Client.Cut = tokenLC + 1 }, "", "", oauth.ReasonClientCut, oauth.InvalidGrant},
		{"the resource was cut after the snapshot", func(c *ownTokenCase) {
			c.req.Resources = []string{tokenAPI}
			c.st.Resources[tokenAPI].Cut = tokenLC + 1
		}, "", "", oauth.ReasonResourceCut, oauth.InvalidGrant},
		{"everything was cut after the snapshot", func(c *ownTokenCase) { c.st.AllCut = tokenLC + 1 }, "", "", oauth.ReasonAllCut, oauth.InvalidGrant},
		{"tokens.md I2: cut at the snapshot, the next token lives", func(c *ownTokenCase) { c.st.Client.Cut, c.st.AllCut = tokenLC, tokenLC }, "orders:read orders:write", tokenIssuer, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newOwnToken()
			c.change(x)
			out := ClientCredentials(&x.req, &x.st, tokenEnv())
			wantRefusal(t, out.Err, c.reason, c.code)
			if c.reason != "" {
				return
			}
			if out.Answer.Scope != c.scope || !cmp.Equal(out.Answer.Access.Audience, []string{c.audience}) {
				t.Errorf("scope %q for %v", out.Answer.Scope, out.Answer.Access.Audience)
			}
		})
	}
}
