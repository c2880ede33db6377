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

// OpenID Connect Dynamic Client Registration §9.1: a logo and a policy are of a host that
// codes go to, or are not shown.
func TestALogoOfAnotherHostIsNotShownForWhoNobodyVouchesFor(t *testing.T) {
	const own, other, lookalike = "https://APP.example:8443/logo.png", "https://bank.example/logo.png", "https://app.example.evil.example/logo.png"
	client := &record.Client{ID: "id", Settings: record.ClientSettings{RedirectURIs: []string{"https://app.example/cb", "com.example.app:/cb"}}}
	for _, c := range []struct {
		address string
		shown   bool
	}{{own, true}, {other, false}, {lookalike, false}, {"https://app.example/policy", true}, {"", true}, {"https://app.example@bank.example/", false}, {"https:///x", false}} {
		client.Settings.LogoURI, client.Settings.PolicyURI = c.address, c.address
		client.Settings.TosURI, client.Settings.ClientURI = other, other
		client.Settings.Localized = map[string]string{"logo_uri#de": c.address, "policy_uri#pt-BR": c.address, "client_name#de": "Name"}
		for _, registered := range []bool{false, true} {
			client.Registration = nil
			if registered {
				client.Registration = &record.Registration{ClientID: "id"}
			}
			want, s := c.address, Showable(client)
			if registered && !c.shown {
				want = ""
			}
			if s.LogoURI != want || s.PolicyURI != want || s.Localized["logo_uri#de"] != want || s.Localized["policy_uri#pt-BR"] != want ||
				s.TosURI != other || s.ClientURI != other || s.Localized["client_name#de"] != "Name" {
				t.Errorf("%q, registered by itself %v: %+v", c.address, registered, s)
			}
			if client.Settings.LogoURI != c.address || client.Settings.Localized["logo_uri#de"] != c.address {
				t.Fatalf("%q: the row itself was changed", c.address)
			}
		}
	}
}
