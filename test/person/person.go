// Package person is somebody in front of a browser without scripts, for tests of
// the whole: cookies, pages and forms, by the element ids that the pages promise.
package person

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
)

// Person is a user with a browser of their own.
type Person struct {
	Email, Password string
	Met             []string // the pages that wanted an answer when an address was opened, by the button that was pressed

	t       testing.TB
	issuer  string
	browser *http.Client
}

// New gives a user of a server a fresh browser.
func New(t testing.TB, issuer string, user admin.User) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Person{Email: user.Email, Password: user.Password, t: t, issuer: issuer, browser: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Through lets the browser's requests go another way, as over TLS with an authority
// that only a test knows.
func (p *Person) Through(transport http.RoundTripper) { p.browser.Transport = transport }

// Open follows an address through sign-in and consent, and gives the address that
// it leads to: outside the server, or of a page on which there is nothing to
// answer.
func (p *Person) Open(address string) string {
	p.t.Helper()
	p.Met = nil
	page := p.Get(address)
	for range 5 {
		switch {
		case page.Has("login-submit"):
			page = p.SignIn(page)
		case page.Has("consent-allow"):
			page = p.Press(page, "consent-allow", nil)
		default:
			return page.Address
		}
	}
	p.t.Fatalf("%s asks again and again: %v", address, p.Met)
	return ""
}

// SignIn fills in a sign-in page.
func (p *Person) SignIn(at Page) Page {
	p.t.Helper()
	return p.Press(at, "login-submit", map[string]string{"login-identifier": p.Email, "login-password": p.Password})
}

// Page is what the browser shows; Text is empty outside the server.
type Page struct{ Address, Text string }

// Has reports whether there is an element of that id.
func (p Page) Has(id string) bool { return strings.Contains(p.Text, ` id="`+id+`"`) }

// Get opens an address and follows where it leads, up to the first page or to an
// address outside the server.
func (p *Person) Get(address string) Page {
	p.t.Helper()
	for range 10 {
		at, next := p.send(http.MethodGet, address, nil)
		if next == "" {
			return at
		}
		address = next
	}
	p.t.Fatalf("redirected without end, last to %s", address)
	return Page{}
}

// Press fills in the form that a button is in, by the ids of its fields, and
// presses it. An empty value takes a tick away.
func (p *Person) Press(at Page, button string, fields map[string]string) Page {
	p.t.Helper()
	p.Met = append(p.Met, button)
	action, values, err := Fill(at.Text, button, fields)
	if err != nil {
		p.t.Fatalf("%s: %v:\n%s", at.Address, err, at.Text)
	}
	at, next := p.send(http.MethodPost, p.issuer+action, values)
	if next != "" {
		return p.Get(next)
	}
	return at
}

// send asks for a page, and gives it, or else the address within the server that
// the browser is sent to.
func (p *Person) send(method, address string, form url.Values) (at Page, next string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatalf("opening %s: %v", address, err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := p.browser.Do(request)
	if err != nil {
		p.t.Fatalf("opening %s: %v", address, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatalf("reading %s: %v", address, err)
	}
	if answer.StatusCode != http.StatusSeeOther {
		return Page{Address: address, Text: string(text)}, ""
	}
	to, err := answer.Location()
	if err != nil {
		p.t.Fatalf("redirected from %s: %v", address, err)
	}
	if !strings.HasPrefix(to.String(), p.issuer+"/") {
		return Page{Address: to.String()}, ""
	}
	return Page{}, to.String()
}
