package demo

import (
	"net/http"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
)

// step is a page of the tour, for somebody who is signed in.
type step struct {
	Path   string
	Name   string
	Title  string
	Script string // that it runs, if it may
	body   func(*App, *visit) any
}

// tour is the pages in their order.
func tour() []step {
	return []step{
		{"/you", "Signed in", "You are signed in", "", youBody},
		{"/tokens", "Tokens", "Three tokens", "", tokensBody},
		{"/api", "API", "Call the API", "", apiBody},
		{"/refresh", "Refresh", "Renew the tokens", "", refreshBody},
		{pathBrowsers, "Browsers", "Two browsers", "/browsers.js", browsersBody},
		{"/leave", "Leave", "Leave", "", nil},
	}
}

// view is what a template sees.
type view struct {
	Page     string // the template's name
	Title    string
	Path     string // of the step, empty outside the tour
	Config   Config
	Tour     []step
	Script   string
	SignedIn bool
	Over     bool // the server ended the grant
	Second   bool // under the other name of this machine
	Body     any
}

// welcome is the first page.
func (a *App) welcome(w http.ResponseWriter, r *http.Request) {
	v := view{Page: "welcome", Title: "A demo of Mintmark", Body: strings.Fields(Scope)}
	if s := a.sessions.of(r); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		v.SignedIn = s.here != nil
	}
	a.render(w, http.StatusOK, v)
}

// show makes the handler of a step.
func (a *App) show(s step) func(*visit) {
	return func(v *visit) {
		page := view{Page: strings.TrimPrefix(s.Path, "/"), Title: s.Title, Path: s.Path, Script: s.Script, SignedIn: true, Over: v.here.over}
		if s.body != nil {
			page.Body = s.body(a, v)
		}
		a.render(v, http.StatusOK, page)
	}
}

// you is who has signed in, and how.
type you struct {
	Name   string
	Hops   []hop
	Checks []Check
	User   []inspect.Member
}

func youBody(_ *App, v *visit) any {
	here := v.here
	return you{Name: here.name, Hops: here.hops, Checks: here.checks, User: here.user}
}

// tokenView is one token, taken apart. Nothing leaves the application for that.
type tokenView struct {
	ID     string // of the section
	Name   string
	Keeper string // who should keep it, and where
	Text   []string
	inspect.Report
}

func tokensBody(_ *App, v *visit) any {
	here, now := v.here, time.Now()
	return []tokenView{
		viewToken("id", "ID token", "It stays in the app, as the record of the sign-in. It comes back to Mintmark as a hint when you log out.", here.tokens.ID, now),
		viewToken("access", "Access token", "The app sends it to the API with every call, and keeps it in memory for as long as it lives.", here.tokens.Access, now),
		viewToken("refresh", "Refresh token", "The app sends it to Mintmark alone. It lives longest, so it is kept best: here in the server's memory, never in the browser.", here.tokens.Refresh, now),
	}
}

// viewToken takes a token apart. What cannot be read is shown as it is.
func viewToken(id, name, keeper, text string, now time.Time) tokenView {
	v := tokenView{ID: id, Name: name, Keeper: keeper, Text: strings.SplitAfter(text, ".")}
	report, err := inspect.Token(text, now)
	if err != nil {
		v.About = "It cannot be taken apart: " + err.Error() + "."
		return v
	}
	v.Report = report
	return v
}

// apiView is what may be tried at the API, and the last thing that was.
type apiView struct {
	Choices []apiChoice
	Last    *callResult
	Asked   *introspection
}

// apiChoice is one way of calling the API.
type apiChoice struct {
	Value, Name, Says string
	method            string
	token             func(*signedIn) string
}

func apiChoices() []apiChoice {
	return []apiChoice{
		{"read", "Read the orders", "With the access token, as it should be.", http.MethodGet, func(here *signedIn) string { return here.tokens.Access }},
		{"write", "Place an order", "The API wants orders:write for that. Nobody gave it to this app, so the same token does not reach that far.", http.MethodPost, func(here *signedIn) string { return here.tokens.Access }},
		{"id", "Show the ID token instead", "It is signed by the same key, for the same user. But it is no permission.", http.MethodGet, func(here *signedIn) string { return here.tokens.ID }},
		{"forged", "Change one letter", "The access token with one letter of its claims changed, as a forger would.", http.MethodGet, func(here *signedIn) string { return forged(here.tokens.Access) }},
		{"none", "No token at all", "As a stranger.", http.MethodGet, func(*signedIn) string { return "" }},
	}
}

func apiBody(_ *App, v *visit) any {
	return apiView{Choices: apiChoices(), Last: v.here.call, Asked: v.here.asked}
}

// forged changes one letter in the middle of the claims.
func forged(token string) string {
	head, rest, _ := strings.Cut(token, ".")
	body, tail, ok := strings.Cut(rest, ".")
	if !ok || body == "" {
		return token
	}
	letters := []byte(body)
	at := len(letters) / 2
	if letters[at] == 'A' {
		letters[at] = 'B'
	} else {
		letters[at] = 'A'
	}
	return head + "." + string(letters) + "." + tail
}

// callAgain calls the API in the way that was chosen.
func (a *App) callAgain(v *visit) {
	chosen := v.r.PostFormValue("choice")
	for _, c := range apiChoices() {
		if c.Value != chosen {
			continue
		}
		result, err := a.callAPI(v.r.Context(), c.method, c.token(v.here))
		if err != nil {
			a.unreached(v, err)
			return
		}
		result.Choice, result.Hop.Says = c.Name, c.Says
		v.here.call = result
		http.Redirect(v, v.r, "/api#answer", http.StatusSeeOther)
		return
	}
	a.fail(v, http.StatusBadRequest, failure{Title: "No such choice", Says: "The form did not say which of the calls to make."})
}

// askServer introspects the access token.
func (a *App) askServer(v *visit) {
	asked, err := a.introspect(v.r.Context(), v.here.tokens.Access)
	if err != nil {
		a.unreached(v, err)
		return
	}
	v.here.asked = asked
	http.Redirect(v, v.r, "/api#introspection", http.StatusSeeOther)
}
