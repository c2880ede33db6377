package verify

import (
	"net/http"
	"time"
)

// Admit judges a request as [Verifier.Middleware] does, and requires the scopes
// as [Verifier.Require] does, for whoever answers in an API's stead: a gateway,
// or a sidecar that a proxy asks. It reads method and headers. Nothing is watched
// after it: streams are cut by the middleware and by [Verifier.Watch]. The error
// is a [*RefusedError] or wraps [ErrUnavailable]; [WriteRefusal] answers with it.
func (v *Verifier) Admit(r *http.Request, scope ...string) (*Claims, error) {
	seen, err := v.admit(r, time.Now())
	if err != nil {
		return nil, err
	}
	if !seen.claims.hasAll(scope) {
		return &seen.claims, lacks(scope)
	}
	return &seen.claims, nil
}

// admit judges the token of a request by what the request would do.
func (v *Verifier) admit(r *http.Request, now time.Time) (*remembered, error) {
	token, err := bearer(r.Header)
	if err != nil {
		return nil, err
	}
	return v.check(r.Context(), token, demand{request: r, unsafe: upgrades(r) || !safe(r.Method)}, now)
}

// WriteRefusal answers with an error of [Verifier.Admit]: 401, 403 or 400 with a
// challenge (RFC 6750 §3), or 503 with Retry-After.
func WriteRefusal(w http.ResponseWriter, err error) { challengeFor(err).write(w) }
