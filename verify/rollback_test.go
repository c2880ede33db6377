package verify

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// heads are those that receipts brought since the last call.
func (i *issuer) heads() (raw []string) {
	i.set(func(i *issuer) {
		for _, r := range i.receipt {
			if head, shown := r["head"].(string); shown {
				raw = append(raw, head)
			}
		}
		i.receipt = nil
	})
	return raw
}

// tokens.md, part 2, I8: the head that a verifier holds is the proof that a
// database was put back. It is shown while the server does not go on from it, and
// then no more.
func TestAVerifierShowsItsHeadWhenTheLogDoesNotGoOnFromIt(t *testing.T) {
	for name, putBack := range map[string]func(*issuer){
		"the log ends before it": func(i *issuer) { i.seq, i.chain, i.entries, i.gone = 0, revocation.Chain{}, nil, true },
		"the log has passed it": func(i *issuer) {
			i.seq, i.chain, i.entries = 0, revocation.Chain{}, nil
			i.add(revocation.ForJTI("j2"))
			i.add(revocation.ForJTI("j3"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t)
				v := i.verifier(t, WithPolicy(Available))
				dead := i.token(map[string]any{"jti": "j1"})
				i.revoke(revocation.ForJTI("j1"))
				time.Sleep(5 * time.Second)
				if shown := i.heads(); len(shown) > 0 {
					t.Fatalf("with nothing amiss it shows %q", shown)
				}
				good := v.last.Load().raw
				i.set(putBack)
				for range 20 {
					time.Sleep(time.Second)
					if got := reason(v, dead); got != "revoked" {
						t.Fatalf("what was refused before is %q", got)
					}
				}
				shown := i.heads()
				if len(shown) == 0 || shown[0] != good {
					t.Fatalf("it shows %q, and holds %q", shown, good)
				}
				i.set(func(i *issuer) {
					i.log, i.key, i.gone = "restarted", revocation.FeedKey{9}, false
					i.lc += 24 * 3600 * 1000
					i.add(revocation.ForAll())
				})
				time.Sleep(20 * time.Second)
				i.heads()
				time.Sleep(10 * time.Second)
				if state, again := v.Status(), i.heads(); state.State != Live || state.Log != "restarted" || len(again) > 0 {
					t.Errorf("it is %+v, and shows %d heads", state, len(again))
				}
			})
		})
	}
}
