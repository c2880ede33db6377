package verify

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// seen is a verifier, its middleware around nothing, and a request whose token it knows.
func seen(t testing.TB) (i *issuer, v *Verifier, call func()) {
	i = newIssuer(t)
	v = i.verifier(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+i.token(nil))
	h := v.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w := &nowhere{http.Header{}}
	call = func() { h.ServeHTTP(w, r) }
	call()
	for i.count(pathIntrospect) == 0 { // it asks once at the start whether it may
		if t.Context().Err() != nil {
			t.Fatal("the verifier does not try introspection")
		}
		runtime.Gosched()
	}
	return i, v, call
}

// Issue 3: at most 2 allocations and no call to the issuer for a token seen before; at most 25 at first sight.
func TestWhatACheckCosts(t *testing.T) {
	i, v, call := seen(t)
	i.mu.Lock()
	before := 0
	for path, n := range i.counts {
		if path != pathReceipt {
			before += n
		}
	}
	i.mu.Unlock()
	if got := testing.AllocsPerRun(1000, call); got > 2 {
		t.Errorf("a token seen before: %v allocations", got)
	}
	i.mu.Lock()
	for path, n := range i.counts {
		if path != pathReceipt {
			before -= n
		}
	}
	i.mu.Unlock()
	if before != 0 {
		t.Errorf("1,000 calls made %d requests to the issuer", -before)
	}
	tokens := make([]string, 101)
	for n := range tokens {
		tokens[n] = i.token(map[string]any{"jti": strconv.Itoa(n)})
	}
	n := 0
	got := testing.AllocsPerRun(100, func() {
		if _, err := v.Check(t.Context(), tokens[n]); err != nil {
			t.Error(err)
		}
		n++
	})
	if got > 25 {
		t.Errorf("a token at first sight: %v allocations", got)
	}
}

func TestTheCacheIsBoundedInBytes(t *testing.T) {
	var c cache
	long := strings.Repeat("x", 10_000)
	for n := range 20_000 {
		token := long + strconv.Itoa(n)
		c.put(&remembered{token: token, key: keyOf(token)})
	}
	total := 0
	for n := range c.shards {
		held := 0
		for _, r := range c.shards[n].tokens {
			held += r.size()
		}
		if held != c.shards[n].bytes {
			t.Errorf("shard %d counts %d bytes and holds %d", n, c.shards[n].bytes, held)
		}
		total += held
	}
	if total > cacheBytes || total == 0 {
		t.Errorf("%d bytes", total)
	}
}

// I10: whoever loads a view that names an entry refuses what the entry kills, while entries stream in, tables grow and
// verdicts are remembered.
func TestOnceAHeadNamesAnEntryNobodyAcceptsItsTokens(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	const n = 300
	tokens := make([]string, n)
	for k := range tokens {
		tokens[k] = i.token(map[string]any{"jti": strconv.Itoa(k)})
	}
	if got := reason(v, tokens[0]); got != "" {
		t.Fatal(got)
	}
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				seq := v.Status().Seq
				for k := range tokens {
					got := reason(v, tokens[k])
					if int64(k) < seq && got != "revoked" || got == "unavailable" {
						t.Errorf("at head %d token %d is %q", seq, k, got)
						return
					}
				}
			}
		})
	}
	for k := range tokens {
		i.revoke(revocation.ForJTI(strconv.Itoa(k)))
	}
	for v.Status().Seq < n {
		runtime.Gosched()
	}
	close(stop)
	readers.Wait()
}

func BenchmarkATokenSeenBefore(b *testing.B) {
	_, _, call := seen(b)
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}

func BenchmarkCheckOfATokenSeenBefore(b *testing.B) {
	i, v, _ := seen(b)
	token := i.token(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Check(context.Background(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkATokenAtFirstSight(b *testing.B) {
	i, v, _ := seen(b)
	token := i.token(nil)
	b.ReportAllocs()
	for b.Loop() {
		r, err := v.read(context.Background(), token)
		if err == nil {
			err = v.judge(context.Background(), r, demand{}, time.Now())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareES256 is the floor for a token at first sight.
func BenchmarkBareES256(b *testing.B) {
	i := newIssuer(b)
	input := []byte(strings.Repeat("x", 600))
	signature, err := i.tokenKey.Sign(input)
	if err != nil {
		b.Fatal(err)
	}
	public := i.tokenKey.Public()
	b.ReportAllocs()
	for b.Loop() {
		if err := public.Verify(input, signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadingASnapshotOf10M(b *testing.B) {
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		b.Fatal(err)
	}
	i := &issuer{url: testIssuer, headKey: key, tokenKey: key, log: "x", lc: time.Now().UnixMilli(), counts: map[string]int{}, kinds: []string{}, tokens: map[string]time.Time{}}
	const n = 10_000_000
	i.entries = make([]revocation.Entry, n)
	for k := range i.entries {
		i.entries[k] = revocation.Entry{Name: uint64(k+1) * 0x9e3779b97f4a7c15, Cut: i.lc, Until: i.lc + 1000}
	}
	body := string(i.snapshot())
	i.entries = nil
	v, err := New(b.Context(), testIssuer, testAudience, WithClient("x", "x"), WithHTTPClient(&http.Client{Transport: i}), WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		t, err := readSnapshot(b.Context(), io.Reader(strings.NewReader(body)), testIssuer, &v.headKeys)
		if err != nil || t.table.Len() != n {
			b.Fatal(err)
		}
		b.ReportMetric(float64(t.table.Bytes())/1e6, "MB")
	}
}
