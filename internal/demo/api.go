package demo

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/mintmark-id/mintmark/verify"
)

// The scopes of the API. The application is given the first alone.
const (
	ScopeRead  = "orders:read"
	ScopeWrite = "orders:write"
)

// APIConfig is what an administrator of the server and the developer of the API
// have agreed on.
type APIConfig struct {
	Issuer       string // of the server
	Address      string // the API's own, by which tokens name it
	ClientID     string // as whom it follows the revocation log; the list of verifiers calls it so too
	ClientSecret string
	Log          *slog.Logger
}

// API is a resource server: it takes access tokens for its own address. A verifier
// stands in front of it, which asks nobody about a call and still knows what was
// taken back.
type API struct {
	address  string
	host     string
	verifier *verify.Verifier
	traffic  *traffic
	passed   atomic.Uint64 // calls whose token was good
	refused  atomic.Uint64 // and those whose was not
	mux      *http.ServeMux
}

// NewAPI makes the handler of an API. Its verifier follows the server until ctx
// ends or Close is called.
func NewAPI(ctx context.Context, c APIConfig) (*API, error) {
	a := &API{address: c.Address, host: hostOf(c.Address), traffic: newTraffic(), mux: http.NewServeMux()}
	var err error
	a.verifier, err = verify.New(ctx, c.Issuer, c.Address,
		verify.WithClient(c.ClientID, c.ClientSecret), verify.WithHTTPClient(a.traffic.client()), verify.WithLogger(c.Log))
	if err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /{$}", a.about)
	a.mux.HandleFunc("GET /verifier", a.stand)
	a.mux.Handle("GET /orders", a.needing(ScopeRead, listOrders))
	a.mux.Handle("POST /orders", a.needing(ScopeWrite, placeOrder))
	return a, nil
}

// Close ends the verifier.
func (a *API) Close() error {
	defer a.traffic.CloseIdleConnections()
	return a.verifier.Close()
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

// needing lets only callers through whose token is good and has a scope, and
// times the check.
func (a *API) needing(scope string, then http.HandlerFunc) http.Handler {
	guarded := a.verifier.Require(scope)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v, ok := w.(*verdict); ok {
			v.pass()
		}
		then(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(newVerdict(w, r, a), r)
	})
}

// reason is why the verifier refuses a token, for a log; callers learn less.
func (a *API) reason(r *http.Request, status int) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case status == http.StatusServiceUnavailable:
		return notKnown
	case status == http.StatusForbidden:
		return lacksScope
	case !ok:
		return noToken
	}
	_, err := a.verifier.Check(r.Context(), token)
	var refused *verify.RefusedError
	if !errors.As(err, &refused) {
		return notKnown
	}
	return string(refused.Reason)
}

// apiAnswer is what the API says.
type apiAnswer struct {
	Error   string  `json:"error,omitempty"`
	Hint    string  `json:"hint,omitempty"`
	User    string  `json:"user,omitempty"`
	Orders  []order `json:"orders,omitempty"`
	Address string  `json:"audience,omitempty"`
}

type order struct {
	Number int    `json:"number"`
	What   string `json:"what"`
	Status string `json:"status"`
}

func (a *API) about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, apiAnswer{
		Address: a.address,
		Hint:    "GET /orders needs an access token for this audience with the scope " + ScopeRead + ", POST /orders one with " + ScopeWrite,
	})
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	claims, _ := verify.FromContext(r.Context()) // there are some: the verifier let it through
	writeJSON(w, http.StatusOK, apiAnswer{User: claims.Subject, Orders: []order{
		{1041, "Two loaves of rye", "ready at 07:30"},
		{1044, "Six cinnamon buns", "in the oven"},
	}})
}

func placeOrder(w http.ResponseWriter, r *http.Request) {
	claims, _ := verify.FromContext(r.Context())
	writeJSON(w, http.StatusCreated, apiAnswer{User: claims.Subject, Orders: []order{
		{1045, "A baguette", "taken"},
	}})
}

// standing is how the verifier stands, and what it has asked the server since it
// was started. Health pages show such things.
type standing struct {
	Name    string `json:"name"`
	Policy  string `json:"policy"`
	State   string `json:"state"`
	Seq     int64  `json:"seq"`     // the log is known up to here
	Entries int    `json:"entries"` // revocations known
	Passed  uint64 `json:"passed"`  // calls
	Refused uint64 `json:"refused"`
	Tokens  uint64 `json:"asked_about_tokens"` // requests
	Keys    uint64 `json:"asked_for_keys"`
	Feed    uint64 `json:"asked_of_the_feed"`
}

func (a *API) stand(w http.ResponseWriter, _ *http.Request) {
	s := a.verifier.Status()
	writeJSON(w, http.StatusOK, standing{
		Name: s.Name, Policy: s.Policy.String(), State: s.State.String(), Seq: s.Seq, Entries: s.Entries,
		Passed: a.passed.Load(), Refused: a.refused.Load(),
		Tokens: a.traffic.tokens.Load(), Keys: a.traffic.keys.Load(), Feed: a.traffic.feed.Load(),
	})
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // of strings and numbers: it cannot be
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is no fault of ours
}
