package verify

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Require lets only tokens through that have all of the scopes; others get 403
// and hear which are needed (RFC 6750 §3.1). It authenticates by itself where no
// middleware of the verifier has.
func (v *Verifier) Require(scope ...string) func(http.Handler) http.Handler {
	lacking := challengeFor(lacks(scope))
	return v.gate(func(c *call, _ *http.Request) *challenge {
		if !c.seen.claims.hasAll(scope) {
			return lacking
		}
		return nil
	})
}

// RequireFresh lets calls through only if what is known of revocations is no
// older than d, or the issuer says that the token is active; else they get 503.
// For the few routes where a minute is too long, such as payments. Heads come
// every 3 s, so less than 4 s asks the issuer about most calls.
func (v *Verifier) RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return v.gate(func(c *call, r *http.Request) *challenge {
		if err := v.judge(r.Context(), c.seen, demand{unsafe: !safe(r.Method), fresh: d}, time.Now()); err != nil {
			return challengeFor(err)
		}
		return nil
	})
}

// RequireACR lets only tokens through whose user signed in in one of the ways of
// acr (separated by spaces), and no longer than maxAge ago unless that is 0.
// Others get a challenge that tells the client to have the user sign in again
// (RFC 9470 §3).
func (v *Verifier) RequireACR(acr string, maxAge time.Duration) func(http.Handler) http.Handler {
	extra := quoted("acr_values", acr)
	if maxAge > 0 {
		extra += quoted("max_age", strconv.Itoa(int(maxAge.Seconds())))
	}
	lacking := &challenge{
		status: http.StatusUnauthorized, code: "insufficient_user_authentication",
		text: "a different or more recent sign-in is required", extra: extra,
	}
	ways := strings.Fields(acr)
	return v.gate(func(c *call, _ *http.Request) *challenge {
		claims := &c.seen.claims
		recent := maxAge <= 0 || !claims.AuthTime.IsZero() && time.Since(claims.AuthTime) <= maxAge+v.settings.leeway
		if recent && (len(ways) == 0 || slices.Contains(ways, claims.ACR)) {
			return nil
		}
		return lacking
	})
}

// gate is a middleware that judges calls which were admitted.
func (v *Verifier) gate(judge func(*call, *http.Request) *challenge) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		gated := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _ := r.Context().Value(callKey{}).(*call)
			if problem := judge(c, r); problem != nil {
				problem.write(w)
				return
			}
			next.ServeHTTP(w, r)
		})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, ok := r.Context().Value(callKey{}).(*call); ok && c.v == v {
				gated.ServeHTTP(w, r)
				return
			}
			v.serve(w, r, gated)
		})
	}
}
