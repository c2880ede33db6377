package decide

import (
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
