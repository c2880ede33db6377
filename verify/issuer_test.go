package verify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

const (
	testIssuer   = "http://localhost:8484"
	testAudience = "https://api.example.com"
)

// issuer speaks the feed as docs/reference/revocation-feed.md words it, written
// out here once more so that the verifier is not tested against itself. It can
// fall silent, lie, and have its lines tampered with on the way.
type issuer struct {
	url      string
	tokenKey *jose.PrivateKey
	headKey  *jose.PrivateKey

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something below changes
	log     string
	key     revocation.FeedKey
	seq     int64
	lc      int64
	chain   revocation.Chain
	entries []revocation.Entry
	ask     bool
	kinds   []string
	shift   time.Duration               // of its clock
	frozen  bool                        // answers nothing, like a stopped process
	gone    bool                        // answers 410 to every cursor
	lie     func(*testHead)             // about what a head says
	forge   bool                        // heads signed with a key that is not published
	tamper  func(event string) []string // what arrives of an event on the stream
	deaf    bool                        // the stream is held back
	down    bool                        // the feed answers 503, and an open stream nothing
	active  func(token string) (bool, int)
	off     bool                 // the verifier's client is disabled
	mute    bool                 // no token is to be had
	tokens  map[string]time.Time // for the feed, and when they end
	counts  map[string]int
	receipt []map[string]any
}

type testHead struct {
	Iss   string   `json:"iss"`
	Log   string   `json:"log"`
	Seq   int64    `json:"seq"`
	LC    int64    `json:"lc"`
	T     int64    `json:"t"`
	H     string   `json:"h"`
	Kinds []string `json:"kinds"`
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	return makeIssuer(testIssuer)
}

// StartExampleIssuer serves an issuer for the package's example, which lives outside the package: its address, a token of
// Ana's, and how to log her out everywhere.
func StartExampleIssuer() (url, token string, logOut, stop func()) {
	server := httptest.NewUnstartedServer(nil)
	i := makeIssuer("http://" + server.Listener.Addr().String())
	server.Config.Handler = i
	server.Start()
	return i.url, i.token(map[string]any{"rvs": i.lc}), func() { i.revoke(revocation.ForSub("ana")) }, server.Close
}

func makeIssuer(url string) *issuer {
	tokenKey, err := jose.Generate(jose.ES256)
	if err != nil {
		panic(err)
	}
	headKey, err := jose.Generate(jose.ES256)
	if err != nil {
		panic(err)
	}
	return &issuer{
		url: url, tokenKey: tokenKey, headKey: headKey, changed: make(chan struct{}), log: "AAECAwQFBgcICQoL",
		key: revocation.FeedKey{1, 2, 3}, lc: time.Now().UnixMilli(), counts: map[string]int{}, tokens: map[string]time.Time{},
		kinds: []string{"jti", "sid", "gid", "kid", "sub", "client", "consent", "aud", "all"},
	}
}

// set changes something and wakes the streams.
func (i *issuer) set(change func(*issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
	close(i.changed)
	i.changed = make(chan struct{})
}

// revoke appends an entry for a target.
func (i *issuer) revoke(target revocation.Target) { i.set(func(i *issuer) { i.add(target) }) }

func (i *issuer) add(target revocation.Target) {
	i.seq++
	i.lc = max(i.lc+1, i.now())
	e := revocation.Entry{Seq: i.seq, Name: i.key.Name(target), Cut: i.lc, Until: i.now() + 3600_000}
	if target.Kind().Forever() {
		e.Cut = revocation.Forever
	}
	i.entries = append(i.entries, e)
	i.chain = i.chain.Next(e)
}

func (i *issuer) now() int64 { return time.Now().Add(i.shift).UnixMilli() }

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.counts[path]
}

func (i *issuer) head() string {
	h := testHead{i.url, i.log, i.seq, i.lc, i.now(), base64.RawURLEncoding.EncodeToString(i.chain[:]), i.kinds}
	if i.lie != nil {
		i.lie(&h)
	}
	payload := asJSON(h)
	key := i.headKey
	if i.forge {
		key, _ = jose.Generate(jose.ES256)
	}
	head, _ := jose.Sign(key, "revhead+jwt", payload)
	return head
}

func asJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (i *issuer) snapshot() []byte {
	base := i.lc
	for _, e := range i.entries {
		base = min(base, e.Cut)
	}
	header := map[string]any{
		"iss": i.url, "log": i.log, "seq": i.seq, "lc": i.lc, "base": base, "n": len(i.entries), "kinds": i.kinds,
		"h": base64.RawURLEncoding.EncodeToString(i.chain[:]), "key": base64.RawURLEncoding.EncodeToString(i.key[:]),
	}
	out := asJSON(header)
	out = append(out, '\n')
	for _, e := range i.entries {
		cut := uint32(1<<32 - 1)
		if e.Cut != revocation.Forever {
			cut = uint32(e.Cut - base)
		}
		out = binary.BigEndian.AppendUint64(out, e.Name)
		out = binary.BigEndian.AppendUint32(out, cut)
		out = binary.BigEndian.AppendUint32(out, uint32((e.Until-base+999)/1000))
	}
	sum := sha256.Sum256(out)
	payload := asJSON(map[string]string{"iss": i.url, "sha256": base64.RawURLEncoding.EncodeToString(sum[:])})
	signature, _ := jose.Sign(i.headKey, "revsnap+jwt", payload)
	return append(append(out, signature...), '\n')
}

func (i *issuer) batch(from int64) (string, int64) {
	var entries []string
	for _, e := range i.entries {
		if e.Seq > from {
			cut := `"forever"`
			if e.Cut != revocation.Forever {
				cut = strconv.FormatInt(e.Cut, 10)
			}
			entries = append(entries, fmt.Sprintf(`[%d,"%016x",%s,%d]`, e.Seq, e.Name, cut, e.Until))
		}
	}
	return fmt.Sprintf(`{"seq":%d,"ask":%v,"entries":[%s]`, i.seq, i.ask, strings.Join(entries, ",")), i.seq
}

// ServeHTTP answers as the server would.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.counts[r.URL.Path]++
	for i.frozen {
		wake := i.changed
		i.mu.Unlock()
		select {
		case <-r.Context().Done():
			return
		case <-wake:
		}
		i.mu.Lock()
	}
	defer i.mu.Unlock()
	if i.down && (r.URL.Path == pathSnapshot || r.URL.Path == pathStream || r.URL.Path == pathPoll) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if i.mute && r.URL.Path == pathToken {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if i.refuses(r) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
		return
	}
	switch r.URL.Path {
	case pathKeys:
		writeKeys(w, i.tokenKey)
	case pathHeadKeys:
		writeKeys(w, i.headKey)
	case pathToken:
		i.mint(w)
	case pathIntrospect:
		i.introspect(w, r)
	case pathSnapshot:
		_, _ = w.Write(i.snapshot())
	case pathStream:
		i.stream(w, r)
	case pathPoll:
		i.poll(w, r)
	case pathReceipt:
		var got map[string]any
		_ = json.NewDecoder(r.Body).Decode(&got)
		i.receipt = append(i.receipt, got)
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

func writeKeys(w http.ResponseWriter, keys ...*jose.PrivateKey) {
	var set jose.KeySet
	for _, key := range keys {
		set = append(set, key.Public())
	}
	body := asJSON(set)
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(body)
}

func (i *issuer) introspect(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if r.PostForm.Get("resource") != testAudience {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_target"}`)
		return
	}
	if r.PostForm.Get("token") == noToken {
		_, _ = io.WriteString(w, `{"active":false}`)
		return
	}
	active, status := true, http.StatusOK
	if i.active != nil {
		active, status = i.active(r.PostForm.Get("token"))
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"active":%v}`, active)
}

// cursor reads where a reader stands; false if it has to take a snapshot.
func (i *issuer) cursor(r *http.Request) (int64, bool) {
	log, seq, _ := strings.Cut(r.URL.Query().Get("cursor"), ".")
	n, err := strconv.ParseInt(seq, 10, 64)
	return n, err == nil && log == i.log && !i.gone && n <= i.seq
}

// stream is called with the lock held, and lets go of it while it waits.
func (i *issuer) stream(w http.ResponseWriter, r *http.Request) {
	at, ok := i.cursor(r)
	if !ok {
		w.WriteHeader(http.StatusGone)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	log := i.log
	for {
		var out []string
		if i.log != log {
			out = append(out, "event: reset\ndata: {\"reason\":\"log\"}\n\n")
		} else if !i.frozen && !i.deaf && !i.down {
			if i.seq > at {
				var data string
				data, at = i.batch(at)
				out = append(out, fmt.Sprintf("event: rv\ndata: %s}\nid: %s.%d\n\n", data, i.log, at))
			}
			out = append(out, "event: hb\ndata: "+i.head()+"\n\n")
		}
		tamper, wake := i.tamper, i.changed
		i.mu.Unlock()
		err := send(w, out, tamper)
		if err == nil {
			err = waitFor(r.Context(), wake, 3*time.Second)
		}
		i.mu.Lock()
		if err != nil || i.log != log || i.refuses(r) {
			return
		}
	}
}

func send(w http.ResponseWriter, events []string, tamper func(string) []string) error {
	for _, event := range events {
		arriving := []string{event}
		if tamper != nil {
			arriving = tamper(event)
		}
		for _, text := range arriving {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
		}
	}
	return http.NewResponseController(w).Flush()
}

func waitFor(ctx context.Context, wake <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
	case <-timer.C:
	}
	return nil
}

func (i *issuer) poll(w http.ResponseWriter, r *http.Request) {
	at, ok := i.cursor(r)
	if !ok {
		w.WriteHeader(http.StatusGone)
		return
	}
	if wait, _ := strconv.Atoi(r.URL.Query().Get("wait")); i.seq == at {
		wake := i.changed
		i.mu.Unlock()
		_ = waitFor(r.Context(), wake, time.Duration(wait)*time.Second)
		i.mu.Lock()
	}
	data, _ := i.batch(at)
	_, _ = fmt.Fprintf(w, `%s,"head":%q}`, data, i.head())
}

// RoundTrip serves a client without a network, so that a bubble of synctest can
// stand still around both.
func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	in, out := io.Pipe()
	w := &pipeWriter{header: http.Header{}, started: make(chan struct{}), body: out}
	context.AfterFunc(req.Context(), func() { _ = out.CloseWithError(req.Context().Err()) })
	go func() {
		i.ServeHTTP(w, req)
		w.WriteHeader(http.StatusOK)
		_ = out.Close()
	}()
	select {
	case <-w.started:
		return &http.Response{StatusCode: w.status, Header: w.header, Body: in, Request: req}, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

type pipeWriter struct {
	header  http.Header
	status  int
	started chan struct{}
	once    sync.Once
	body    *io.PipeWriter
}

func (w *pipeWriter) Header() http.Header { return w.header }
func (w *pipeWriter) Flush()              {}

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status = status
		close(w.started)
	})
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// claims of a token that is good for the next quarter of an hour.
func (i *issuer) claims() map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": i.url, "sub": "ana", "aud": testAudience, "client_id": "shop", "iat": now.Unix(), "exp": now.Unix() + 900,
		"jti": "j1", "sid": "s1", "gid": "g1", "scope": "orders:read orders:write", "acr": "aal1", "amr": []string{"pwd"},
		"auth_time": now.Unix() - 60, "rvs": now.UnixMilli(),
	}
}

// token signs the claims, changed as wanted; a nil value takes a claim away.
func (i *issuer) token(changes map[string]any) string { return i.sign("at+jwt", changes) }

func (i *issuer) sign(typ string, changes map[string]any) string {
	claims := i.claims()
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	payload := asJSON(claims)
	token, err := jose.Sign(i.tokenKey, typ, payload)
	if err != nil {
		panic(err)
	}
	return token
}

// verifier makes one that talks to the issuer without a network.
func (i *issuer) verifier(t testing.TB, opts ...Option) *Verifier {
	t.Helper()
	opts = append([]Option{WithClient("orders", "secret"), WithName("orders-7"), WithHTTPClient(&http.Client{Transport: i}), WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	v, err := New(t.Context(), i.url, testAudience, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// reason is why a verifier refuses a token: "", a reason, or "unavailable".
func reason(v *Verifier, token string) string {
	_, err := v.Check(context.Background(), token)
	return reasonOf(err)
}

func reasonOf(err error) string {
	var refused *RefusedError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return string(refused.Reason)
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	default:
		return err.Error()
	}
}

// ask sends a request with a token through the middleware.
func ask(h http.Handler, method, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func ok() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
}

// once applies a change to the first event of a kind, and none to the others.
func once(kind string, change func(event string) []string) func(string) []string {
	done := false
	return func(event string) []string {
		if done || !strings.HasPrefix(event, "event: "+kind+"\n") {
			return []string{event}
		}
		done = true
		return change(event)
	}
}
