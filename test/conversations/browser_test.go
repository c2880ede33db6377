package conversations_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/test/person"
)

// browser has cookies, a page and somebody in front of it. It runs no scripts.
type browser struct {
	s       *story
	http    *http.Client
	network string // an address in it; empty: this machine's
	at      page
	person  *user // who signed in last
	asked   asked // what the code will be for that an authorization request leads to
}

// page is what a browser shows.
type page struct {
	reply
	text string
}

func (p page) has(id string) bool { return strings.Contains(p.text, ` id="`+id+`"`) }

// pageNames are the pages by an element that only they have.
var pageNames = []struct{ id, name string }{
	{"login-submit", "login"},
	{"consent-allow", "consent"},
	{"choose-continue", "choose"},
	{"logout-confirm", "logout"},
	{"account-signout", "account"},
	{"error-code", "error"},
}

// name is what kind of a page it is.
func (p page) name() string {
	for _, kind := range pageNames {
		if p.has(kind.id) {
			return kind.name
		}
	}
	title := regexp.MustCompile(`<title>([^<·]*)`).FindStringSubmatch(p.text)
	if title == nil {
		return "no page"
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title[1])), " ", "-")
}

// takeBrowser takes a browser that is there, or a new one.
func (s *story) takeBrowser(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	b := s.browsers[name]
	if b == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return outcome{}, err
		}
		b = &browser{s: s, network: say.about["from"]}
		b.http = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		s.browsers[name] = b
	}
	s.browser = b
	return outcome{}, nil
}

// in is the browser that a step is done in.
func (s *story) in(say step) (*browser, error) {
	name := say.about["on"]
	if name == "" {
		return s.browser, nil
	}
	_, err := s.takeBrowser(step{verb: "browser", words: []string{name}})
	return s.browser, err
}

// open goes to an address on the server, and says where that leads.
func (b *browser) open(address string) (outcome, error) {
	request, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return outcome{}, err
	}
	return b.send(request)
}

// send sends a request and follows redirects within the server, a few at most.
func (b *browser) send(request *http.Request) (outcome, error) {
	for range 5 {
		if b.network != "" {
			request.Header.Set("X-Forwarded-For", b.network)
		}
		answer, err := ask(b.http, request)
		if err != nil {
			return outcome{}, err
		}
		b.at = page{answer, string(answer.body)}
		switch {
		case answer.to == nil:
			return b.shown()
		case !strings.HasPrefix(answer.to.String(), b.s.issuer+"/"):
			return b.left(answer.to)
		}
		if request, err = http.NewRequestWithContext(b.s.t.Context(), http.MethodGet, answer.to.String(), http.NoBody); err != nil {
			return outcome{}, err
		}
	}
	return outcome{}, errors.New("redirected without end")
}

var errorCode = regexp.MustCompile(`id="error-code"[^>]*>([^<]*)<`)

// shown says what page there is, and why if it is one that refuses.
func (b *browser) shown() (outcome, error) {
	if b.at.status < http.StatusBadRequest {
		return fine(fmt.Sprintf("%d %s", b.at.status, b.at.name())), nil
	}
	word := b.at.name()
	if code := errorCode.FindStringSubmatch(b.at.text); code != nil {
		word = code[1]
	}
	return b.s.refusal(b.at.reply, word)
}

// left says what a client is called back with.
func (b *browser) left(to *url.URL) (outcome, error) {
	status := b.at.status
	switch query := to.Query(); {
	case query.Has("code"):
		b.s.codes[query.Get("code")] = b.asked
		return fine(fmt.Sprintf("%d code=%s", status, b.s.name("C", query.Get("code")))), nil
	case query.Has("error"):
		return b.s.refusal(b.at.reply, query.Get("error"))
	}
	return fine(fmt.Sprintf("%d %s", status, to)), nil
}

var (
	formTag      = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	removeButton = regexp.MustCompile(`id="(account-app-remove-[^"]*)"`)
)

// press fills in the form that a button is in, by the ids of its fields, and
// presses it. An empty value takes a tick away.
func (b *browser) press(button string, fields map[string]string) (outcome, error) {
	action, values, err := person.Fill(b.at.text, button, fields)
	if err != nil {
		return outcome{}, fmt.Errorf("the page %s: %w", b.at.name(), err)
	}
	return b.submit(action, values)
}

func (b *browser) submit(path string, values url.Values) (outcome, error) {
	request, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodPost, b.s.issuer+path, strings.NewReader(values.Encode()))
	if err != nil {
		return outcome{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", b.s.issuer)
	return b.send(request)
}

func (s *story) login(say step) (outcome, error) {
	name, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	who, err := s.userNamed(name)
	if err != nil { // somebody may try nevertheless
		who = &user{User: admin.User{UserProfile: admin.UserProfile{Email: name + "@example.com"}, Password: "anything"}}
	}
	b, err := s.in(say)
	if err != nil {
		return outcome{}, err
	}
	if !b.at.has("login-submit") {
		if _, err := b.open(s.issuer + "/login"); err != nil {
			return outcome{}, err
		}
	}
	b.person = who
	return b.press("login-submit", map[string]string{
		"login-identifier": who.Email, "login-password": firstOf(say.option("password"), who.Password),
	})
}

func (s *story) authorize(say step) (outcome, error) {
	id, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	c, err := s.clientNamed(id)
	if err != nil {
		return outcome{}, err
	}
	b, err := s.in(say)
	if err != nil {
		return outcome{}, err
	}
	verifier := rand.Text() + rand.Text()
	query := url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {c.RedirectURIs[0]}, "state": {rand.Text()}, "scope": {c.Scope},
		"code_challenge": {oauth.ChallengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for name, values := range say.options {
		query[name] = values
	}
	if claims := query.Get("claims"); claims != "" {
		query.Set("claims", strings.ReplaceAll(claims, "'", `"`)) // a script has no other use for a double quote
	}
	if hint := query.Get("id_token_hint"); hint != "" {
		query.Set("id_token_hint", s.value(hint))
	}
	b.asked = asked{id, query.Get("redirect_uri"), verifier}
	return b.open(s.issuer + oauth.PathAuthorize + "?" + query.Encode())
}

func (s *story) continueAs(say step) (outcome, error) { return s.pressIn(say, "choose-continue", nil) }

func (s *story) another(say step) (outcome, error) { return s.pressIn(say, "choose-other", nil) }

func (s *story) allow(say step) (outcome, error) { return s.pressIn(say, "consent-allow", nil) }

func (s *story) deny(say step) (outcome, error) { return s.pressIn(say, "consent-deny", nil) }

func (s *story) confirm(say step) (outcome, error) { return s.pressIn(say, "logout-confirm", nil) }

// pressIn presses a button of the page that is open.
func (s *story) pressIn(say step, button string, fields map[string]string) (outcome, error) {
	b, err := s.in(say)
	if err != nil {
		return outcome{}, err
	}
	return b.press(button, fields)
}

func (s *story) logout(say step) (outcome, error) {
	id, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	b, err := s.in(say)
	if err != nil {
		return outcome{}, err
	}
	query := url.Values{"client_id": {id}}
	if hint := say.option("hint"); hint != "" {
		query.Set("id_token_hint", s.value(hint))
	}
	if to := say.option("to"); to != "" {
		query.Set("post_logout_redirect_uri", to)
	}
	return b.open(s.issuer + oauth.PathEndSession + "?" + query.Encode())
}

// account opens the account page, to press a button there. Who is not signed in
// gets to see something else.
func (s *story) account(say step) (*browser, outcome, error) {
	b, err := s.in(say)
	if err != nil {
		return nil, outcome{}, err
	}
	came, err := b.open(s.issuer + "/account")
	return b, came, err
}

func (s *story) signOut(say step) (outcome, error) {
	b, came, err := s.account(say)
	if err != nil || !b.at.has("account-signout") {
		return came, err
	}
	if say.has("everywhere") {
		return b.press("account-signout-all", nil)
	}
	return b.press("account-signout", nil)
}

func (s *story) changePassword(say step) (outcome, error) {
	b, came, err := s.account(say)
	if err != nil || !b.at.has("account-signout") {
		return came, err
	}
	fields := map[string]string{
		"account-password-current": firstOf(say.option("current"), b.person.Password),
		"account-password-new":     say.option("to"),
	}
	if say.has("keep") {
		fields["account-password-others"] = ""
	}
	came, err = b.press("account-password-submit", fields)
	if err == nil && !came.refused {
		b.person.Password = say.option("to")
	}
	return came, err
}

// removeApp presses the button beside the client's name.
func (s *story) removeApp(say step) (outcome, error) {
	id, err := say.word(0)
	if err != nil {
		return outcome{}, err
	}
	b, came, err := s.account(say)
	if err != nil || !b.at.has("account-signout") {
		return came, err
	}
	for _, found := range formTag.FindAllString(b.at.text, -1) {
		if button := removeButton.FindStringSubmatch(found); button != nil && strings.Contains(found, `name="client" value="`+id+`"`) {
			return b.press(button[1], nil)
		}
	}
	return outcome{}, fmt.Errorf("%s is not among the apps", id)
}
