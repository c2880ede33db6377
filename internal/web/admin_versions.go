package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

// entityTag is the version of what has one, as HTTP writes it (RFC 9110 §8.8.3): of
// what an update replaces. Secrets and warnings beside it may be others.
func entityTag(answer any) string {
	var version int64
	switch a := answer.(type) {
	case admin.RegisteredClient:
		version = a.Version
	case admin.Resource:
		version = a.Version
	case admin.Upstream:
		version = a.Version
	case admin.User:
		version = a.Version
	case repeated:
		var made struct {
			Version int64 `json:"version"`
		}
		if json.Unmarshal(a, &made) != nil || made.Version == 0 {
			return ""
		}
		version = made.Version
	default:
		return ""
	}
	return `"` + strconv.FormatInt(version, 10) + `"`
}

// conditional are the acts that can be bound to a version: those that make another
// one of it, or none.
func conditional(pattern string) bool {
	switch pattern {
	case "PUT clients/{id}", "PUT resources/{aud}", "PUT upstreams/{id}", "PUT users/{sub}",
		"POST clients/{id}/disable", "POST clients/{id}/enable", "POST users/{sub}/disable", "POST users/{sub}/enable",
		"DELETE clients/{id}", "DELETE resources/{aud}", "DELETE upstreams/{id}", "DELETE users/{sub}":
		return true
	}
	return false
}

// conditioned is an act that is done only to the versions that the request names, if
// it names any (RFC 9110 §13.1.1). One that cannot be bound is refused then: to do it
// would be a surprise.
func conditioned(pattern string, do act) act {
	return func(ctx context.Context, r *http.Request) (any, error) {
		fields := r.Header.Values("If-Match")
		if len(fields) == 0 {
			return do(ctx, r)
		}
		versions, whatever, ok := expectedVersions(strings.Join(fields, ","))
		if !ok || !conditional(pattern) {
			return nil, &admin.Problem{
				Type: admin.ProblemInvalid, Title: "The request is refused", Status: http.StatusBadRequest,
				Errors: []admin.FieldError{{
					Field:   "If-Match",
					Message: `is * or entity tags as in "7", and for updating, disabling, enabling and deleting clients, resources, upstreams and users alone`,
				}},
			}
		}
		if whatever {
			return do(ctx, r)
		}
		return do(engine.Expect(ctx, versions), r)
	}
}

// expectedVersions reads If-Match. A tag that is weak, or none of ours, is one that nothing
// has: the comparison is the strong one.
func expectedVersions(field string) (versions []int64, whatever, ok bool) {
	if strings.TrimSpace(field) == "*" {
		return nil, true, true
	}
	for tag := range strings.SplitSeq(field, ",") {
		tag = strings.TrimSpace(tag)
		opaque, weak := strings.CutPrefix(tag, "W/")
		if len(opaque) < 2 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' || strings.Contains(opaque[1:len(opaque)-1], `"`) {
			return nil, false, false
		}
		if version, err := strconv.ParseInt(opaque[1:len(opaque)-1], 10, 64); err == nil && !weak {
			versions = append(versions, version)
		}
	}
	return versions, false, true
}
