package demo

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// The scopes of the API. The application is given the first alone.
const (
	ScopeRead  = "orders:read"
	ScopeWrite = "orders:write"
)

// API is a resource server: it takes access tokens for its own address and checks
// them by itself, with keys that it fetched.
type API struct {
	provider *provider
	audience string
	host     string
	mux      *http.ServeMux
}

// NewAPI makes the handler of an API. audience is its own address, by which
// tokens name it.
func NewAPI(issuer, audience string) *API {
	a := &API{provider: newProvider(issuer), audience: audience, host: hostOf(audience), mux: http.NewServeMux()}
	a.mux.HandleFunc("GET /{$}", a.about)
	a.mux.HandleFunc("GET /orders", a.needing(ScopeRead, a.listOrders))
	a.mux.HandleFunc("POST /orders", a.needing(ScopeWrite, a.placeOrder))
	return a
}

// ServeHTTP answers requests for the API's own host and no other: a name that an
// attacker points at this machine is not ours.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	if r.Host != a.host {
		writeJSON(w, http.StatusMisdirectedRequest, apiAnswer{Error: "unknown host"})
		return
	}
	a.mux.ServeHTTP(w, r)
}

// apiAnswer is what the API says. A real one would keep the checks to its log.
type apiAnswer struct {
	Error   string  `json:"error,omitempty"`
	Hint    string  `json:"error_description,omitempty"`
	User    string  `json:"user,omitempty"`
	Orders  []order `json:"orders,omitempty"`
	Checks  checks  `json:"checks,omitempty"`
	Address string  `json:"audience,omitempty"`
}

type order struct {
	Number int    `json:"number"`
	What   string `json:"what"`
	Status string `json:"status"`
}

func (a *API) about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, apiAnswer{
		Address: a.audience,
		Hint:    "GET /orders needs an access token for this audience with the scope " + ScopeRead + ", POST /orders one with " + ScopeWrite,
	})
}

func (a *API) listOrders(w http.ResponseWriter, caller *caller) {
	writeJSON(w, http.StatusOK, apiAnswer{User: caller.subject, Checks: caller.checks, Orders: []order{
		{1041, "Two loaves of rye", "ready at 07:30"},
		{1044, "Six cinnamon buns", "in the oven"},
	}})
}

func (a *API) placeOrder(w http.ResponseWriter, caller *caller) {
	writeJSON(w, http.StatusCreated, apiAnswer{User: caller.subject, Checks: caller.checks, Orders: []order{
		{1045, "A baguette", "taken"},
	}})
}

// needing lets only callers through whose token has a scope.
func (a *API) needing(scope string, then func(http.ResponseWriter, *caller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			// RFC 6750 §3.1: no error code where no authentication was tried.
			w.Header().Set("WWW-Authenticate", `Bearer realm="orders"`)
			writeJSON(w, http.StatusUnauthorized, apiAnswer{Hint: "There is no access token in the Authorization header."})
			return
		}
		caller, err := a.check(r.Context(), token, scope, time.Now())
		switch {
		case err != nil: // our trouble: a 401 would make the client throw a good token away
			w.Header().Set("Retry-After", "1")
			writeJSON(w, http.StatusServiceUnavailable, apiAnswer{Error: "temporarily_unavailable", Hint: "The keys cannot be fetched."})
		case caller.refused == "":
			then(w, caller)
		default:
			a.refuse(w, caller, scope)
		}
	}
}

// refuse answers as RFC 6750 §3.1 asks: 401 for a token that is no good, 403 for
// one that does not reach far enough.
func (a *API) refuse(w http.ResponseWriter, caller *caller, scope string) {
	status, extra := http.StatusUnauthorized, ""
	if caller.refused == oauth.InsufficientScope {
		status, extra = http.StatusForbidden, `, scope="`+scope+`"`
	}
	last := caller.checks[len(caller.checks)-1]
	w.Header().Set("WWW-Authenticate", `Bearer realm="orders", error="`+string(caller.refused)+`"`+extra)
	writeJSON(w, status, apiAnswer{Error: string(caller.refused), Hint: "Not held: " + last.Rule, Checks: caller.checks})
}

func writeJSON(w http.ResponseWriter, status int, answer apiAnswer) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // of strings and numbers: it cannot be
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is no fault of ours
}
