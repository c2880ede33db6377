//go:build external

// Package clients holds the server to clients that nobody here wrote, as they
// come from their registries.
package clients

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/server"
)

func TestMain(m *testing.M) { os.Exit(server.Main(m.Run)) }

// callback is where the clients of these tests are called back. Nothing listens
// there: a person stops where a redirect leads away from the server.
const callback = "http://127.0.0.1:9/callback"

// person sits in front of a browser without scripts: cookies, pages, forms.
type person struct {
	t       *testing.T
	issuer  string
	user    admin.User
	browser *http.Client
	met     []string // the pages that wanted an answer, by the button that was pressed
}

func newPerson(t *testing.T, s *server.Server, user admin.User) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, issuer: s.Issuer, user: user, browser: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// open follows an address through sign-in and consent, by the element ids that
// the pages promise, and gives the address that it leads to: outside the server,
// or of a page on which there is nothing to answer.
func (p *person) open(address string) string {
	p.t.Helper()
	p.met = nil
	page := p.get(address)
	for range 5 {
		switch {
		case page.has("login-submit"):
			page = p.press(page, "login-submit", map[string]string{
				"login-identifier": p.user.Email, "login-password": p.user.Password,
			})
		case page.has("consent-allow"):
			page = p.press(page, "consent-allow", nil)
		default:
			return page.address
		}
	}
	p.t.Fatalf("%s asks again and again: %v", address, p.met)
	return ""
}

// page is what the browser shows; text is empty outside the server.
type page struct{ address, text string }

// get opens an address and follows where it leads.
func (p *person) get(address string) page {
	p.t.Helper()
	for range 10 {
		answer, err := p.browser.Get(address)
		if err != nil {
			p.t.Fatalf("opening %s: %v", address, err)
		}
		at, next := p.read(answer)
		if next == "" {
			return at
		}
		address = next
	}
	p.t.Fatalf("redirected without end, last to %s", address)
	return page{}
}

// press fills in the form that a button is in, and presses it.
func (p *person) press(at page, button string, fields map[string]string) page {
	p.t.Helper()
	p.met = append(p.met, button)
	form := at.formOf(p.t, button)
	for id, value := range fields {
		form.values.Set(form.nameOf(p.t, id), value)
	}
	answer, err := p.browser.PostForm(p.issuer+form.action, form.values)
	if err != nil {
		p.t.Fatalf("pressing %s: %v", button, err)
	}
	at, next := p.read(answer)
	if next != "" {
		return p.get(next)
	}
	return at
}

// read takes an answer as a page, or else as the address within the server that
// it sends the browser to.
func (p *person) read(answer *http.Response) (at page, next string) {
	p.t.Helper()
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatalf("reading %s: %v", answer.Request.URL, err)
	}
	if answer.StatusCode != http.StatusSeeOther {
		return page{address: answer.Request.URL.String(), text: string(text)}, ""
	}
	to, err := answer.Location()
	if err != nil {
		p.t.Fatalf("redirected from %s: %v", answer.Request.URL, err)
	}
	if !strings.HasPrefix(to.String(), p.issuer+"/") {
		return page{address: to.String()}, ""
	}
	return page{}, to.String()
}

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	fieldTag  = regexp.MustCompile(`<(?:input|button)[^>]*>`)
	attribute = regexp.MustCompile(` ([a-z-]+)="([^"]*)"`)
)

func (p page) has(id string) bool { return strings.Contains(p.text, ` id="`+id+`"`) }

// form is one form of a page. Its values are those of the hidden fields and of
// the button that is pressed.
type form struct {
	action string
	values url.Values
	names  map[string]string // of the fields, by id
}

func (p page) formOf(t *testing.T, button string) form {
	t.Helper()
	for _, found := range formTag.FindAllStringSubmatch(p.text, -1) {
		f := form{action: html.UnescapeString(found[1]), values: url.Values{}, names: map[string]string{}}
		for _, tag := range fieldTag.FindAllString(found[0], -1) {
			a := map[string]string{}
			for _, pair := range attribute.FindAllStringSubmatch(tag, -1) {
				a[pair[1]] = html.UnescapeString(pair[2])
			}
			f.names[a["id"]] = a["name"]
			if a["name"] != "" && (a["type"] == "hidden" || a["id"] == button) {
				f.values.Add(a["name"], a["value"])
			}
		}
		if _, ok := f.names[button]; ok {
			return f
		}
	}
	t.Fatalf("%s has no form with the button %s:\n%s", p.address, button, p.text)
	return form{}
}

func (f form) nameOf(t *testing.T, id string) string {
	t.Helper()
	name := f.names[id]
	if name == "" {
		t.Fatalf("the form to %s has no field %s", f.action, id)
	}
	return name
}
