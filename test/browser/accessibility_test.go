//go:build external

package browser

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/mintmark-id/mintmark/internal/web"
	"github.com/mintmark-id/mintmark/test/server"
)

// axe is the checker, from npm.
const axe = "testdata/node_modules/axe-core/axe.min.js"

// finding is a rule that a page breaks, or that needs a person to judge.
type finding struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// TestEveryPageIsAccessible runs axe on every page there is in each language,
// light and wide, then dark and narrow.
func TestEveryPageIsAccessible(t *testing.T) {
	checker, err := os.ReadFile(axe)
	if err != nil {
		t.Fatalf("%v: `./check browser` installs it", err)
	}
	for _, language := range web.Languages() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			b := newTab(t, true)
			b.speaks(language)
			everyPageIsAccessible(t, b, func(title string, status int) {
				t.Helper()
				title = translated(t, title, language)
				b.shows(title, status)
				b.isAccessible(string(checker), title)
			})
		})
	}
}

// speaks sets the language that the browser asks for.
func (b *tab) speaks(language string) {
	b.t.Helper()
	b.run("choosing a language", network.SetExtraHTTPHeaders(network.Headers{"Accept-Language": language}))
}

// translated is what an English title is in another language.
func translated(t *testing.T, title, language string) string {
	t.Helper()
	catalogue := func(language string) map[string]any {
		text, err := os.ReadFile("../../internal/web/pages/catalogues/" + language + ".json")
		var sentences map[string]any
		if err == nil {
			err = json.Unmarshal(text, &sentences)
		}
		if err != nil {
			t.Fatal(err)
		}
		return sentences
	}
	for key, text := range catalogue("en") {
		if text == title && strings.HasSuffix(key, ".title") {
			return catalogue(language)[key].(string)
		}
	}
	t.Fatalf("no page is called %q", title)
	return ""
}

func everyPageIsAccessible(t *testing.T, b *tab, check checkPage) {
	t.Helper()
	s := server.Start(t, "--sign-up", "unverified")
	w := newWorld(t, s, true)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a-secret-of-ours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.CLI("upstream", "create", "harbour", "--name", "Harbour", "--issuer", "https://op.example.com", "--client-id", "us", "--client-secret-file", secret)

	b.open(s.Setup, s.Issuer+"/setup")
	if b.at.status != http.StatusOK { // the world has a user already
		check("This setup link is no longer valid", b.at.status)
	}
	w.checkSignIn(b, check)
	w.checkAccount(b, check)
	w.checkFormPost(b, check)
	w.checkLogout(b, check)
	w.checkErrors(b, check)
}

// TestTheSetupPagesAreAccessible: those that only a server without users shows.
func TestTheSetupPagesAreAccessible(t *testing.T) {
	t.Parallel()
	checker, err := os.ReadFile(axe)
	if err != nil {
		t.Fatalf("%v: `./check browser` installs it", err)
	}
	s := server.Start(t)
	b := newTab(t, true)
	b.open(s.Setup, s.Issuer+"/setup")
	b.isAccessible(string(checker), "setup")
	b.setUp(s, "root@example.com", "correct horse battery", "correct horse buttery")
	b.isAccessible(string(checker), "setup with a problem")
	b.enter("setup-email", "root@example.com")
	b.enter("setup-password", "correct horse battery")
	b.enter("setup-confirm", "correct horse battery")
	b.click("setup-submit", s.Issuer+"/setup/done")
	b.isAccessible(string(checker), "setup done")
	b.open(s.Issuer+"/", s.Issuer+"/")
	b.isAccessible(string(checker), "index")
}

type checkPage func(title string, status int)

// checkSignIn: for the account and for an application, with a problem, consent,
// and the question for the password once more.
func (w *world) checkSignIn(b *tab, check checkPage) {
	w.t.Helper()
	b.open(w.Issuer+"/login", w.Issuer+"/login")
	check("Sign in", http.StatusOK)
	b.open(w.ask(), w.Issuer+"/login")
	b.enter("login-identifier", w.user.Email)
	b.enter("login-password", "not the password")
	b.click("login-submit", w.Issuer+"/login")
	check("Sign in", http.StatusUnprocessableEntity)
	b.clickOn("#login-signup", w.Issuer+"/sign-up")
	check("Make an account", http.StatusOK)
	b.enter("signup-email", "somebody@example.com")
	b.enter("signup-password", "password1")
	b.click("signup-submit", w.Issuer+"/sign-up")
	check("Make an account", http.StatusUnprocessableEntity)
	b.clickOn("#signup-login", w.Issuer+"/login")
	w.signIn(b, w.Issuer+"/consent")
	check("Allow access", http.StatusOK)
	b.click("consent-allow", w.callback())
	w.arrival("/callback")
	b.open(w.ask("prompt", "login"), w.Issuer+"/login")
	check("Sign in", http.StatusOK)
	b.open(w.ask("prompt", "select_account"), w.Issuer+"/choose")
	check("Choose an account", http.StatusOK)
	b.open(w.askForEverything(), w.Issuer+"/consent")
	check("Allow access", http.StatusOK)
}

// askForEverything is the request of a client of which a page has the most to
// say: public, unassured, with links, a resource and access that outlasts the
// session.
func (w *world) askForEverything() string {
	w.NewResource("https://api.example.com", "--scope", "orders:read")
	client := w.NewClient("All Of It", "--public", "--native", "--grant", "authorization_code,refresh_token",
		"--redirect-uri", w.callback(), "--resource", "https://api.example.com",
		"--policy-uri", "https://shop.example/privacy", "--tos-uri", "https://shop.example/terms",
		"--scope", "openid,profile,email,phone,address,offline_access,orders:read")
	return w.ask("client_id", client.ClientID, "resource", "https://api.example.com",
		"scope", "openid profile email phone address offline_access orders:read")
}

// checkAccount: with two browsers, an app whose details are open, a notice and a
// problem.
func (w *world) checkAccount(b *tab, check checkPage) {
	w.t.Helper()
	w.signedIn()
	w.isSignedIn(b)
	b.run("opening the details", chromedp.Click("summary", chromedp.ByQuery))
	check("Your account", http.StatusOK)
	b.enter("account-password-current", "not the password")
	b.enter("account-password-new", "correct horse battery")
	b.click("account-password-submit", w.Issuer+"/account/password")
	check("Your account", http.StatusUnprocessableEntity)
	b.open(w.Issuer+"/account?notice=password-changed", w.Issuer+"/account")
	check("Your account", http.StatusOK)
}

// checkFormPost sees the page that otherwise is gone at once: without scripts it
// stays. axe needs scripts, which then come too late for the page's own.
func (w *world) checkFormPost(b *tab, check checkPage) {
	w.t.Helper()
	b.run("turning scripts off", emulation.SetScriptExecutionDisabled(true))
	b.open(w.ask("response_mode", "form_post"), w.Issuer+"/oauth2/authorize")
	b.run("turning scripts on", emulation.SetScriptExecutionDisabled(false))
	check("Returning", http.StatusOK)
}

func (w *world) checkLogout(b *tab, check checkPage) {
	w.t.Helper()
	b.open(w.leave("client_id", w.client.ClientID, "post_logout_redirect_uri", w.site.URL+"/bye"), w.Issuer+"/oauth2/logout")
	check("Sign out", http.StatusOK)
	b.click("logout-confirm", w.Issuer+"/logout")
	check("Signed out", http.StatusOK)
	b.open(w.leave(), w.Issuer+"/oauth2/logout")
	check("Signed out", http.StatusOK)
}

func (w *world) checkErrors(b *tab, check checkPage) {
	w.t.Helper()
	b.open(w.ask("redirect_uri", "https://evil.example"), w.Issuer+"/oauth2/authorize")
	check("We stopped this sign-in", http.StatusBadRequest)
	b.open(w.Issuer+"/login?interaction=nonsense", w.Issuer+"/login")
	check("This page has expired", http.StatusBadRequest)
	b.open(w.Issuer+"/no/such/page", w.Issuer+"/no/such/page")
	check("Nothing here", http.StatusNotFound)
}

// isAccessible runs axe in the page's own world of scripts, which its policy does
// not bind, in each look that the page has. There may be nothing found, and
// nothing that axe cannot decide.
func (b *tab) isAccessible(checker, what string) {
	b.t.Helper()
	b.load(checker)
	for _, look := range []struct {
		scheme string
		width  int64
	}{{"light", 1200}, {"dark", 320}} { // WCAG 2.2 §1.4.10: 320 CSS pixels
		b.run("setting the look", emulation.SetDeviceMetricsOverride(look.width, 900, 1, false),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}))
		for _, f := range b.axe() {
			b.t.Errorf("%s, %s, %d wide: %s: %s", what, look.scheme, look.width, f.ID, f.Help)
			for _, node := range f.Nodes {
				b.t.Errorf("  %s\n  %s", node.HTML, strings.ReplaceAll(node.FailureSummary, "\n", "\n  "))
			}
		}
		var overflow int
		b.run("measuring the page", chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &overflow))
		if overflow > 0 {
			b.t.Errorf("%s, %d wide: the page must be scrolled sideways by %d pixels", what, look.width, overflow)
		}
	}
	b.run("resetting the look", emulation.ClearDeviceMetricsOverride(), emulation.SetEmulatedMedia())
}

// load puts axe into the page.
func (b *tab) load(checker string) {
	b.t.Helper()
	// The ornament behind everything is lines of a tenth of a pixel, which axe cannot judge, and is cut off at the edge.
	b.run("loading axe", chromedp.Evaluate(checker+`;
		const plain = new CSSStyleSheet()
		plain.replaceSync("body::before { display: none }")
		document.adoptedStyleSheets = [plain]; 0`, nil))
}

// axe gives what it found on the page as it looks now.
func (b *tab) axe() []finding {
	b.t.Helper()
	var text string
	b.run("running axe", chromedp.ActionFunc(func(ctx context.Context) error {
		return chromedp.Evaluate(
			`axe.run(document, {resultTypes: ["violations", "incomplete"]}).then(r => JSON.stringify(
				{passes: r.passes.length, found: [...r.violations, ...r.incomplete]}))`,
			&text, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) },
		).Do(ctx)
	}))
	var result struct {
		Passes int
		Found  []finding
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		b.t.Fatalf("reading what axe found: %v", err)
	}
	if result.Passes == 0 {
		b.t.Fatal("axe looked at nothing")
	}
	return result.Found
}
