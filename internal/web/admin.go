package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/record"
)

// AdminConfig is what the administration handler is made of: the engine, and what
// it does not know about the server.
type AdminConfig struct {
	Engine    *engine.Engine
	Feed      *feed.Feed // nil: this server has none
	Log       *slog.Logger
	Version   string
	Database  string
	Schema    int64
	Listen    []string
	StartedAt time.Time
	// Metrics counts; nil: nothing is counted.
	Metrics *metrics.Metrics
	// Figures answers GET /metrics; nil: that is not here.
	Figures http.Handler
	// TrustedProxies are those of Config, for RemoteAdmin.
	TrustedProxies []netip.Prefix
}

// adminWidth is how many administrators' requests are worked on at once: a script
// that runs wild must leave the database to those who sign in.
const adminWidth = 64

// administration answers whoever is known to be an administrator.
type administration struct {
	AdminConfig
	mux    *http.ServeMux
	scopes map[string]string // by the mux's patterns
	gate   *gate
}

// Admin makes the handler of the administration API. It has no login: it is for
// a socket that only administrators can open, and must never be served on a
// network. RemoteAdmin is for that.
func Admin(c AdminConfig) http.Handler { return newAdministration(c, "administration") }

func newAdministration(c AdminConfig, gateName string) *administration {
	a := &administration{AdminConfig: c, mux: http.NewServeMux(), scopes: map[string]string{}, gate: newGate(c.Metrics, gateName, roomFor(adminWidth))}
	for pattern, act := range a.acts() {
		method, path, _ := strings.Cut(pattern, " ")
		do := onceOnly(pattern, conditioned(pattern, tried(pattern, act.do)))
		whole := method + " " + admin.Root + path
		a.scopes[whole] = act.scope
		a.mux.HandleFunc(whole, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, do) })
	}
	if c.Figures != nil {
		a.scopes[figures] = "server:read"
		a.mux.Handle(figures, c.Figures)
	}
	return a
}

// figures is the pattern of what the server counts, which is read also when it does
// as much for administrators as it can.
const figures = "GET /metrics"

// act is one thing that an administrator can do; a nil answer is 204.
type act func(ctx context.Context, r *http.Request) (any, error)

// listedAct is an act, for the reference page what it is, and the scope that an
// admin token needs for it.
type listedAct struct {
	do    act
	about string
	scope string
}

// Scopes that are none of record's.
const (
	anyScope   = ""       // of use to whoever holds any token
	socketOnly = "socket" // no token is enough
)

// acts is everything that there is; what is not here is refused.
func (a *administration) acts() map[string]listedAct {
	return map[string]listedAct{
		"GET status":           {a.status, "What runs: version, issuer, database, schema, addresses.", "server:read"},
		"GET openapi.json":     {a.openAPI, "This API as an OpenAPI 3.1 document.", anyScope},
		"GET references/{ref}": {a.explain, "What a reference code of a refusal says.", "audit:read"},
		"GET audit":            {a.audit, "The audit trail, newest first.", "audit:read"},
		"GET keys":             {a.keys, "The signing keys.", "keys:read"},
		"POST keys/rotate":     {with(a.rotateKeys), "The next keys sign; in an emergency all tokens of the former ones die.", "keys:write"},
		"POST test/clock":      {with(a.advanceClock), "In test mode: moves the server's clock forward, and back again; else 404.", "server:write"},

		"POST revocations": {with(a.revoke), "Ends what is named, or says what would end; waits for the receipt if asked to.", "revocations:write"},
		"GET verifiers":    {a.verifiers, "The verifiers that follow the revocation feed.", "verifiers:read"},

		"GET clients":                     {a.clients, "The clients.", "clients:read"},
		"POST clients":                    {with(a.createClient), "Adds a client; its secret is in this answer only.", "clients:write"},
		"GET clients/{id}":                {a.showClient, "One client.", "clients:read"},
		"PUT clients/{id}":                {with(a.updateClient), "Replaces what is said about a client.", "clients:write"},
		"DELETE clients/{id}":             {a.deleteClient, "Removes a client, and ends all that it has.", "clients:write"},
		"POST clients/{id}/rotate-secret": {with(a.rotateSecret), "Makes a new secret; the older ones end at once or after a while.", "clients:write"},
		"POST clients/{id}/disable":       {a.disableClient, "Keeps a client out, and ends all that it has.", "clients:write"},
		"POST clients/{id}/enable":        {a.enableClient, "Lets a client in again; what ended stays ended.", "clients:write"},

		"GET registration-tokens":         {a.registrationTokens, "The tokens with which clients may register themselves.", "registrations:read"},
		"POST registration-tokens":        {with(a.createRegistrationToken), "Makes one; it is in this answer only.", "registrations:write"},
		"DELETE registration-tokens/{id}": {a.deleteRegistrationToken, "Takes one back; the clients that came with it stay.", "registrations:write"},

		"GET admin-tokens":           {a.adminTokens, "The tokens with which the API is used from elsewhere; at the socket alone.", socketOnly},
		"POST admin-tokens":          {with(a.createAdminToken), "Makes one; it is in this answer only. At the socket alone.", socketOnly},
		"DELETE admin-tokens/{name}": {a.deleteAdminToken, "Takes one back: it is of no use from then on. At the socket alone.", socketOnly},

		"GET resources":          {a.resources, "The resource servers.", "resources:read"},
		"POST resources":         {with(a.createResource), "Adds a resource server.", "resources:write"},
		"GET resources/{aud}":    {a.showResource, "One resource server.", "resources:read"},
		"PUT resources/{aud}":    {with(a.updateResource), "Replaces what is said about a resource server.", "resources:write"},
		"DELETE resources/{aud}": {a.deleteResource, "Removes a resource server, and ends all tokens for it.", "resources:write"},

		"GET upstreams":         {a.upstreams, "The upstreams: OpenID Providers that people may sign in with.", "upstreams:read"},
		"POST upstreams":        {with(a.createUpstream), "Adds an upstream; its client secret is kept sealed, and in no answer.", "upstreams:write"},
		"GET upstreams/{id}":    {a.showUpstream, "One upstream.", "upstreams:read"},
		"PUT upstreams/{id}":    {with(a.updateUpstream), "Replaces what is said about an upstream.", "upstreams:write"},
		"DELETE upstreams/{id}": {a.deleteUpstream, "Removes an upstream; sessions that came of it go on, and accounts stay linked to its issuer.", "upstreams:write"},

		"GET users":                     {a.users, "The users.", "users:read"},
		"POST users":                    {with(a.createUser), "Adds a user; a password that is made is in this answer only.", "users:write"},
		"GET users/{sub}":               {a.showUser, "One user.", "users:read"},
		"PUT users/{sub}":               {with(a.updateUser), "Replaces what is said about a user.", "users:write"},
		"DELETE users/{sub}":            {a.deleteUser, "Removes a user, and ends all that they have.", "users:write"},
		"POST users/{sub}/password":     {with(a.setPassword), "Sets or makes a password, and ends all that the user has.", "users:write"},
		"DELETE users/{sub}/links/{id}": {a.unlinkUser, "Takes an account elsewhere from a user, and ends all that they have.", "users:write"},
		"POST users/{sub}/disable":      {a.disableUser, "Keeps a user from signing in, and ends all that they have.", "users:write"},
		"POST users/{sub}/enable":       {a.enableUser, "Lets a user sign in again; what ended stays ended.", "users:write"},

		"GET sessions":          {a.sessions, "The sessions that were not ended, of one user or of all.", "sessions:read"},
		"GET sessions/{sid}":    {a.showSession, "One session, ended or not: which of its clients acknowledged the logout, and what each can still do.", "sessions:read"},
		"DELETE sessions/{sid}": {a.endSession, "Ends a session, and the grants that hang from it.", "sessions:write"},
		"GET grants":            {a.grants, "The grants that were not ended, of a user, of a client, or of both.", "grants:read"},
		"DELETE grants/{gid}":   {a.endGrant, "Ends a grant and its tokens.", "grants:write"},
	}
}

// ServeHTTP answers what the table has, and says so where it has nothing.
func (a *administration) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, pattern := a.mux.Handler(r)
	if pattern == figures {
		a.mux.ServeHTTP(w, r)
		return
	}
	if !a.gate.enter() {
		w.Header().Set(headerComeBack, comeBack())
		sendProblem(w, tooBusy())
		return
	}
	defer a.gate.exit()
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	a.lost(w, r)
}

func tooBusy() *admin.Problem {
	return &admin.Problem{
		Type: admin.ProblemUnavailable, Title: "The server does as much for administrators as it can", Status: http.StatusServiceUnavailable,
		Detail: "Nothing was changed; try again in a moment",
	}
}

// lost answers for what is not in the table.
func (a *administration) lost(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "" {
			w.Header().Add("Allow", method)
		}
	}
	if w.Header().Get("Allow") != "" {
		sendProblem(w, &admin.Problem{Type: admin.ProblemMethod, Title: "The method is not for this", Status: http.StatusMethodNotAllowed})
		return
	}
	sendProblem(w, &admin.Problem{Type: admin.ProblemNotFound, Title: "There is nothing here", Status: http.StatusNotFound})
}

func (a *administration) status(context.Context, *http.Request) (any, error) {
	return admin.Status{
		Version:       a.Version,
		Issuer:        a.Engine.Issuer().String(),
		Database:      a.Database,
		Schema:        a.Schema,
		StartedAt:     a.StartedAt.UTC(),
		UptimeSeconds: int64(time.Since(a.StartedAt) / time.Second),
		Listen:        a.Listen,
	}, nil
}

func (a *administration) audit(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.AuditPage(ctx, query(r, "after"))
	return pageOf(rows, next, wireEvent), err
}

func wireEvent(e record.AuditEntry) admin.AuditEvent {
	return admin.AuditEvent{
		ID: e.ID, At: moment(e.At), Event: e.Event, Actor: e.Actor, Sub: e.UserID, ClientID: e.ClientID, GID: e.GID,
		Count: e.N, Detail: e.Detail,
	}
}

func (a *administration) advanceClock(ctx context.Context, _ *http.Request, in *admin.ClockAdvance) (any, error) {
	by, err := time.ParseDuration(in.Advance)
	if err != nil {
		return nil, &admin.Problem{
			Type: admin.ProblemInvalid, Title: "The request is refused", Status: http.StatusBadRequest,
			Errors: []admin.FieldError{{Field: "advance", Message: "is a number and a unit, as in 90s, 15m or 720h"}},
		}
	}
	now, err := a.Engine.Advance(ctx, by)
	if err != nil {
		return nil, err
	}
	return admin.Clock{Now: now.UTC()}, nil
}

func (a *administration) explain(ctx context.Context, r *http.Request) (any, error) {
	e, err := a.Engine.Explain(ctx, r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	return admin.Explanation{
		Reason: string(e.Reason), Rule: e.Rule, Claim: e.Claim, At: e.At, ClientID: e.ClientID, GID: e.GID, KID: e.KID,
		Expected: e.Expected, Seen: e.Seen, Unit: e.Unit,
	}, nil
}
