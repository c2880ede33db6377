package decide

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// tokenCase is a presented token and the state it meets, for introspection,
// revocation and userinfo.
type tokenCase struct {
	cred oauth.Credentials
	tok  Presented
	st   record.TokenState
	env  Env
}

func newAccess(caller *record.Client) *tokenCase {
	c := &tokenCase{
		cred: tokenCredentials(caller),
		tok: Presented{Access: &record.VerifiedToken{
			KID: "key", Subject: "ana", ClientID: "shop", Audience: []string{tokenAPI, tokenIssuer},
			Scope: []string{"openid", "orders:read"}, JTI: "jti", SID: "session", GID: refreshGID,
			IssuedAt: tokenNow/second - 60, ExpiresAt: tokenNow/second + 60, RVS: tokenLC - 50,
			Claims: json.RawMessage(`{"iss":"https://id.example","sub":"ana","client_id":"shop",
				"aud":["https://api.example","https://id.example"],"scope":"openid orders:read","jti":"jti",
				"iat":1749999940,"exp":1750000060,"tier":"gold"}`),
		}},
		st: record.TokenState{
			ClientState: tokenClientState(caller), Grant: tokenGrant(), Parents: tokenParents(), Subject: tokenClient(),
		},
		env: tokenEnv(),
	}
	c.st.Parents.GID, c.st.Parents.KeyStatus = refreshGID, record.KeyActive
	return c
}

func newPresentedRefresh(caller *record.Client, generation int64) *tokenCase {
	c := newAccess(caller)
	c.tok = Presented{Refresh: &secret.Refresh{GID: refreshGID, Generation: generation}}
	return c
}

func (c *tokenCase) introspect() Outcome[Introspection] {
	return Introspect(&oauth.IntrospectionRequest{Credentials: c.cred}, c.tok, &c.st, c.env)
}

// otherClient is a confidential client that is not the token's.
func otherClient() *record.Client {
	client := tokenClient()
	client.ID = "stall"
	client.Settings.Resources = nil
	return client
}

func TestAnActiveTokenIsDescribed(t *testing.T) {
	cases := []struct {
		name string
		c    *tokenCase
		want string
	}{
		{
			"RFC 7662 §2.2: an access token, by the payload that we signed",
			newAccess(tokenClient()),
			`{"active":true,"token_type":"Bearer","iss":"https://id.example","sub":"ana","client_id":"shop",
			"aud":["https://api.example","https://id.example"],"scope":"openid orders:read","jti":"jti",
			"iat":1749999940,"exp":1750000060,"tier":"gold"}`,
		},
		{
			"RFC 7662 §2.2: a refresh token",
			newPresentedRefresh(tokenClient(), 5),
			`{"active":true,"iss":"https://id.example","sub":"ana","client_id":"shop","scope":"openid orders:read",
			"iat":1749996400,"exp":1750086400}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := c.c.introspect()
			wantRefusal(t, out.Err, "", "")
			wantJSON(t, c.want, json.RawMessage(out.Answer.JSON()))
			if out.Changes != nil {
				t.Errorf("changes %v: looking changes nothing", out.Changes)
			}
		})
	}
}

func wantJSON(t *testing.T, want string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var wanted, got any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestWhatIsActiveForWhom(t *testing.T) {
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
	audience := otherClient()
	audience.ID = tokenAPI
	server := otherClient()
	server.Settings.Resources = []string{tokenAPI}
	same := func(*tokenCase) {}

	cases := []struct {
		name   string
		c      *tokenCase
		active bool
	}{
		{"the client's own token", access(same), true},
		{"RFC 7662 §4: of a client that is its audience", newAccess(audience), true},
		{"RFC 7662 §4: of a resource server with that resource", newAccess(server), true},
		{"RFC 7662 §4: of anybody else", newAccess(otherClient()), false},
		{"junk", access(func(c *tokenCase) { c.tok.Reason = oauth.ReasonTokenMalformed }), false},
		{"neither kind", access(func(c *tokenCase) { c.tok = Presented{} }), false},
		{"expired", access(func(c *tokenCase) { c.tok.Access.ExpiresAt = tokenNow / second }), false},
		{"revoked by jti", access(func(c *tokenCase) { c.st.Parents.JTIRevoked = true }), false},
		{"signed with a compromised key", access(func(c *tokenCase) { c.st.Parents.KeyStatus = record.KeyCompromised }), false},
		{"signed with a retired key", access(func(c *tokenCase) { c.st.Parents.KeyStatus = record.KeyRetired }), true},
		{"of an ended grant", access(func(c *tokenCase) { c.st.Parents.GrantEndedAt = 1 }), false},
		{"of an ended session", access(func(c *tokenCase) { c.st.Parents.SessionEndedAt = 1 }), false},
		{"of a session idle for long", access(func(c *tokenCase) { c.st.Parents.SessionIdleUntil = 0 }), true},
		{"of a disabled user", access(func(c *tokenCase) { c.st.Parents.UserStatus = record.UserDisabled }), false},
		{"of a user signed out everywhere", access(func(c *tokenCase) { c.st.Parents.UserCut = tokenLC }), false},
		{"of a disabled client", access(func(c *tokenCase) { c.st.Parents.ClientEnabled = false }), false},
		{"of a client that was cut", access(func(c *tokenCase) { c.st.Parents.ClientCut = tokenLC }), false},
		{"of an app that was removed", access(func(c *tokenCase) { c.st.Parents.ConsentCut = tokenLC }), false},
		{"for a resource that was cut", access(func(c *tokenCase) { c.st.Parents.ResourceCuts = []int64{tokenLC} }), false},
		{"after the glass was broken", access(func(c *tokenCase) { c.st.Parents.AllCut = tokenLC }), false},
		{"cut off before it was made", access(func(c *tokenCase) { c.st.Parents.UserCut = tokenLC - 50 }), true},

		{"the current refresh token", refresh(5, same), true},
		{"its predecessor, as long as a refresh would answer it", refresh(4, same), true},
		{"its predecessor, late too often", refresh(4, func(c *tokenCase) { c.st.Grant.LateGen, c.st.Grant.LateRun = 4, 2 }), false},
		{"an older one, which is not replayed by asking", refresh(3, same), false},
		{"one from the future", refresh(6, same), false},
		{"a refresh token of another client", newPresentedRefresh(server, 5), false},
		{"a refresh token of a purged grant", refresh(5, func(c *tokenCase) { c.st.Grant = nil }), false},
		{"an idle refresh token", refresh(5, func(c *tokenCase) { c.st.Grant.IdleUntil = tokenNow }), false},
		{"a refresh token of an ended grant", refresh(5, func(c *tokenCase) { c.st.Parents.GrantEndedAt = 1 }), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := c.c.introspect()
			wantRefusal(t, out.Err, "", "")
			if out.Answer.Active != c.active {
				t.Errorf("active: %v, want %v", out.Answer.Active, c.active)
			}
			if !c.active {
				wantJSON(t, `{"active":false}`, json.RawMessage(out.Answer.JSON())) // RFC 7662 §2.2, L3
			}
			if out.Changes != nil {
				t.Errorf("changes %v: looking changes nothing", out.Changes)
			}
		})
	}
}

// Whoever asks what a token is worth at a resource hears whether the question is
// theirs to ask, and of no token that is for another.
func TestIntrospectionMayBeAboutOneResource(t *testing.T) {
	server, stranger := otherClient(), otherClient()
	server.Settings.Resources = []string{tokenAPI, "https://other.example"}
	own := newAccess(server)
	for _, c := range []struct {
		name     string
		c        *tokenCase
		resource string
		active   bool
		reason   oauth.Reason
	}{
		{"its own", newAccess(server), tokenAPI, true, ""},
		{"another of its own, which the token is not for", newAccess(server), "https://other.example", false, ""},
		{"one that is not its own", newAccess(stranger), tokenAPI, false, oauth.ReasonResourceNotAllowed},
		{"one that there is not", newAccess(server), "https://nobody.example", false, oauth.ReasonResourceNotAllowed},
		{"itself, which the token is not for", own, own.st.Client.ID, false, ""},
		{"its own, of a refresh token", newPresentedRefresh(tokenClient(), 5), tokenAPI, false, ""},
	} {
		out := Introspect(&oauth.IntrospectionRequest{Credentials: c.c.cred, Resource: c.resource}, c.c.tok, &c.c.st, c.c.env)
		code := oauth.Code("")
		if c.reason != "" {
			code = oauth.InvalidTarget
		}
		wantRefusal(t, out.Err, c.reason, code)
		if out.Answer.Active != c.active {
			t.Errorf("%s: active is %v", c.name, out.Answer.Active)
		}
	}
	wrong := newAccess(stranger)
	wrong.cred.Secret = "wrong"
	out := Introspect(&oauth.IntrospectionRequest{Credentials: wrong.cred, Resource: tokenAPI}, wrong.tok, &wrong.st, wrong.env)
	wantRefusal(t, out.Err, oauth.ReasonClientSecretWrong, oauth.InvalidClient) // contract: the client first
}

func TestIntrospectionIsForConfidentialClients(t *testing.T) {
	c := newAccess(tokenPublic())
	wantRefusal(t, c.introspect().Err, oauth.ReasonClientAuthMissing, oauth.InvalidClient) // RFC 7662 §2.1
	c = newAccess(tokenClient())
	c.cred.Secret = "wrong"
	wantRefusal(t, c.introspect().Err, oauth.ReasonClientSecretWrong, oauth.InvalidClient)
}
