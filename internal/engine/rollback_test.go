package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// signedHead is a head as this server would have signed it, once its log stood
// there.
func (l *lab) signedHead(at record.Head) string {
	l.Helper()
	<-l.keys.ready
	payload, err := json.Marshal(map[string]any{
		"iss": labIssuer, "log": at.LogID, "seq": at.Seq, "lc": at.LC, "h": base64.RawURLEncoding.EncodeToString(at.Chain[:]),
	})
	if err != nil {
		l.Fatal(err)
	}
	head, err := l.Ring().SignHead(payload)
	if err != nil {
		l.Fatal(err)
	}
	return head
}

func (l *lab) standsAt() record.Head {
	l.Helper()
	head, err := l.store.Head(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	return head
}

// refreshed is what a refresh of the lab's public client is answered.
func (l *lab) refreshed(gid string, generation int64) (record.SignedTokens, *oauth.Error) {
	l.Helper()
	token, err := l.minting.Load().Roots.Derive(gid, generation)
	if err != nil {
		l.Fatal(err)
	}
	return l.Token(l.Context(), refreshRequest(labApp, token))
}

// restarts counts the audit rows that say that the log was begun anew.
func (l *lab) restarts() (n int) {
	l.Helper()
	rows, err := l.store.AuditList(l.Context(), "", 1000)
	if err != nil {
		l.Fatal(err)
	}
	for _, row := range rows {
		if row.Event == "log_restarted" {
			n++
		}
	}
	return n
}

// tokens.md, part 2, I8. The proof is brought by several at once, each more than
// once; the cut is made once.
func TestI8ARollbackThatNobodyDeclaredIsCutOff(t *testing.T) {
	for name, prove := range map[string]func(*lab, *household) func(){
		"a head beyond the log": func(l *lab, _ *household) func() {
			at := l.standsAt()
			at.Seq++
			head := l.signedHead(at)
			return func() {
				if err := l.HeadShown(t.Context(), head); err != nil {
					t.Error(err)
				}
			}
		},
		"a head of another past": func(l *lab, _ *household) func() {
			at := l.standsAt()
			at.Chain[0]++
			head := l.signedHead(at)
			return func() {
				if err := l.HeadShown(t.Context(), head); err != nil {
					t.Error(err)
				}
			}
		},
		"a refresh token beyond its grant": func(l *lab, h *household) func() {
			return func() {
				if _, err := l.refreshed(h.app.ID, h.app.Gen+2); err == nil || err.Code != oauth.InvalidGrant {
					t.Errorf("it is answered with %v", err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLabWithoutEngine(t)
			var said bytes.Buffer
			config := l.config(l.kek)
			config.Log = slog.New(slog.NewTextHandler(&said, nil))
			var err error
			if l.Engine, err = Open(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			<-l.keys.ready // they move the log
			h := l.settleIn()
			signed, refused := l.refreshed(h.app.ID, h.app.Gen)
			if refused != nil {
				t.Fatal(refused)
			}
			h.app.Gen++
			before, keys := l.standsAt(), l.JWKS()

			bring := prove(l, h)
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { bring(); bring() })
			}
			all.Wait()

			now := l.standsAt()
			if now.LogID == before.LogID || now.FeedKey == before.FeedKey {
				t.Error("the log goes on")
			}
			if day := int64(24 * labHour); now.LC < before.LC+day || now.AllCut < before.LC+day {
				t.Errorf("the clock went from %d to %d, cut at %d", before.LC, now.LC, now.AllCut)
			}
			if n := l.restarts(); n != 1 || strings.Count(said.String(), "level=ERROR") != 1 || !strings.Contains(said.String(), "everyone signs in again") {
				t.Errorf("it was restarted %d times; the log says:\n%s", n, said.String())
			}
			if tok := l.open(signed.Access); tok.Reason != oauth.ReasonTokenSignature && tok.Reason != "" {
				t.Errorf("the access token is %s", tok.Reason)
			}
			answer, refused := l.Introspect(t.Context(), &oauth.IntrospectionRequest{Credentials: credentials(labGateway), Token: signed.Access})
			if refused != nil || answer.Active {
				t.Errorf("the access token is active: %v, %v", answer.Active, refused)
			}
			if _, refused := l.refreshed(h.app.ID, h.app.Gen); refused == nil || refused.Reason != oauth.ReasonAllCut {
				t.Errorf("the grant is refreshed: %v", refused)
			}
			for _, key := range ringKeys(t, l) {
				if bytes.Contains(keys, []byte(key)) {
					t.Errorf("the key %s signs or is published as before", key)
				}
			}
			again := l.settleIn() // a sign-in after it
			if _, refused := l.refreshed(again.app.ID, again.app.Gen); refused != nil {
				t.Errorf("a fresh grant is refused: %v", refused)
			}
		})
	}
}

// ringKeys are the kids that are published now.
func ringKeys(t *testing.T, l *lab) (kids []string) {
	t.Helper()
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal(l.JWKS(), &set); err != nil || len(set.Keys) < 2 {
		t.Fatalf("the key set is %s: %v", l.JWKS(), err)
	}
	for _, key := range set.Keys {
		kids = append(kids, key.Kid)
	}
	return kids
}

// What proves nothing changes nothing: whoever may read the feed can show a head.
func TestAHeadThatProvesNothingChangesNothing(t *testing.T) {
	l := newLab(t)
	<-l.keys.ready
	l.commit(record.Append{Target: revocation.ForSID("a")})
	before := l.standsAt()
	ahead := before
	ahead.Seq += 10
	genuine := l.signedHead(ahead)
	forger := newLab(t)
	snapshot, err := l.Ring().SignSnapshot([]byte(`{"iss":"` + labIssuer + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	earlier := before
	earlier.LogID = revocation.NewLogID([12]byte{1})
	for name, head := range map[string]string{
		"none":                    "",
		"no token":                "head",
		"a token of ours":         string(l.JWKS()),
		"of a snapshot":           snapshot,
		"damaged":                 genuine[:len(genuine)-4] + "AAAA",
		"signed by another":       forger.signedHead(ahead),
		"where the log stands":    l.signedHead(before),
		"of a log that has ended": l.signedHead(earlier),
	} {
		if err := l.HeadShown(t.Context(), head); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if now := l.standsAt(); now.LogID != before.LogID || now.LC != before.LC || l.restarts() != 0 {
			t.Fatalf("%s: the log was begun anew", name)
		}
	}
}
