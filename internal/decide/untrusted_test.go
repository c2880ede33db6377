package decide

import (
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// unvouched makes the client of a case one that registered itself.
func (c *authorizeCase) unvouched() *authorizeCase {
	client := *c.st.Client
	client.Registration = &record.Registration{ClientID: client.ID, EndsAt: tokenNow + 1}
	c.st.Client = &client
	return c
}

// RFC 9700 §4.11.2: an error of a client that nobody vouches for is no way to
// another site until a user has signed in.
func TestAnErrorTakesNobodyToAClientThatNobodyVouchesFor(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*authorizeCase)
		leaves bool
	}{
		{"a bad scope, nobody signed in", func(c *authorizeCase) { c.st.Session = nil }, false},
		{"a bad scope, a session that ended", func(c *authorizeCase) { c.st.Parents.SessionEndedAt = 1 }, false},
		{"a bad scope, signed in", func(*authorizeCase) {}, true},
		{"prompt=none, nobody signed in", func(c *authorizeCase) { c.st.Session, c.ask.Request.Prompt = nil, []string{oauth.PromptNone} }, true},
	} {
		own, other := newAuthorize(), newAuthorize().unvouched()
		for _, from := range []*authorizeCase{own, other} {
			from.ask.Request.Scope = oauth.NewScopes("nothing:known")
			c.change(from)
		}
		if out := own.run(); out.Err == nil || !out.Answer.CanRedirect {
			t.Errorf("%s: an administrator's client gets %v, redirected: %v", c.name, out.Err, out.Answer.CanRedirect)
		}
		if out := other.run(); out.Err == nil || out.Answer.CanRedirect != c.leaves {
			t.Errorf("%s: %v, redirected: %v", c.name, out.Err, out.Answer.CanRedirect)
		}
	}
}

func TestAClientIsKeptOnceItGotACode(t *testing.T) {
	c := newAuthorize().unvouched()
	kept := record.Change(record.ConfirmRegistration{ClientID: c.st.Client.ID})
	out := c.run()
	if where(out) != "code" || !slices.ContainsFunc(out.Changes, func(change record.Change) bool { return change == kept }) {
		t.Errorf("%s: %#v", where(out), out.Changes)
	}
	c.st.Consent = nil
	if out := c.run(); where(out) != "consent page" || slices.ContainsFunc(out.Changes, func(change record.Change) bool { return change == kept }) {
		t.Errorf("%s: %#v", where(out), out.Changes)
	}
}

// RFC 7591 §5, OpenID Connect Dynamic Client Registration §9.1: logo and links are of a
// host that codes go to, or are not shown.
func TestALogoOfAnotherHostIsNotShownForWhoNobodyVouchesFor(t *testing.T) {
	for address, own := range map[string]bool{
		"https://APP.example:8443/logo.png": true, "https://app.example/policy": true, "": true,
		"https://bank.example/logo.png": false, "https://app.example.evil.example/logo.png": false, "https://app.example@bank.example/": false, "https:///x": false,
	} {
		localized := map[string]string{"logo_uri#de": address, "policy_uri#pt-BR": address, "client_name#de": "Name"}
		settings := record.ClientSettings{
			RedirectURIs: []string{"https://app.example/cb", "com.example.app:/cb"},
			LogoURI:      address, ClientURI: address, PolicyURI: address, TosURI: address, Localized: localized,
		}
		for _, client := range []*record.Client{{ID: "id", Settings: settings}, {ID: "id", Settings: settings, Registration: &record.Registration{ClientID: "id"}}} {
			want, s := address, Showable(client)
			if client.Registered() && !own {
				want = ""
			}
			for _, shown := range []string{s.LogoURI, s.ClientURI, s.PolicyURI, s.TosURI, s.Localized["logo_uri#de"], s.Localized["policy_uri#pt-BR"]} {
				if shown != want {
					t.Errorf("%q, registered by itself %v: %q", address, client.Registered(), shown)
				}
			}
			if s.Localized["client_name#de"] != "Name" || client.Settings.LogoURI != address || len(localized) != 3 {
				t.Errorf("%q: the name is gone, or the row was changed: %+v, %+v", address, s, client.Settings)
			}
		}
	}
}
