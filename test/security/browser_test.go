package security_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// browser is one that keeps cookies, sends forms as ours does and does not follow redirects.
type browser struct {
	*world
	client *http.Client
	jar    map[string]string
	base   string      // that it calls; empty: the issuer
	header http.Header // sent with every request, over what a browser would send by itself
}

// newBrowser gives a browser, at an address of the loopback if one is named.
func (w *world) newBrowser(from ...string) *browser {
	dialer := &net.Dialer{}
	if len(from) > 0 {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from[0])}
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, w.server.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is httptest's
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{
		world: w, jar: map[string]string{}, header: http.Header{},
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// location is where a redirect goes, nil if there is none.
func (a answer) location() *url.URL {
	u, err := a.Location()
	if err != nil {
		return nil
	}
	return u
}

// param is a parameter of the address that a redirect goes to.
func (a answer) param(name string) string {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// toClient reports whether the answer takes the browser away from the server.
func (a answer) toClient() bool {
	to := a.Header.Get("Location")
	return to != "" && !strings.HasPrefix(to, "/")
}

// element is the text of what has an id on a page.
func (a answer) element(id string) string {
	found := regexp.MustCompile(`id="` + id + `"[^>]*>([^<]*)<`).FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return found[1]
}

// input is the value of a hidden field of a page.
func (a answer) input(name string) string {
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return strings.ReplaceAll(found[1], "&#43;", "+")
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.send(http.MethodGet, path, "")
}

func (b *browser) query(path string, params url.Values) answer {
	b.t.Helper()
	return b.send(http.MethodGet, path+"?"+params.Encode(), "")
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.send(http.MethodPost, path, form.Encode())
}

// send makes a request, and holds the answer to what every answer must keep.
func (b *browser) send(method, path, body string) answer {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, cmp.Or(b.base, b.issuer.String())+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.jar {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, values := range b.header {
		request.Header[name] = values
		if name == "Host" {
			request.Host = values[0]
		}
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{response, string(text)}
	b.keep(a)
	b.hideWhatOpens(a)
	b.echoesNothing(a)
	return a
}

// keep takes the answer's cookies.
func (b *browser) keep(a answer) {
	for _, c := range a.Cookies() {
		b.log.hide(c.Value)
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
			continue
		}
		b.jar[c.Name] = c.Value
	}
}

// opens finds what an answer gives that would open something for whoever reads it in the log.
var opens = []*regexp.Regexp{
	regexp.MustCompile(`name="(?:form_token|interaction|setup_token|code)" value="([^"]+)"`),
	regexp.MustCompile(`"(?:access_token|refresh_token|id_token)":"([^"]+)"`),
	regexp.MustCompile(`[?&](?:code|interaction)=([^&\s]+)`),
}

func (b *browser) hideWhatOpens(a answer) {
	text := a.body + "\n" + a.Header.Get("Location")
	for _, pattern := range opens {
		for _, found := range pattern.FindAllStringSubmatch(text, -1) {
			b.log.hide(found[1])
		}
	}
}

// echoesNothing: what was refused does not come back. (A redirect returns state, which is the client's own.)
func (b *browser) echoesNothing(a answer) {
	b.t.Helper()
	if a.StatusCode < http.StatusBadRequest {
		return
	}
	var all strings.Builder
	_ = a.Header.Write(&all) // a builder takes everything
	if all.WriteString(a.body); strings.Contains(strings.ToLower(all.String()), canary) {
		b.t.Errorf("%s %s: the refusal repeats what was sent:\n%s", a.Request.Method, a.Request.URL.Path, all.String())
	}
}

// session and known are the names of the cookies as this issuer sets them.
func (w *world) sessionCookie() string { return w.cookiePrefix() + "mintmark_session" }

func (w *world) browserCookie() string { return w.cookiePrefix() + "mintmark_browser" }

func (w *world) cookiePrefix() string {
	if w.issuer.IsHTTPS() {
		return "__Host-"
	}
	return ""
}

// loginForm opens the sign-in page, of a waiting request if one is named, and fills it in.
func (b *browser) loginForm(interaction, identifier, secret string) url.Values {
	b.t.Helper()
	path := pages.PathLogin
	if interaction != "" {
		path += "?" + url.Values{pages.FieldInteraction: {interaction}}.Encode()
	}
	page := b.get(path)
	if page.StatusCode != http.StatusOK {
		b.t.Fatalf("the sign-in page answers %d (%s)", page.StatusCode, page.element("error-code"))
	}
	return url.Values{
		pages.FieldToken:       {page.input(pages.FieldToken)},
		pages.FieldInteraction: {interaction},
		pages.FieldIdentifier:  {identifier},
		pages.FieldPassword:    {secret},
	}
}

// tryPassword sends a sign-in to the account page.
func (b *browser) tryPassword(identifier, secret string) answer {
	b.t.Helper()
	b.log.hide(secret)
	return b.post(pages.PathLogin, b.loginForm("", identifier, secret))
}

// signIn signs a user in, to the account page.
func (b *browser) signIn(identifier string) *browser {
	b.t.Helper()
	if a := b.tryPassword(identifier, password); a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("signing in as %s answers %d: %s", identifier, a.StatusCode, a.element("login-problem"))
	}
	return b
}

// signedIn reports whether the browser's session opens the account page.
func (b *browser) signedIn() bool {
	b.t.Helper()
	return b.get(pages.PathAccount).StatusCode == http.StatusOK
}

// account sends a form of the account page.
func (b *browser) account(path string, fields url.Values) answer {
	b.t.Helper()
	page := b.get(pages.PathAccount)
	if page.StatusCode != http.StatusOK {
		b.t.Fatalf("the account page answers %d", page.StatusCode)
	}
	fields.Set(pages.FieldToken, page.input(pages.FieldToken))
	return b.post(path, fields)
}

// copyOf is a browser with the same cookies: one that was robbed.
func (b *browser) copyOf() *browser {
	thief := b.newBrowser()
	for name, value := range b.jar {
		thief.jar[name] = value
	}
	return thief
}
