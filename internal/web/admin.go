package web

import (
	"context"
	"log/slog"
	"net/http"
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
}

// adminWidth is how many administrators' requests are worked on at once: a script
// that runs wild must leave the database to those who sign in.
const adminWidth = 64

// administration answers whoever may open the socket.
type administration struct {
	AdminConfig
	mux  *http.ServeMux
	gate gate
}

// Admin makes the handler of the administration API. It has no login: it is for
// a socket that only administrators can open, and must never be served on a
// network.
func Admin(c AdminConfig) http.Handler {
	a := &administration{AdminConfig: c, mux: http.NewServeMux(), gate: newGate(c.Metrics, "administration", adminWidth)}
	for pattern, act := range a.acts() {
		method, path, _ := strings.Cut(pattern, " ")
		do := tried(pattern, act.do)
		a.mux.HandleFunc(method+" "+admin.Root+path, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, do) })
	}
	return a
}

// act is one thing that an administrator can do; a nil answer is 204.
type act func(ctx context.Context, r *http.Request) (any, error)

// listedAct is an act and, for the reference page, what it is.
type listedAct struct {
	do    act
	about string
}

// acts is everything that there is; what is not here is refused.
func (a *administration) acts() map[string]listedAct {
	return map[string]listedAct{
		"GET status":           {a.status, "What runs: version, issuer, database, schema, addresses."},
		"GET openapi.json":     {a.openAPI, "This API as an OpenAPI 3.1 document."},
		"GET references/{ref}": {a.explain, "What a reference code of a refusal says."},
		"GET audit":            {a.audit, "The audit trail, newest first."},
		"GET keys":             {a.keys, "The signing keys."},
		"POST keys/rotate":     {with(a.rotateKeys), "The next keys sign; in an emergency all tokens of the former ones die."},
		"POST test/clock":      {with(a.advanceClock), "In test mode: moves the server's clock forward, and back again; else 404."},

		"POST revocations": {with(a.revoke), "Ends what is named, or says what would end; waits for the receipt if asked to."},
		"GET verifiers":    {a.verifiers, "The verifiers that follow the revocation feed."},

		"GET clients":                     {a.clients, "The clients."},
		"POST clients":                    {with(a.createClient), "Adds a client; its secret is in this answer only."},
		"GET clients/{id}":                {a.showClient, "One client."},
		"PUT clients/{id}":                {with(a.updateClient), "Replaces what is said about a client."},
		"DELETE clients/{id}":             {a.deleteClient, "Removes a client, and ends all that it has."},
		"POST clients/{id}/rotate-secret": {with(a.rotateSecret), "Makes a new secret; the older ones end at once or after a while."},
		"POST clients/{id}/disable":       {a.disableClient, "Keeps a client out, and ends all that it has."},
		"POST clients/{id}/enable":        {a.enableClient, "Lets a client in again; what ended stays ended."},

		"GET registration-tokens":         {a.registrationTokens, "The tokens with which clients may register themselves."},
		"POST registration-tokens":        {with(a.createRegistrationToken), "Makes one; it is in this answer only."},
		"DELETE registration-tokens/{id}": {a.deleteRegistrationToken, "Takes one back; the clients that came with it stay."},

		"GET resources":          {a.resources, "The resource servers."},
		"POST resources":         {with(a.createResource), "Adds a resource server."},
		"GET resources/{aud}":    {a.showResource, "One resource server."},
		"PUT resources/{aud}":    {with(a.updateResource), "Replaces what is said about a resource server."},
		"DELETE resources/{aud}": {a.deleteResource, "Removes a resource server, and ends all tokens for it."},

		"GET users":                 {a.users, "The users."},
		"POST users":                {with(a.createUser), "Adds a user; a password that is made is in this answer only."},
		"GET users/{sub}":           {a.showUser, "One user."},
		"PUT users/{sub}":           {with(a.updateUser), "Replaces what is said about a user."},
		"DELETE users/{sub}":        {a.deleteUser, "Removes a user, and ends all that they have."},
		"POST users/{sub}/password": {with(a.setPassword), "Sets or makes a password, and ends all that the user has."},
		"POST users/{sub}/disable":  {a.disableUser, "Keeps a user from signing in, and ends all that they have."},
		"POST users/{sub}/enable":   {a.enableUser, "Lets a user sign in again; what ended stays ended."},

		"GET sessions":          {a.sessions, "The sessions that were not ended, of one user or of all."},
		"GET sessions/{sid}":    {a.showSession, "One session, ended or not: which of its clients acknowledged the logout, and what each can still do."},
		"DELETE sessions/{sid}": {a.endSession, "Ends a session, and the grants that hang from it."},
		"GET grants":            {a.grants, "The grants that were not ended, of a user, of a client, or of both."},
		"DELETE grants/{gid}":   {a.endGrant, "Ends a grant and its tokens."},
	}
}

// ServeHTTP answers what the table has, and says so where it has nothing.
func (a *administration) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.gate.enter() {
		sendProblem(w, &admin.Problem{
			Type: admin.ProblemUnavailable, Title: "The server does as much for administrators as it can", Status: http.StatusServiceUnavailable,
			Detail: "Nothing was changed; try again in a moment",
		})
		return
	}
	defer a.gate.exit()
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
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
