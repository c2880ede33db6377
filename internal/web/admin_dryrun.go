package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

// dryRun is the query parameter of an act that is only to be tried.
const dryRun = "dry_run"

// triable are the acts that can be tried without being done.
func triable(pattern string) bool {
	switch pattern {
	case "POST clients", "PUT clients/{id}", "POST resources", "PUT resources/{aud}", "POST users", "PUT users/{sub}":
		return true
	}
	return false
}

// tried is an act that is done, or only tried if the request asks for that. One
// that cannot be tried is refused then: to do it would be a surprise.
func tried(pattern string, do act) act {
	return func(ctx context.Context, r *http.Request) (any, error) {
		if !r.URL.Query().Has(dryRun) {
			return do(ctx, r)
		}
		if !triable(pattern) || query(r, dryRun) != "true" {
			return nil, &admin.Problem{
				Type: admin.ProblemInvalid, Title: "The request is refused", Status: http.StatusBadRequest,
				Errors: []admin.FieldError{{Field: dryRun, Message: "is true, and for creates and updates of clients, resources and users alone"}},
			}
		}
		return do(engine.Rehearse(ctx), r)
	}
}
