package feed

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

const issuer = "http://localhost:8484"

// world is a feed over a database of its own, with a clock that stands still.
type world struct {
	*testing.T
	*Feed
	unix atomic.Int64 // the clock, in ms
	keys jose.KeySet
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "mintmark.db"), Issuer: issuer, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t}
	w.unix.Store(time.Now().UnixMilli())
	ring := newRing(t)
	if w.keys, err = jose.ParseKeySet(ring.FeedJWKS()); err != nil {
		t.Fatal(err)
	}
	w.Feed, err = Open(t.Context(), Config{
		Store: st, Issuer: issuer, Ring: func() *mint.Ring { return ring }, Now: w.now,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// lasting is the token of a reader that is never taken back.
var lasting = Bearer{Until: math.MaxInt64}

func (w *world) now() time.Time { return time.UnixMilli(w.unix.Load()) }

// pass lets time go by.
func (w *world) pass(d time.Duration) { w.unix.Add(d.Milliseconds()) }

func newRing(t *testing.T) *mint.Ring {
	t.Helper()
	kek := secret.KEK{7}
	var nonce [12]byte
	_, _ = rand.Read(nonce[:])
	key, err := mint.NewKey(mint.ES256, kek, nonce)
	if err != nil {
		t.Fatal(err)
	}
	key.Use, key.Status = record.KeyUseFeed, record.KeyActive
	ring, err := mint.NewRing([]record.SigningKey{key}, kek, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// revoke appends one plan to the log and gives its last number.
func (w *world) revoke(targets ...revocation.Target) int64 {
	w.Helper()
	var plan []record.Change
	for _, target := range targets {
		plan = append(plan, record.Append{Target: target, Reason: "test", Actor: "test", At: w.unix.Load()})
	}
	w.must(w.Store.Commit(context.WithoutCancel(w.Context()), plan))
	return w.head().Seq
}

func (w *world) head() record.Head {
	w.Helper()
	head, err := w.Store.Head(context.WithoutCancel(w.Context()))
	w.must(err)
	return head
}

// here is where the log stands.
func (w *world) here() Cursor {
	head := w.head()
	return Cursor{head.LogID, head.Seq}
}

// attested reads a head, checking its signature and type.
func (w *world) attested(text string) headClaims {
	w.Helper()
	token, err := jose.Parse(text)
	w.must(err)
	if !token.Header().HasType("revhead+jwt") {
		w.Fatalf("a head of the type %q", token.Header().Typ)
	}
	payload, err := token.Verify(w.keys, jose.ES256)
	w.must(err)
	var head headClaims
	w.must(json.Unmarshal([]byte(payload), &head))
	if head.Issuer != issuer || strings.Join(head.Kinds, " ") != "jti sid gid kid sub client consent aud all" {
		w.Errorf("the head is %s", payload)
	}
	return head
}

// reader follows the feed as a program of somebody else would, by the page alone:
// it shares no code with what writes the feed, but for the hash of one entry.
type reader struct {
	*world
	Cursor
	chain revocation.Chain
	cuts  map[uint64]int64
	heads int // good ones
	asked int
}

func (w *world) reader(from Cursor, chain revocation.Chain) *reader {
	return &reader{world: w, Cursor: from, chain: chain, cuts: map[uint64]int64{}}
}

// wireBatch is what an rv event and a poll have in common.
type wireBatch struct {
	Seq     int64    `json:"seq"`
	Ask     bool     `json:"ask"`
	Entries [][4]any `json:"entries"`
	Head    string   `json:"head"`
}

func (r *reader) apply(data string) {
	r.Helper()
	var b wireBatch
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.UseNumber()
	r.must(decoder.Decode(&b))
	for _, parts := range b.Entries {
		seq, err := parts[0].(json.Number).Int64()
		r.must(err)
		raw, err := hex.DecodeString(parts[1].(string))
		r.must(err)
		name, cut := binary.BigEndian.Uint64(raw), revocation.Forever
		if parts[2] != "forever" {
			cut, err = parts[2].(json.Number).Int64()
			r.must(err)
		}
		until, err := parts[3].(json.Number).Int64()
		r.must(err)
		if seq <= r.Seq {
			r.Fatalf("entry %d comes after %d", seq, r.Seq)
		}
		r.Seq, r.chain = seq, r.chain.Next(revocation.Entry{Seq: seq, Name: name, Cut: cut, Until: until})
		r.cuts[name] = max(r.cuts[name], cut)
	}
	if b.Seq < r.Seq {
		r.Fatalf("a batch up to %d holds entry %d", b.Seq, r.Seq)
	}
	r.Seq = b.Seq
	if b.Ask {
		r.asked++
	}
	if b.Head != "" {
		r.attest(b.Head)
	}
}

func (r *reader) attest(text string) {
	r.Helper()
	head := r.attested(text)
	if head.Log != r.Log || head.Seq != r.Seq || head.Chain != base64.RawURLEncoding.EncodeToString(r.chain[:]) {
		r.Fatalf("at %d the head is %+v", r.Seq, head)
	}
	r.heads++
}

// events applies what a stream gave.
func (r *reader) events(text []byte) {
	r.Helper()
	name := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			name = value
		case field == "id" && value != (Cursor{r.Log, r.Seq}).String():
			at, err := ParseCursor(value)
			if err != nil || at.Seq <= r.Seq {
				r.Fatalf("at %d comes the id %q: %v", r.Seq, value, err)
			}
		case field == "data" && name == "rv":
			r.apply(value)
		case field == "data" && name == "hb":
			r.attest(value)
		case field == "data":
			r.Fatalf("the event %s: %s", name, value)
		}
	}
	r.must(lines.Err())
}

// follow reads a stream until it has reached a number and a head attests it.
func (r *reader) follow(s *Stream, seq int64) {
	r.Helper()
	for heads := r.heads; r.Seq < seq || r.heads == heads; {
		text, err := s.Next()
		r.must(err)
		r.events(text)
	}
}

func (w *world) stream(from Cursor) *Stream {
	w.Helper()
	s, err := w.Stream(w.Context(), from, lasting)
	w.must(err)
	w.Cleanup(s.Close)
	return s
}
