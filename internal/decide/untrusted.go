package decide

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// Authorize decides an authorization request (RFC 6749 §4.1.1, OpenID Connect
// Core §3.1.2.1): a code, a page that the user must see first, or an error. A client
// that nobody vouches for gets a browser only from a user who is signed in.
func Authorize(ask Ask, st *record.AuthorizeState, env Env) Outcome[AuthorizeAnswer] {
	out := authorize(ask, st, env)
	switch {
	case st.Client == nil:
	case out.Err != nil && keptHere(ask, st, env):
		out.Answer.CanRedirect = false
	case out.Err == nil && out.Answer.Code != "":
		out.Changes = append(out.Changes, Confirm(st.Client)...)
	}
	return out
}

// keptHere reports whether an error must not take the browser along. Anybody can
// register a client, and then send a link to this server that leads to their own
// site by an error; so a user is authenticated first, but for prompt=none, which
// exists to come back (RFC 9700 §4.11.2).
func keptHere(ask Ask, st *record.AuthorizeState, env Env) bool {
	signedIn := st.Session != nil && Alive(st.Session.RVS, &st.Parents, env.Now) == ""
	return st.Client.Registered() && !signedIn && !ask.Request.Prompts(oauth.PromptNone)
}

// Showable are a client's settings as far as the pages show them. Of one that nobody
// vouches for they show neither logo nor links of another host than codes go to:
// whoever has put somebody's logo on their own client does not pass for them (RFC 7591
// §5, OpenID Connect Dynamic Client Registration §9.1).
func Showable(client *record.Client) *record.ClientSettings {
	if !client.Registered() {
		return &client.Settings
	}
	shown, hosts := client.Settings, client.Settings.RedirectHosts()
	foreign := func(address string) bool {
		u, err := url.Parse(address)
		return err != nil || u.Hostname() == "" || !slices.Contains(hosts, strings.ToLower(u.Hostname()))
	}
	for _, address := range []*string{&shown.LogoURI, &shown.ClientURI, &shown.PolicyURI, &shown.TosURI} {
		if foreign(*address) {
			*address = ""
		}
	}
	shown.Localized = maps.Clone(shown.Localized)
	maps.DeleteFunc(shown.Localized, func(name, address string) bool {
		field, _, _ := strings.Cut(name, "#")
		return field != "client_name" && foreign(address)
	})
	return &shown
}
