package faults_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/verify"
)

// claims are those of a token that these tests look at.
type claims struct {
	Exp int64 `json:"exp"` // s
	RVS int64 `json:"rvs"` // ms
	Iat int64 `json:"iat"`
}

func (w *world) claims(token string) (c claims) {
	w.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	w.must(err)
	w.must(json.Unmarshal(payload, &c))
	return c
}

// move moves the server's clock, and gives what it shows then.
func (w *world) move(by time.Duration) time.Time {
	w.Helper()
	now, err := w.Office.AdvanceClock(w.Context(), by)
	w.must(err)
	return now
}

// service registers a client with tokens of its own for the API.
func (w *world) service(id string) *app.App {
	w.Helper()
	a, err := app.Register(w.Context(), w.Office, w.Issuer, admin.NewClient{ClientID: id, ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"client_credentials"}, Resources: []string{app.Orders},
	}})
	w.must(err)
	return a
}

// longLived gives a service a token that lives longer than that: by chance it may
// live up to 5 % less than its lifetime.
func (w *world) longLived(a *app.App, longer time.Duration) string {
	w.Helper()
	for range 1000 {
		token, err := a.Own(w.Context(), url.Values{"resource": {app.Orders}})
		w.must(err)
		if c := w.claims(token); time.Duration(c.Exp-c.Iat)*time.Second > longer {
			return token
		}
	}
	w.Fatalf("no token lives longer than %s", longer)
	return ""
}

// Lowering the lifetime of tokens from 24 hours to 5 minutes forgets no revocation
// of a token from before: after 23 hours it is still refused, whether it was revoked
// before or after; when nothing is left that could match, the log forgets.
func TestALowerLifetimeForgetsNoRevocationEarly(t *testing.T) {
	t.Parallel()
	const day, age = 24 * time.Hour, 23 * time.Hour
	w := newWorld(t, "--test-mode", "--lifetimes-access-ttl", "24h")
	before, after, never := w.service("before"), w.service("after"), w.service("never")
	revokedBefore, revokedAfter, good := w.longLived(before, age+time.Minute), w.longLived(after, age+time.Minute), w.longLived(never, age+time.Minute)
	w.must(before.Revoke(t.Context(), revokedBefore))

	w.server.Stop()
	w.server.Restart("--test-mode", "--lifetimes-access-ttl", "5m")
	if c := w.claims(w.longLived(never, time.Minute)); c.Exp-c.Iat > 300 {
		t.Fatalf("a new token lives for %d s", c.Exp-c.Iat)
	}
	w.revoke("client", "after")

	w.move(age)
	v := w.follow() // from a snapshot of now
	w.expect(v, "the token that was revoked before", revokedBefore, string(verify.Revoked))
	w.expect(v, "the token that was revoked after", revokedAfter, string(verify.Revoked))
	w.expect(v, "the token that was not revoked", good, "good")
	for _, token := range []string{revokedBefore, revokedAfter} {
		if active, err := w.APIs.Active(t.Context(), token); err != nil || active {
			t.Errorf("introspection says active: %t, %v", active, err)
		}
	}
	w.move(day + time.Hour - age)
	if p := w.position(); p.N != 0 {
		t.Errorf("%d entries are served that no token can match", p.N)
	}
}

// Clocks differ, so a token is accepted for 30 s after its exp; a revoked one is not,
// whether it was revoked before or after its exp.
func TestARevokedTokenIsRefusedWithinTheLeewayToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--test-mode", "--lifetimes-access-ttl", "60s")
	v, exact := w.follow(), w.follow(verify.WithLeeway(0), verify.WithName("exact"))
	early, late, good := w.signIn(), w.signIn(), w.signIn()
	w.must(w.Shop.Revoke(t.Context(), early.Refresh))
	w.awaitRefusal(v, "the token that is revoked before its exp", early.Access)

	var exp int64
	for _, tokens := range []app.Tokens{early, late, good} {
		exp = max(exp, w.claims(tokens.Access).Exp)
	}
	w.move(time.Until(time.Unix(exp+5, 0)))
	w.must(w.Shop.Revoke(t.Context(), late.Refresh))
	w.awaitRefusal(v, "the token that is revoked after its exp", late.Access)
	w.expect(v, "the token that was revoked before its exp", early.Access, string(verify.Revoked))
	w.expect(v, "the token that was not revoked", good.Access, "good")
	w.await("a verifier without leeway says that it has expired", patience, func() bool {
		return w.verdict(exact, good.Access) == string(verify.TokenExpired)
	})

	w.move(time.Minute)
	w.await("after the leeway it has expired", beat+patience, func() bool {
		return w.verdict(v, good.Access) == string(verify.TokenExpired)
	})
}

// The server's clock jumps 2 hours back and 1 hour forward. The log's logical clock
// never goes back; what is revoked after a jump dies, though it was minted by
// a clock that was ahead; and whoever signs in then is let in at once. Verifiers
// notice none of it.
func TestAClockThatJumpsNeitherRevivesNorKills(t *testing.T) {
	t.Parallel()
	const back, forward = 2 * time.Hour, time.Hour
	w := newWorld(t, "--test-mode", "--lifetimes-access-ttl", "24h") // so that no token expires meanwhile
	w.move(back)                                                     // so that there is something to go back
	v := w.follow()
	lc := w.position().LC
	for _, jump := range []time.Duration{0, -back, forward} {
		dead, dying := w.signIn().Access, w.signIn().Access
		w.revokeToken(dead)
		w.awaitRefusal(v, "a token", dead)
		if jump != 0 {
			w.move(jump)
		}
		w.expect(v, "what was revoked before the jump", dead, string(verify.Revoked))
		w.expect(v, "what was minted before the jump", dying, "good")
		w.revoke("user", w.Ana.Sub)
		w.awaitRefusal(v, "what was minted before the jump", dying)
		if active, err := w.APIs.Active(t.Context(), dying); err != nil || active {
			t.Errorf("after %s introspection says active: %t, %v", jump, active, err)
		}
		fresh := w.signIn().Access
		w.expect(v, "a fresh sign-in", fresh, "good")
		if active, err := w.APIs.Active(t.Context(), fresh); err != nil || !active {
			t.Errorf("after %s introspection says of a fresh token active: %t, %v", jump, active, err)
		}
		now := w.position().LC
		if now <= lc {
			t.Errorf("after %s the logical clock went from %d to %d", jump, lc, now)
		}
		if rvs := w.claims(fresh).RVS; rvs > now {
			t.Errorf("a token vouches up to %d, and the log is at %d", rvs, now)
		}
		lc = now
		if s := v.Status(); s.State != verify.Live || s.Problem != "" {
			t.Errorf("after %s the verifier is %+v", jump, s)
		}
	}
}
