package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// logoutCase is a logout that the client asks for with an ID token of the
// session that the browser is in.
type logoutCase struct {
	ask LogoutAsk
	st  record.LogoutState
}

func newLogout() *logoutCase {
	return &logoutCase{
		ask: LogoutAsk{
			Request: &oauth.LogoutRequest{PostLogoutRedirectURI: "https://shop.example/bye", State: "a b"},
			Hint:    &record.VerifiedToken{Subject: "ana", SID: "session", ClientID: "shop", Audience: []string{"shop"}, ExpiresAt: 1},
		},
		st: record.LogoutState{
			SessionState: record.SessionState{LC: tokenLC, Session: pageSession(), User: pageUser(), Parents: pageParents()},
			Client:       pageClient(),
		},
	}
}

// TestWhoIsAskedBeforeSigningOut: OpenID Connect RP-Initiated Logout 1.0 §2 and
// §3, over every combination of what the client shows and what the browser has.
func TestWhoIsAskedBeforeSigningOut(t *testing.T) {
	hints := map[string]*record.VerifiedToken{
		"none":               nil,
		"this session":       {Subject: "ana", SID: "session", Audience: []string{"shop"}},
		"no session in it":   {Subject: "ana", Audience: []string{"shop"}}, // of an offline grant
		"another session":    {Subject: "ana", SID: "earlier", Audience: []string{"shop"}},
		"another user":       {Subject: "bob", SID: "session", Audience: []string{"shop"}},
		"another user, bare": {Subject: "bob", Audience: []string{"shop"}},
	}
	for hintName, hint := range hints {
		for _, session := range []string{"none", "ended", "alive", "idle for too long"} {
			for _, confirmed := range []bool{true, false} {
				for _, named := range []bool{true, false} {
					for _, uri := range []string{"", "https://shop.example/bye", "https://shop.example/bye?x=1"} {
						c := newLogout()
						c.ask.Hint, c.ask.Confirmed, c.ask.Request.PostLogoutRedirectURI = hint, confirmed, uri
						switch {
						case named:
							c.ask.Request.ClientID = "shop"
						case hint == nil:
							c.st.Client = nil
						}
						switch session {
						case "none":
							c.st.SessionState = record.SessionState{LC: tokenLC}
						case "ended":
							c.st.Session.EndedAt, c.st.Parents.SessionEndedAt = 1, 1
						case "idle for too long":
							c.st.Parents.SessionIdleUntil = tokenNow
						}
						there := session == "alive" || session == "idle for too long"
						own := hintName == "this session" || hintName == "no session in it"
						want := Outcome[LogoutAnswer]{Answer: LogoutAnswer{Client: c.st.Client}}
						if there && !own && !confirmed {
							want.Answer.Ask = true
						} else {
							if there {
								want.Changes = sessionEnding("session", "logout", "user:ana")
							}
							if hint != nil || confirmed && named { // else nobody registered the address
								want.Answer.To = map[string]string{
									"":                             "",
									"https://shop.example/bye":     "https://shop.example/bye?state=a+b",
									"https://shop.example/bye?x=1": "https://shop.example/bye?x=1&state=a+b",
								}[uri]
							}
						}
						got := Logout(c.ask, &c.st, tokenEnv())
						name := hintName + " as hint, session " + session + ", uri " + uri
						wantRefusal(t, got.Err, "", "")
						if diff := cmp.Diff(want.Answer, got.Answer); diff != "" {
							t.Errorf("%s, confirmed %v, client named %v: answer (-want +got):\n%s", name, confirmed, named, diff)
						}
						if diff := diffChanges(want.Changes, got.Changes); diff != "" {
							t.Errorf("%s, confirmed %v, client named %v: changes (-want +got):\n%s", name, confirmed, named, diff)
						}
					}
				}
			}
		}
	}
}

// TestALogoutIsRefusedOnAPageOfOurs: OpenID Connect RP-Initiated Logout 1.0 §4, no
// redirection after an error; confirmed or not, nothing ends.
func TestALogoutIsRefusedOnAPageOfOurs(t *testing.T) {
	uri := func(uri string) func(*logoutCase) {
		return func(c *logoutCase) { c.ask.Request.PostLogoutRedirectURI = uri }
	}
	for name, tc := range map[string]struct {
		change func(*logoutCase)
		reason oauth.Reason
		param  string
	}{
		"a hint that is not ours": {func(c *logoutCase) {
			c.ask.Hint, c.ask.HintReason = nil, oauth.ReasonTokenSignature
		}, oauth.ReasonLogoutHintInvalid, "id_token_hint"},
		"a client_id that is not the hint's": {func(c *logoutCase) {
			c.ask.Request.ClientID = "other"
		}, oauth.ReasonLogoutClientMismatch, "client_id"},
		"an unknown address":        {uri("https://evil.example/bye"), oauth.ReasonLogoutURIUnregistered, "post_logout_redirect_uri"},
		"an address with a query":   {uri("https://shop.example/bye?y=1"), oauth.ReasonLogoutURIUnregistered, "post_logout_redirect_uri"},
		"a redirect URI of sign-in": {uri(tokenRedirect), oauth.ReasonLogoutURIUnregistered, "post_logout_redirect_uri"},
		"another port on loopback": {func(c *logoutCase) {
			c.st.Client.Settings.ApplicationType = "native"
			c.st.Client.Settings.PostLogoutRedirectURIs = []string{"http://127.0.0.1:80/bye"}
			c.ask.Request.PostLogoutRedirectURI = "http://127.0.0.1:81/bye"
		}, oauth.ReasonLogoutURIUnregistered, "post_logout_redirect_uri"},
		"an address and an unknown client": {func(c *logoutCase) {
			c.ask.Hint, c.st.Client, c.ask.Request.ClientID = nil, nil, "nobody"
		}, oauth.ReasonLogoutURIUnregistered, "post_logout_redirect_uri"},
		"an address of a disabled client": {func(c *logoutCase) {
			c.st.Client.Enabled = false
		}, oauth.ReasonLogoutURIUnregistered, "post_logout_redirect_uri"},
	} {
		for _, confirmed := range []bool{true, false} {
			c := newLogout()
			tc.change(c)
			c.ask.Confirmed = confirmed
			got := Logout(c.ask, &c.st, tokenEnv())
			wantRefusal(t, got.Err, tc.reason, oauth.InvalidRequest)
			if got.Err.Param != tc.param {
				t.Errorf("%s: it blames %q, want %q", name, got.Err.Param, tc.param)
			}
			if diff := cmp.Diff(LogoutAnswer{}, got.Answer); diff != "" || len(got.Changes) != 0 {
				t.Errorf("%s: beside the refusal there is %v and\n%s", name, got.Changes, diff)
			}
		}
	}
}

// TestALogoutHintOfSomebodyElseAsks: OpenID Connect RP-Initiated Logout 1.0 §2. It
// never spares the question, and raises it where it contradicts the ID token.
func TestALogoutHintOfSomebodyElseAsks(t *testing.T) {
	for hint, names := range map[string]bool{
		"": true, "ana": true, "session": true, "ana@shop.example": true, "ANA@Shop.Example": true,
		"bob": false, "another session": false, "bob@shop.example": false, "ana@shop.example.evil.example": false, "an": false, " ": false, "@": false,
	} {
		for hintName, idToken := range map[string]*record.VerifiedToken{
			"none": nil, "own": newLogout().ask.Hint, "another's": {Subject: "bob", Audience: []string{"shop"}},
		} {
			for _, confirmed := range []bool{true, false} {
				c := newLogout()
				c.ask.Hint, c.ask.Request.LogoutHint, c.ask.Confirmed = idToken, hint, confirmed
				got := Logout(c.ask, &c.st, tokenEnv())
				wantRefusal(t, got.Err, "", "")
				asks := !confirmed && !(names && hintName == "own")
				if got.Answer.Ask != asks || asks == (len(got.Changes) > 0) {
					t.Errorf("hint %q, ID token %s, confirmed %v: asks %v and changes %v", hint, hintName, confirmed, got.Answer.Ask, got.Changes)
				}
			}
		}
	}
}

func TestTheOnlyRegisteredAddressIsNotTakenUnasked(t *testing.T) {
	c := newLogout()
	c.st.Client.Settings.PostLogoutRedirectURIs = []string{"https://shop.example/bye"}
	c.ask.Request.PostLogoutRedirectURI = ""
	if got := Logout(c.ask, &c.st, tokenEnv()); got.Answer.To != "" {
		t.Errorf("a logout that names no address goes to %s", got.Answer.To)
	}
}

func TestStateIsReturnedOnlyIfSent(t *testing.T) {
	c := newLogout()
	c.ask.Request.State = ""
	if got := Logout(c.ask, &c.st, tokenEnv()); got.Answer.To != "https://shop.example/bye" {
		t.Errorf("without state it goes to %s", got.Answer.To)
	}
}
