package outbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

const issuer = "http://localhost:8484"

// patient is how long these tests wait for what must come.
const patient = 30 * time.Second

// world is a database, a clock that the test moves, and what an outbox needs.
type world struct {
	*testing.T
	store *store.Store
	ring  *mint.Ring
	ahead atomic.Int64 // ms
	log   *journal
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "mintmark.db"), Issuer: issuer, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var keys []record.SigningKey
	for _, alg := range []string{mint.ES256, mint.RS256} {
		var nonce [12]byte
		_, _ = rand.Read(nonce[:])
		key, err := mint.NewKey(alg, secret.KEK{1}, nonce)
		if err != nil {
			t.Fatal(err)
		}
		key.Status = record.KeyActive
		keys = append(keys, key)
	}
	ring, err := mint.NewRing(keys, secret.KEK{1}, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, store: s, ring: ring, log: &journal{}}
	w.commit(record.PutUser{User: record.User{ID: "ana", Status: record.UserActive, Claims: json.RawMessage(`{}`)}})
	return w
}

func (w *world) now() time.Time {
	return time.Now().Add(time.Duration(w.ahead.Load()) * time.Millisecond)
}

func (w *world) advance(by time.Duration) { w.ahead.Add(by.Milliseconds()) }

func (w *world) commit(changes ...record.Change) {
	w.Helper()
	if err := w.store.Commit(w.Context(), changes); err != nil {
		w.Fatal(err)
	}
}

// open starts an outbox that may call this machine.
func (w *world) open() *Outbox {
	return Open(w.Context(), Config{
		Store: w.store, Issuer: issuer, SubjectFor: func(_ *record.Client, userID string) string { return userID },
		Ring:   func() *mint.Ring { return w.ring },
		Egress: egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}),
		Now:    w.now, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	})
}

// client adds a client that hears of logouts at an address.
func (w *world) client(id, uri string, change ...func(*record.ClientSettings)) {
	w.Helper()
	settings := record.ClientSettings{GrantTypes: []string{"authorization_code"}, BackchannelLogoutURI: uri}
	for _, f := range change {
		f(&settings)
	}
	w.commit(record.PutClient{Client: record.Client{ID: id, Name: id, Settings: settings, Enabled: true, Version: 1}})
}

// signOut makes a session that has given each client a token, and ends it.
func (w *world) signOut(sid string, clients ...string) {
	w.Helper()
	head, err := w.store.Head(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	now := w.now().UnixMilli()
	changes := []record.Change{record.PutSession{Session: record.Session{
		ID: sid, CookieHash: []byte(sid), UserID: "ana", RVS: head.LC, IdleUntil: now + 1e9, AbsUntil: now + 1e9,
	}}}
	for _, id := range clients {
		changes = append(changes, record.PutGrant{SessionID: sid, Grant: record.Grant{
			ID: sid + id, UserID: "ana", ClientID: id, SID: sid, Origin: sid, RVS: head.LC, IdleUntil: now + 1e9, AbsUntil: now + 1e9,
		}})
	}
	w.commit(changes...)
	target := revocation.ForSID(sid)
	w.commit(record.Append{Target: target}, record.TellClients{Of: target, At: now}, record.EndSession{ID: sid, At: now})
}

// until waits for the row of a delivery to be so.
func (w *world) until(sid, client string, is func(record.Delivery) bool) record.Delivery {
	w.Helper()
	deadline := time.Now().Add(patient)
	for {
		rows, err := w.store.DeliveriesAbout(w.Context(), sid, 99)
		if err != nil {
			w.Fatal(err)
		}
		for _, d := range rows {
			if d.Receiver == client && is(d) {
				return d
			}
		}
		if time.Now().After(deadline) {
			w.Fatalf("it never came to that: %+v", rows)
		}
		w.pause()
	}
}

// pause lets others run before somebody looks again.
func (w *world) pause() {
	select {
	case <-time.After(time.Millisecond):
	case <-w.Context().Done():
	}
}

func tried(n int64) func(record.Delivery) bool {
	return func(d record.Delivery) bool { return d.Tries >= n && d.LeasedUntil == 0 }
}

func ended(d record.Delivery) bool { return d.DoneAt != 0 }

// receiver is a client's server: it notes what it gets and answers as it is told.
type answering struct {
	*httptest.Server
	got chan call
}

type call struct {
	method, contentType string
	form                map[string][]string
}

func (w *world) receiver(answer http.HandlerFunc) *answering {
	w.Helper()
	r := &answering{got: make(chan call, 999)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		if err := q.ParseForm(); err != nil {
			w.Error(err)
		}
		r.got <- call{q.Method, q.Header.Get("Content-Type"), q.PostForm}
		answer(rw, q)
	}))
	w.Cleanup(r.Close)
	return r
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// next waits for a call.
func (r *answering) next(t testing.TB) call {
	t.Helper()
	select {
	case c := <-r.got:
		return c
	case <-time.After(patient):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// claims verifies a logout token as a client does and gives its claims.
func (w *world) claims(c call) map[string]any {
	w.Helper()
	if c.method != http.MethodPost || c.contentType != "application/x-www-form-urlencoded" || len(c.form) != 1 || len(c.form["logout_token"]) != 1 {
		w.Fatalf("it came as %+v", c)
	}
	parsed, err := jose.Parse(c.form["logout_token"][0])
	if err != nil {
		w.Fatal(err)
	}
	if parsed.Header().Typ != "logout+jwt" {
		w.Errorf("its header is %+v", parsed.Header())
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(w.ring.JWKS(), &set); err != nil {
		w.Fatal(err)
	}
	keys := jose.KeySet{}
	for _, raw := range set.Keys {
		key, err := jose.ParseJWK(raw)
		if err != nil {
			w.Fatal(err)
		}
		keys = append(keys, key)
	}
	payload, err := parsed.Verify(keys, jose.ES256, jose.RS256)
	if err != nil {
		w.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal([]byte(payload), &claims); err != nil {
		w.Fatal(err)
	}
	claims["alg"] = string(parsed.Header().Alg)
	return claims
}

// journal keeps what was logged.
type journal struct {
	mu    sync.Mutex
	lines []string
}

// Write notes one line.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(line))
	return len(line), nil
}

func (j *journal) all() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return fmt.Sprint(j.lines)
}
