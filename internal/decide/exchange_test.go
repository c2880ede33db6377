package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func tokenCode() *record.Code {
	return &record.Code{
		Hash:     []byte("hash of the code"),
		ClientID: "shop",
		UserID:   "ana",
		SID:      "session",
		GID:      "grant",
		Request: record.CodeRequest{
			RedirectURI:      tokenRedirect,
			RedirectURIGiven: true,
			Scope:            []string{"openid", "orders:read"},
			Resources:        []string{tokenAPI},
			Nonce:            "n",
			Facts:            tokenFacts(),
		},
		Challenge: oauth.ChallengeOf(tokenVerifier),
		RVS:       tokenLC - 100,
		EndsAt:    tokenNow + 1,
	}
}

// exchangeCase is a request, the state it meets and the moment.
type exchangeCase struct {
	req oauth.TokenRequest
	st  record.CodeState
	env Env
}

func newExchange(client *record.Client) *exchangeCase {
	return &exchangeCase{
		req: oauth.TokenRequest{
			Credentials:  tokenCredentials(client),
			GrantType:    oauth.GrantAuthorizationCode,
			RedirectURI:  tokenRedirect,
			CodeVerifier: tokenVerifier,
		},
		st:  record.CodeState{ClientState: tokenClientState(client), Code: tokenCode(), Parents: tokenParents()},
		env: tokenEnv(),
	}
}

func (c *exchangeCase) run() Outcome[record.Tokens] { return Exchange(&c.req, &c.st, c.env) }

func TestACodeGivesAGrantAndItsFirstTokens(t *testing.T) {
	out := newExchange(tokenClient()).run()
	wantRefusal(t, out.Err, "", "")
	grant := record.Grant{
		ID: "grant", UserID: "ana", ClientID: "shop", SID: "session", Origin: "session",
		Scope: []string{"openid", "orders:read"}, Resources: []string{tokenAPI},
		Facts: tokenFacts(), RVS: tokenLC - 100, MadeAt: tokenNow, RotatedAt: tokenNow,
		IdleUntil: tokenNow + 30*24*hour, AbsUntil: tokenNow + 90*24*hour,
	}
	want := []record.Change{
		record.UseCode{Hash: []byte("hash of the code"), ClientID: "shop", At: tokenNow},
		record.PutGrant{Grant: grant, SessionID: "session"},
		record.Audit{At: tokenNow, Event: "grant_made", Actor: "client:shop", UserID: "ana", ClientID: "shop", GID: "grant"},
	}
	if diff := diffChanges(want, out.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	env := tokenEnv()
	issued := tokenNow / second
	ttl := jittered(900, env)
	tokens := record.Tokens{
		Access: &record.AccessFacts{ // RFC 9068 §2.2
			Profile: record.StandardProfile, Alg: "ES256", Subject: "ana", ClientID: "shop",
			Audience: []string{tokenAPI, tokenIssuer}, Scope: "openid orders:read",
			JTI: env.Seed.ID("jti"), SID: "session", GID: "grant", IssuedAt: issued, ExpiresAt: issued + ttl,
			AuthTime: issued - 60, ACR: "1", AMR: []string{"pwd"}, RVS: tokenLC,
		},
		ID: &record.IDFacts{ // OpenID Connect Core §2
			Profile: record.StandardProfile, Alg: "ES256", Subject: "ana", ClientID: "shop", SID: "session", Nonce: "n",
			IssuedAt: issued, ExpiresAt: issued + 3600, AuthTime: issued - 60, ACR: "1", AMR: []string{"pwd"},
		},
		Refresh:   &record.RefreshFacts{GID: "grant", Generation: 0},
		ExpiresIn: ttl,
		Scope:     "openid orders:read",
	}
	if diff := cmp.Diff(tokens, out.Answer); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

func TestACodeIsRefused(t *testing.T) {
	replay := tokenEnding(revocation.ForGID("grant"), "code_used", "server",
		record.EndGrant{ID: "grant", At: tokenNow},
		record.Audit{Event: "grant_ended", UserID: "ana", ClientID: "shop", GID: "grant"})
	used := func(c *exchangeCase) { c.st.Code.UsedAt = tokenNow - 10 }

	cases := []struct {
		name    string
		change  func(c *exchangeCase)
		reason  oauth.Reason
		code    oauth.Code
		changes []record.Change
	}{
		{
			"RFC 6749 §5.2: client authentication comes first",
			func(c *exchangeCase) { c.req.Credentials.Secret, c.st.Code = "wrong", nil },
			oauth.ReasonClientSecretWrong, oauth.InvalidClient, nil,
		},
		{
			"RFC 6749 §5.2: then the grant type",
			func(c *exchangeCase) { c.st.Client.Settings.GrantTypes, c.st.Code = []string{"refresh_token"}, nil },
			oauth.ReasonGrantNotAllowed, oauth.UnauthorizedClient, nil,
		},
		{"RFC 6749 §5.2: no such code", func(c *exchangeCase) { c.st.Code = nil }, oauth.ReasonCodeUnknown, oauth.InvalidGrant, nil},
		{
			"RFC 6749 §4.1.3: the code of another client",
			func(c *exchangeCase) { c.st.Code.ClientID = "stall" }, oauth.ReasonCodeOfOtherClient, oauth.InvalidGrant, nil,
		},
		{
			"tokens.md, part 4: the used code of another client, without effect",
			func(c *exchangeCase) { used(c); c.st.Code.ClientID = "stall" }, oauth.ReasonCodeOfOtherClient, oauth.InvalidGrant, nil,
		},
		{
			"RFC 6749 §4.1.3: another redirect URI",
			func(c *exchangeCase) { c.req.RedirectURI += "/" }, oauth.ReasonCodeRedirectMismatch, oauth.InvalidGrant, nil,
		},
		{
			"RFC 6749 §4.1.3: the redirect URI was given and is not repeated",
			func(c *exchangeCase) { c.req.RedirectURI = "" }, oauth.ReasonCodeRedirectMismatch, oauth.InvalidGrant, nil,
		},
		{
			"RFC 6749 §4.1.3: one that was not given is wrong all the same",
			func(c *exchangeCase) {
				c.st.Code.Request.RedirectURIGiven = false
				c.req.RedirectURI = "https://evil.example"
			},
			oauth.ReasonCodeRedirectMismatch, oauth.InvalidGrant, nil,
		},
		{
			"a used code with another redirect URI, without effect",
			func(c *exchangeCase) { used(c); c.req.RedirectURI = "" }, oauth.ReasonCodeRedirectMismatch, oauth.InvalidGrant, nil,
		},
		{
			"RFC 7636 §4.6: another verifier",
			func(c *exchangeCase) { c.req.CodeVerifier = "x" + tokenVerifier[1:] }, oauth.ReasonPKCEMismatch, oauth.InvalidGrant, nil,
		},
		{
			"RFC 7636 §4.1: a verifier of 42 characters",
			func(c *exchangeCase) {
				c.req.CodeVerifier = tokenVerifier[:42]
				c.st.Code.Challenge = oauth.ChallengeOf(tokenVerifier[:42])
			},
			oauth.ReasonPKCEMismatch, oauth.InvalidGrant, nil,
		},
		{
			"RFC 9700 §2.1.1: no verifier",
			func(c *exchangeCase) { c.req.CodeVerifier = "" }, oauth.ReasonPKCEVerifierMissing, oauth.InvalidGrant, nil,
		},
		{
			"RFC 9700 §4.8.2: a verifier without a challenge",
			func(c *exchangeCase) { c.st.Code.Challenge = "" }, oauth.ReasonPKCEUnexpectedVerifier, oauth.InvalidGrant, nil,
		},
		{
			"a used code without its verifier, without effect",
			func(c *exchangeCase) { used(c); c.req.CodeVerifier = "" }, oauth.ReasonPKCEVerifierMissing, oauth.InvalidGrant, nil,
		},
		{"RFC 6749 §4.1.2: a used code ends its grant", used, oauth.ReasonCodeUsed, oauth.InvalidGrant, replay},
		{
			"RFC 6749 §4.1.2: also long after it expired",
			func(c *exchangeCase) { used(c); c.st.Code.EndsAt = tokenNow - hour }, oauth.ReasonCodeUsed, oauth.InvalidGrant, replay,
		},
		{
			"also when the user has signed out since",
			func(c *exchangeCase) { used(c); c.st.Parents.SessionEndedAt = 1 }, oauth.ReasonCodeUsed, oauth.InvalidGrant, replay,
		},
		{
			"a grant ends once",
			func(c *exchangeCase) { used(c); c.st.Parents.GID, c.st.Parents.GrantEndedAt = "grant", tokenNow-1 },
			oauth.ReasonCodeUsed, oauth.InvalidGrant, nil,
		},
		{
			"RFC 6749 §4.1.2: a code is dead from the millisecond in which it ends",
			func(c *exchangeCase) { c.st.Code.EndsAt = tokenNow }, oauth.ReasonCodeExpired, oauth.InvalidGrant, nil,
		},
		{"D5: signed out meanwhile", func(c *exchangeCase) { c.st.Parents.SessionEndedAt = 1 }, oauth.ReasonCodeSessionEnded, oauth.InvalidGrant, nil},
		{
			"D5: signed out meanwhile, offline",
			func(c *exchangeCase) { c.st.Parents.SessionEndedAt = 1; c.st.Code.Request.Offline = true },
			oauth.ReasonCodeSessionEnded, oauth.InvalidGrant, nil,
		},
		{"D5: session over", func(c *exchangeCase) { c.st.Parents.SessionAbsUntil = tokenNow }, oauth.ReasonSessionExpired, oauth.InvalidGrant, nil},
		{"D5: user disabled", func(c *exchangeCase) { c.st.Parents.UserStatus = record.UserDisabled }, oauth.ReasonUserDisabled, oauth.InvalidGrant, nil},
		{"D5: user deleted", func(c *exchangeCase) { c.st.Parents.UserStatus = "" }, oauth.ReasonUserDisabled, oauth.InvalidGrant, nil},
		{"D5: user cut", func(c *exchangeCase) { c.st.Parents.UserCut = tokenLC }, oauth.ReasonUserCut, oauth.InvalidGrant, nil},
		{"D5: client cut", func(c *exchangeCase) { c.st.Parents.ClientCut = tokenLC }, oauth.ReasonClientCut, oauth.InvalidGrant, nil},
		{"D5: app removed", func(c *exchangeCase) { c.st.Parents.ConsentCut = tokenLC }, oauth.ReasonConsentCut, oauth.InvalidGrant, nil},
		{"resource taken out", func(c *exchangeCase) { c.st.Parents.ResourceCuts = []int64{tokenLC} }, oauth.ReasonResourceCut, oauth.InvalidGrant, nil},
		{"break glass", func(c *exchangeCase) { c.st.Parents.AllCut = tokenLC }, oauth.ReasonAllCut, oauth.InvalidGrant, nil},
		{
			"RFC 8707 §2.2: a resource that was not granted",
			func(c *exchangeCase) { c.req.Resources = []string{"https://other.example"} },
			oauth.ReasonResourceWidened, oauth.InvalidTarget, nil,
		},
		{
			"the resource was deleted meanwhile",
			func(c *exchangeCase) { c.st.Resources = nil }, oauth.ReasonResourceUnknown, oauth.InvalidTarget, nil,
		},
		{
			"the resource was taken from the client meanwhile",
			func(c *exchangeCase) { c.st.Client.Settings.Resources = nil }, oauth.ReasonResourceNotAllowed, oauth.InvalidTarget, nil,
		},
		{
			"every scope was taken from the client meanwhile",
			func(c *exchangeCase) { c.st.Client.ScopeList = nil }, oauth.ReasonScopeNotAllowed, oauth.InvalidScope, nil,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newExchange(tokenClient())
			c.change(x)
			out := x.run()
			wantRefusal(t, out.Err, c.reason, c.code)
			if diff := diffChanges(c.changes, out.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatACodeGivesFollowsTheRequestAndTheClient(t *testing.T) {
	cases := []struct {
		name   string
		change func(c *exchangeCase)
		want   func(t *testing.T, grant record.Grant, tokens record.Tokens)
	}{
		{
			"OpenID Connect Core §11: an offline grant hangs from no session; its ID token says in which it was made",
			func(c *exchangeCase) { c.st.Code.Request.Offline = true },
			func(t *testing.T, grant record.Grant, tokens record.Tokens) {
				if grant.SID != "" || tokens.Access.SID != "" || tokens.ID.SID != "session" || grant.Origin != "session" || !grant.Offline() {
					t.Errorf("sid: grant %q, access %q, id %q", grant.SID, tokens.Access.SID, tokens.ID.SID)
				}
			},
		},
		{
			"H9: no refresh token for a client without that grant type; its grant ends with the access token",
			func(c *exchangeCase) { c.st.Client.Settings.GrantTypes = []string{"authorization_code"} },
			func(t *testing.T, grant record.Grant, tokens record.Tokens) {
				if tokens.Refresh != nil || grant.AbsUntil != tokens.Access.ExpiresAt*second || grant.IdleUntil != grant.AbsUntil {
					t.Errorf("refresh %v, grant until %d and %d", tokens.Refresh, grant.IdleUntil, grant.AbsUntil)
				}
			},
		},
		{
			"OpenID Connect Core §3.1.2.1: no ID token without openid, nor the issuer in aud",
			func(c *exchangeCase) { c.st.Code.Request.Scope = []string{"orders:read"} },
			func(t *testing.T, _ record.Grant, tokens record.Tokens) {
				if tokens.ID != nil || !cmp.Equal(tokens.Access.Audience, []string{tokenAPI}) {
					t.Errorf("id %v, audience %v", tokens.ID, tokens.Access.Audience)
				}
			},
		},
		{
			"tokens.md, part 1: without a resource the issuer is the audience",
			func(c *exchangeCase) { c.st.Code.Request.Resources = nil },
			func(t *testing.T, _ record.Grant, tokens record.Tokens) {
				if !cmp.Equal(tokens.Access.Audience, []string{tokenIssuer}) {
					t.Errorf("audience %v", tokens.Access.Audience)
				}
			},
		},
		{
			"A15: a scope taken from the client since is left out, and the answer says so",
			func(c *exchangeCase) { c.st.Client.ScopeList = []string{"openid"} },
			func(t *testing.T, grant record.Grant, tokens record.Tokens) {
				if tokens.Scope != "openid" || tokens.Access.Scope != "openid" || len(grant.Scope) != 2 {
					t.Errorf("scope %q, grant %v", tokens.Scope, grant.Scope)
				}
			},
		},
		{
			"RFC 6749 §3.2: a scope parameter means nothing here",
			func(c *exchangeCase) { c.req.Scope = oauth.NewScopes("orders:write"); c.req.ScopeGiven = true },
			func(t *testing.T, _ record.Grant, tokens record.Tokens) {
				if tokens.Scope != "openid orders:read" {
					t.Errorf("scope %q", tokens.Scope)
				}
			},
		},
		{
			"RFC 6749 §4.1.3: a redirect URI that was not given need not be repeated",
			func(c *exchangeCase) { c.st.Code.Request.RedirectURIGiven = false; c.req.RedirectURI = "" },
			func(*testing.T, record.Grant, record.Tokens) {},
		},
		{
			"the grant to be made has no row yet",
			func(c *exchangeCase) { c.st.Parents.GID, c.st.Parents.GrantEndedAt = "grant", 1 },
			func(*testing.T, record.Grant, record.Tokens) {},
		},
		{
			"PKCE left out where that is allowed",
			func(c *exchangeCase) { c.st.Code.Challenge = ""; c.req.CodeVerifier = "" },
			func(*testing.T, record.Grant, record.Tokens) {},
		},
		{
			"the client's lifetimes",
			func(c *exchangeCase) {
				s := &c.st.Client.Settings
				s.AccessTTL, s.IDTTL, s.RefreshIdleTTL, s.RefreshAbsoluteTTL = 100, 200, 3000, 2000
			},
			func(t *testing.T, grant record.Grant, tokens record.Tokens) {
				if tokens.ExpiresIn > 100 || tokens.ExpiresIn < 95 || tokens.ID.ExpiresAt-tokens.ID.IssuedAt != 200 {
					t.Errorf("expires in %d", tokens.ExpiresIn)
				}
				if grant.AbsUntil != tokenNow+2000*second || grant.IdleUntil != grant.AbsUntil {
					t.Errorf("grant until %d and %d", grant.IdleUntil, grant.AbsUntil)
				}
			},
		},
		{
			"ES256 unless the client registered another algorithm",
			func(c *exchangeCase) { c.st.Client.Settings.IDTokenSigningAlg = "RS256" },
			func(t *testing.T, _ record.Grant, tokens record.Tokens) {
				if tokens.ID.Alg != "RS256" || tokens.Access.Alg != "ES256" {
					t.Errorf("algorithms %s, %s", tokens.ID.Alg, tokens.Access.Alg)
				}
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newExchange(tokenClient())
			c.change(x)
			out := x.run()
			wantRefusal(t, out.Err, "", "")
			c.want(t, out.Changes[1].(record.PutGrant).Grant, out.Answer)
		})
	}
}
