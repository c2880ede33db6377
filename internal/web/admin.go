package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

// AdminConfig is what the administration handler is made of: the engine, and what
// it does not know about the server.
type AdminConfig struct {
	Engine    *engine.Engine
	Log       *slog.Logger
	Version   string
	Database  string
	Schema    int64
	Listen    []string
	StartedAt time.Time
}

// administration answers whoever may open the socket.
type administration struct {
	AdminConfig
	mux *http.ServeMux
}

// Admin makes the handler of the administration API. It has no login: it is for
// a socket that only administrators can open, and must never be served on a
// network.
func Admin(c AdminConfig) http.Handler {
	a := &administration{AdminConfig: c, mux: http.NewServeMux()}
	for pattern, act := range a.acts() {
		method, path, _ := strings.Cut(pattern, " ")
		a.mux.HandleFunc(method+" "+admin.Root+path, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, act) })
	}
	return a
}

// act is one thing that an administrator can do; a nil answer is 204.
type act func(ctx context.Context, r *http.Request) (any, error)

// acts is everything that there is; what is not here is refused.
func (a *administration) acts() map[string]act {
	return map[string]act{
		"GET status":           a.status,
		"GET references/{ref}": a.explain,
		"GET keys":             a.keys,
		"POST keys/rotate":     with(a.rotateKeys),

		"GET clients":                     a.clients,
		"POST clients":                    with(a.createClient),
		"GET clients/{id}":                a.showClient,
		"PUT clients/{id}":                with(a.updateClient),
		"DELETE clients/{id}":             a.deleteClient,
		"POST clients/{id}/rotate-secret": with(a.rotateSecret),
		"POST clients/{id}/disable":       a.disableClient,
		"POST clients/{id}/enable":        a.enableClient,

		"GET resources":          a.resources,
		"POST resources":         with(a.createResource),
		"GET resources/{aud}":    a.showResource,
		"PUT resources/{aud}":    with(a.updateResource),
		"DELETE resources/{aud}": a.deleteResource,

		"GET users":                 a.users,
		"POST users":                with(a.createUser),
		"GET users/{sub}":           a.showUser,
		"PUT users/{sub}":           with(a.updateUser),
		"DELETE users/{sub}":        a.deleteUser,
		"POST users/{sub}/password": with(a.setPassword),
		"POST users/{sub}/disable":  a.disableUser,
		"POST users/{sub}/enable":   a.enableUser,

		"GET sessions":          a.sessions,
		"DELETE sessions/{sid}": a.endSession,
		"GET grants":            a.grants,
		"DELETE grants/{gid}":   a.endGrant,
	}
}

// ServeHTTP answers what the table has, and says so where it has nothing.
func (a *administration) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
