package verify

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

func TestEveryKindOfRevocationIsRefusedAndOthersLive(t *testing.T) {
	for name, target := range map[string]func(*issuer) revocation.Target{
		"jti":     func(*issuer) revocation.Target { return revocation.ForJTI("j1") },
		"sid":     func(*issuer) revocation.Target { return revocation.ForSID("s1") },
		"gid":     func(*issuer) revocation.Target { return revocation.ForGID("g1") },
		"kid":     func(i *issuer) revocation.Target { return revocation.ForKID(i.tokenKey.Public().Kid()) },
		"sub":     func(*issuer) revocation.Target { return revocation.ForSub("ana") },
		"client":  func(*issuer) revocation.Target { return revocation.ForClient("shop") },
		"consent": func(*issuer) revocation.Target { return revocation.ForConsent("ana", "shop") },
		"aud":     func(*issuer) revocation.Target { return revocation.ForAud(testAudience) },
		"all":     func(*issuer) revocation.Target { return revocation.ForAll() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t)
				v := i.verifier(t)
				token := i.token(nil)
				other := i.token(map[string]any{"jti": "j2", "sid": "s2", "gid": "g2", "sub": "ben", "client_id": "app"})
				if got := reason(v, token) + reason(v, other); got != "" {
					t.Fatalf("before: %s", got)
				}
				start := time.Now()
				i.revoke(target(i))
				synctest.Wait()
				if got := reason(v, token); got != "revoked" {
					t.Errorf("after: %q", got)
				}
				wide := name == "kid" || name == "aud" || name == "all"
				if got := reason(v, other); (got == "revoked") != wide {
					t.Errorf("another's token: %q", got)
				}
				time.Sleep(time.Millisecond)
				later := i.token(nil)
				if got := reason(v, later); (got == "revoked") != target(i).Kind().Forever() {
					t.Errorf("a token minted after the cutoff: %q", got)
				}
				if took := time.Since(start); took > 2*time.Millisecond {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestAgesAndPoliciesDecideAsTheTableSays(t *testing.T) {
	for _, c := range []struct {
		policy                       Policy
		answers                      bool // introspection, while the feed is silent
		stale, expired, expiredWrite int
	}{
		{Strict, true, 204, 503, 503},
		{Strict, false, 503, 503, 503},
		{Balanced, true, 204, 204, 503},
		{Balanced, false, 204, 204, 503},
		{Available, false, 204, 204, 204},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t)
				i.active = func(string) (bool, int) {
					if c.answers {
						return true, 200
					}
					return false, 500
				}
				v := i.verifier(t, WithPolicy(c.policy))
				h, token := v.Middleware(ok()), i.token(nil)
				expect := func(state State, get, post int) {
					t.Helper()
					if got := v.Status().State; got != state {
						t.Errorf("state %v, want %v", got, state)
					}
					for method, want := range map[string]int{"GET": get, "POST": post} {
						w := ask(h, method, token)
						if w.Code != want || want == 503 && w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
							t.Errorf("%v, %s: %d %v", state, method, w.Code, w.Header())
						}
					}
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				expect(Live, 204, 204)
				i.set(func(i *issuer) { i.down = true })
				time.Sleep(6900 * time.Millisecond)
				if got := v.Status(); got.State != Live {
					t.Fatalf("stale already after %v", got.Age)
				}
				time.Sleep(6100 * time.Millisecond)
				expect(Stale, c.stale, c.stale)
				time.Sleep(42500 * time.Millisecond)
				expect(Expired, c.expired, c.expiredWrite)
			})
		})
	}
}

// The tokens revoked before and during the fault must be dead after it, and the
// others alive: no fault may empty the table.
func TestAFaultIsNoticedHealedAndForgetsNothing(t *testing.T) {
	drop := func(string) []string { return nil }
	for _, c := range []struct {
		name  string
		fault func(*issuer)
	}{
		{"a line of entries is dropped", func(i *issuer) { i.tamper = once("rv", drop) }},
		{"a line of entries comes twice", func(i *issuer) { i.tamper = once("rv", func(e string) []string { return []string{e, e} }) }},
		{"lines change places", func(i *issuer) {
			held := ""
			i.tamper = func(e string) []string {
				if strings.HasPrefix(e, "event: rv") && held == "" {
					held = e
					return nil
				}
				if held != "" && held != "-" {
					out := []string{e, held}
					held = "-"
					return out
				}
				return []string{e}
			}
		}},
		{"an entry is changed", func(i *issuer) {
			i.tamper = once("rv", func(e string) []string { return []string{strings.Replace(e, `,"forever",`, `,1,`, 1)} })
		}},
		{"entries do not parse", func(i *issuer) {
			i.tamper = once("rv", func(string) []string { return []string{"event: rv\ndata: {\n\n"} })
		}},
		{"entries with a seq out of this world", func(i *issuer) {
			i.tamper = once("rv", func(string) []string {
				return []string{"event: rv\ndata: {\"seq\":999999999999,\"entries\":[[999999999999,\"0000000000000007\",\"forever\",9]]}\n\n"}
			})
		}},
		{"a cutoff a century ahead", func(i *issuer) {
			i.tamper = once("rv", func(string) []string {
				return []string{"event: rv\ndata: {\"seq\":2,\"entries\":[[2,\"0000000000000007\",4102444800000,9]]}\n\n"}
			})
		}},
		{"a head is no JWS", func(i *issuer) {
			i.tamper = once("hb", func(string) []string { return []string{"event: hb\ndata: x\n\n"} })
		}},
		{"an event without an end", func(i *issuer) {
			i.tamper = once("rv", func(string) []string { return []string{"event: rv\ndata: " + strings.Repeat("x", maxEvent)} })
		}},
		{"the server asks for a new start", func(i *issuer) {
			i.tamper = once("hb", func(string) []string { return []string{"event: reset\ndata: {}\n\n"} })
		}},
		{"heads lie about the chain", func(i *issuer) { i.lie = func(h *testHead) { h.H = strings.Repeat("A", 43) } }},
		{"heads stay behind", func(i *issuer) { i.lie = func(h *testHead) { h.Seq = 0 } }},
		{"heads are of another log", func(i *issuer) { i.lie = func(h *testHead) { h.Log = "other" } }},
		{"heads are of another issuer", func(i *issuer) { i.lie = func(h *testHead) { h.Iss = "https://example.com" } }},
		{"heads let the logical clock go back", func(i *issuer) { i.lie = func(h *testHead) { h.LC = 1 } }},
		{"heads have another's signature", func(i *issuer) { i.forge = true }},
		{"cursors are gone", func(i *issuer) { i.tamper = once("hb", drop); i.gone = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t)
				i.revoke(revocation.ForJTI("before"))
				v := i.verifier(t, WithPolicy(Available)) // so that the table alone decides
				before, during := i.token(map[string]any{"jti": "before"}), i.token(map[string]any{"jti": "during"})
				good := i.token(nil)
				if got := reason(v, before) + "/" + reason(v, good); got != "revoked/" {
					t.Fatal(got)
				}
				snapshots, stale := i.count(pathSnapshot), false
				i.set(func(i *issuer) { c.fault(i); i.add(revocation.ForJTI("during")) })
				for range 200 {
					time.Sleep(50 * time.Millisecond)
					stale = stale || v.Status().State == Stale
					if reason(v, before) != "revoked" {
						t.Fatal("what was revoked before lives again")
					}
				}
				i.set(func(i *issuer) { i.lie, i.forge, i.gone = nil, false, false })
				time.Sleep(20 * time.Second)
				if c.name != "cursors are gone" && (!stale && i.count(pathSnapshot) == snapshots) {
					t.Errorf("nobody noticed: stale %v, %d snapshots before, %d after", stale, snapshots, i.count(pathSnapshot))
				}
				if got := v.Status(); got.State != Live || got.Seq != 2 {
					t.Errorf("not healed: %+v", got)
				}
				if got := reason(v, during) + "/" + reason(v, before) + "/" + reason(v, good); got != "revoked/revoked/" {
					t.Error(got)
				}
			})
		})
	}
}
