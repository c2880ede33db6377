//go:build external

package browser

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/mintmark-id/mintmark/test/server"
)

// TestAnAppInABrowserDoesAllByItself: an application that is scripts alone reads the
// metadata, registers itself, takes its user through sign-in and consent, exchanges
// the code, asks who the user is, and revokes its token. What it reads of the server
// it reads across origins, after preflights where there is a header or JSON.
func TestAnAppInABrowserDoesAllByItself(t *testing.T) {
	s := server.Start(t, "--registration", "open")
	w := newWorld(t, s, true)
	b := newTab(t, true)
	b.open(w.site.URL+"/app", w.site.URL)
	w.arrival("/app")
	registered := b.script(`
		const metadata = await (await fetch(` + quoted(w.Issuer+"/.well-known/openid-configuration") + `)).json()
		const answer = await fetch(metadata.registration_endpoint, {
			method: 'POST', headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ redirect_uris: [` + quoted(w.callback()) + `], token_endpoint_auth_method: 'none', client_name: 'Scripts', id_token_signed_response_alg: 'ES256' }),
		})
		return answer.status + ' ' + (await answer.json()).client_id`)
	status, id, _ := strings.Cut(registered, " ")
	if status != "201" || id == "" {
		t.Fatalf("registering: %q", registered)
	}
	b.open(w.ask("client_id", id), w.Issuer+"/login")
	w.signIn(b, w.Issuer+"/consent")
	b.click("consent-allow", w.callback())
	code := w.arrival("/callback").values.Get("code")
	said := b.script(fmt.Sprintf(`
		const form = (fields) => ({ method: 'POST', body: new URLSearchParams({ client_id: %s, ...fields }) })
		const answer = await fetch(%s, form({ grant_type: 'authorization_code', code: %s, redirect_uri: %s, code_verifier: %s }))
		const tokens = await answer.json()
		const user = await (await fetch(%s, { headers: { Authorization: 'Bearer ' + tokens.access_token } })).json()
		const revoked = await fetch(%s, form({ token: tokens.access_token }))
		return [answer.status, tokens.token_type, user.sub, revoked.status].join(' ')`,
		quoted(id), quoted(w.Issuer+"/oauth2/token"), quoted(code), quoted(w.callback()), quoted(w.pkce),
		quoted(w.Issuer+"/oauth2/userinfo"), quoted(w.Issuer+"/oauth2/revoke")))
	if want := "200 Bearer " + w.user.Sub + " 200"; said != want {
		t.Errorf("the scripts saw %q, not %q", said, want)
	}
}

// script runs the body of an asynchronous function in the page, and gives what it
// returns.
func (b *tab) script(body string) (said string) {
	b.t.Helper()
	b.run("running a script of the page", chromedp.Evaluate(`(async () => {`+body+`})()`, &said,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return said
}

// quoted is a text as a script has it.
func quoted(text string) string { return strconv.Quote(text) }
