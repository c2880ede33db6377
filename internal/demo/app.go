package demo

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
)

// Config is what an administrator of the server and a developer of the
// application have agreed on.
type Config struct {
	Issuer       string // of the server
	Front        string // of the server for browsers that come by the other name of this machine; empty: none do
	App          string // the application's own address
	API          string // the API's address, which is its audience too
	ClientID     string
	ClientSecret string
	LoginHint    string // who is likely to sign in
	Data         string // the server's data directory, for the commands that pages show
	// EndUser ends everything of a user at the server, as an administrator, and gives
	// the receipt.
	EndUser func(ctx context.Context, sub string) (receipt string, err error)
	Log     *slog.Logger
}

// Scope is all that the application asks for.
const Scope = "openid profile email phone address " + ScopeRead

// The paths of the application that the server must know.
const (
	PathCallback  = "/callback"   // a redirect URI
	PathSignedOut = "/signed-out" // a post-logout redirect URI
)

// App is the application: a web server that keeps its tokens to itself.
type App struct {
	config    Config
	server    string // the issuer, or another name of it that this App's browsers use
	host      string
	policy    string // Content-Security-Policy
	provider  *provider
	sessions  *sessions
	templates map[string]*template.Template
	mux       *http.ServeMux
	guard     *http.CrossOriginProtection

	other  string // the application's address under the other name of this machine
	second *App   // which answers there
}

// NewApp makes the handler of the application. It answers under both names that
// this machine has, as if they were two browsers' (see [Addresses]).
func NewApp(c Config) *App {
	a := &App{
		config:    c,
		provider:  newProvider(c.Issuer),
		sessions:  &sessions{byID: map[string]*session{}},
		templates: parsePages(),
		guard:     http.NewCrossOriginProtection(),
	}
	if other := otherName(c.App); other != "" && c.Front != "" {
		second := *a
		second.config.App, second.other = other, c.App
		second.open(c.Front)
		a.second, a.other = &second, other
	}
	a.open(c.Issuer)
	return a
}

// open prepares for requests. server is how browsers reach the issuer.
func (a *App) open(server string) {
	a.server, a.host = server, hostOf(a.config.App)
	// form-action holds the redirects after a form too: logging out ends at the server.
	a.policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' " + originOf(server) +
		"; frame-ancestors 'none'; base-uri 'none'"
	a.mux = http.NewServeMux()
	a.mux.HandleFunc("GET /style.css", asset("style.css", "text/css; charset=utf-8"))
	a.mux.HandleFunc("GET /browsers.js", asset("browsers.js", "text/javascript; charset=utf-8"))
	a.mux.HandleFunc("GET /icon.svg", asset("icon.svg", "image/svg+xml"))
	a.mux.HandleFunc("GET /{$}", a.welcome)
	a.mux.HandleFunc("GET /login", a.login)
	a.mux.HandleFunc("GET "+PathCallback, a.callback)
	a.mux.HandleFunc("GET "+PathSignedOut, a.signedOut)
	for _, step := range tour() {
		a.mux.HandleFunc("GET "+step.Path, a.inside(a.show(step)))
	}
	a.mux.HandleFunc("POST /api", a.inside(a.callAgain))
	a.mux.HandleFunc("POST /ask", a.inside(a.askServer))
	a.mux.HandleFunc("POST /refresh", a.inside(a.refresh))
	a.mux.HandleFunc("POST /replay", a.inside(a.replayOldest))
	a.mux.HandleFunc("POST /browsers/calls", a.inside(a.callBrowsers))
	a.mux.HandleFunc("POST /browsers/end", a.inside(a.endEverywhere))
	a.mux.HandleFunc("POST /leave/app", a.inside(a.leaveApp))
	a.mux.HandleFunc("POST /leave/server", a.inside(a.leaveServer))
}

// ServeHTTP answers requests for the application's own host, and takes forms from
// its own pages alone.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", a.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	// Same-origin, not none: a form must bring its Origin, but no other server may see a code in a URL.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if a.second != nil && r.Host == a.second.host {
		a.second.ServeHTTP(w, r)
		return
	}
	// A name that an attacker points at this machine must not reach the tokens.
	if r.Host != a.host {
		http.Error(w, "This server answers at "+a.host+".", http.StatusMisdirectedRequest)
		return
	}
	if err := a.guard.Check(r); err != nil {
		a.fail(w, http.StatusForbidden, failure{Title: "That form came from elsewhere", Says: "Forms are taken only from this application's own pages."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	a.mux.ServeHTTP(w, r)
}

const maxForm = 4 << 10

// visit is a request of somebody who is signed in.
type visit struct {
	http.ResponseWriter
	r       *http.Request
	session *session
	here    *signedIn
}

// inside lets those through who are signed in, one request of a browser at a time.
func (a *App) inside(then func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := a.sessions.of(r)
		if s == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.here == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		then(&visit{ResponseWriter: w, r: r, session: s, here: s.here})
	}
}

// failure is what an error page says.
type failure struct {
	Title  string
	Says   string
	Code   string // an error code from the server
	Checks []Check
	Again  bool // signing in again may help
}

func (a *App) fail(w http.ResponseWriter, status int, f failure) {
	a.render(w, status, view{Page: "failure", Title: f.Title, Body: f})
}

// unreached says that the server or the API does not answer.
func (a *App) unreached(w http.ResponseWriter, err error) {
	a.config.Log.Error("demo app", "error", err)
	a.fail(w, http.StatusBadGateway, failure{Title: "No usable answer", Says: "The server or the API did not answer as expected. The terminal says more."})
}

// render writes a page, whole or not at all.
func (a *App) render(w http.ResponseWriter, status int, v view) {
	v.Config, v.Tour, v.Second = a.config, tour(), a.server != a.config.Issuer
	if v.Script != "" {
		w.Header().Set("Content-Security-Policy", a.policy+"; script-src 'self'; connect-src 'self'")
	}
	var page bytes.Buffer
	if err := a.templates[v.Page].ExecuteTemplate(&page, "layout", v); err != nil {
		a.config.Log.Error("demo app", "error", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a browser that has gone is no fault of ours
}

// originOf is scheme, host and port of an address.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
