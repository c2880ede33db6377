package feed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func TestAReaderFollowsTheChainFromTheFirstEntry(t *testing.T) {
	w := newWorld(t)
	start := Cursor{w.head().LogID, 0}
	r, s := w.reader(start, revocation.Chain{}), w.stream(start)
	w.revoke(revocation.ForSID("a"), revocation.ForSub("ana"))
	w.must(w.Store.Commit(t.Context(), []record.Change{record.PutClient{Client: record.Client{ID: "app"}}})) // a touch
	r.follow(s, w.revoke(revocation.ForAll()))
	key := w.head().FeedKey
	if r.cuts[key.Name(revocation.ForSID("a"))] != revocation.Forever || r.cuts[key.Name(revocation.ForAll())] != w.head().LC {
		t.Errorf("the reader knows %v", r.cuts)
	}
	if r.asked != 0 {
		t.Error("nobody waits for a receipt, and the reader is asked for one")
	}
}

// Every reader, whenever it starts and however often it starts again, by stream or
// by poll, sees every entry once and in order.
func TestNoReaderMissesAnEntryWhileOthersRevoke(t *testing.T) {
	w := newWorld(t)
	const writers, each = 4, 25
	start := Cursor{w.head().LogID, 0}
	last := start.Seq + writers*each
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			for i := range each {
				w.revoke(revocation.ForJTI(fmt.Sprintf("%d of %d", i, n)))
			}
		})
	}
	for range 3 {
		all.Go(func() {
			r := w.reader(start, revocation.Chain{})
			for r.Seq < last { // resumes after every event
				s, err := w.Stream(t.Context(), r.Cursor, lasting)
				w.must(err)
				r.follow(s, r.Seq)
				s.Close()
			}
			if len(r.cuts) != writers*each {
				t.Errorf("a stream saw %d entries", len(r.cuts))
			}
		})
		all.Go(func() {
			r := w.reader(start, revocation.Chain{})
			for r.Seq < last {
				body, err := w.Poll(t.Context(), r.Cursor, time.Minute)
				w.must(err)
				r.apply(string(body))
			}
			if len(r.cuts) != writers*each {
				t.Errorf("polls saw %d entries", len(r.cuts))
			}
		})
	}
	all.Wait()
}

func TestTheDatabaseStandsBehindWhatTheTailHasForgotten(t *testing.T) {
	w := newWorld(t)
	for i := range 50 {
		w.revoke(revocation.ForJTI(fmt.Sprint(i)))
	}
	again, err := Open(t.Context(), w.Config) // a server that is started again
	w.must(err)
	t.Cleanup(again.Close)
	r := w.reader(Cursor{w.head().LogID, 0}, revocation.Chain{})
	s, err := again.Stream(t.Context(), r.Cursor, lasting)
	w.must(err)
	defer s.Close()
	r.follow(s, w.head().Seq)
	if len(r.cuts) != 50 {
		t.Errorf("%d entries were read", len(r.cuts))
	}
}

func TestACursorThatCannotBeResumedIsGone(t *testing.T) {
	w := newWorld(t)
	w.revoke(revocation.ForSID("a"))
	here := w.here()
	w.must(w.Store.Purge(t.Context(), w.now().Add(72*time.Hour).UnixMilli(), 10))
	again, err := Open(t.Context(), w.Config)
	w.must(err)
	t.Cleanup(again.Close)
	other := revocation.NewLogID([12]byte{1})
	for name, from := range map[string]Cursor{
		"of another log": {other, here.Seq}, "of the future": {here.Log, here.Seq + 1}, "purged since": {here.Log, here.Seq - 1},
	} {
		if _, err := again.Stream(t.Context(), from, lasting); !errors.Is(err, ErrGone) {
			t.Errorf("%s: a stream begins: %v", name, err)
		}
		if _, err := again.Poll(t.Context(), from, 0); !errors.Is(err, ErrGone) {
			t.Errorf("%s: a poll answers: %v", name, err)
		}
	}
	if _, err := again.Poll(t.Context(), here, 0); err != nil {
		t.Errorf("where the log stands: %v", err)
	}
}

func TestCursorsAreReadAsTheyWereWritten(t *testing.T) {
	good := Cursor{revocation.NewLogID([12]byte{5}), 17}
	if got, err := ParseCursor(good.String()); got != good || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{
		"", ".", "x.1", string(good.Log), string(good.Log) + ".", string(good.Log) + ".01",
		string(good.Log) + ".-1", string(good.Log) + ".1.1", string(good.Log) + ".9223372036854775808", good.String() + " ",
	} {
		if got, err := ParseCursor(bad); !errors.Is(err, ErrCursor) {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// tokens.md part 3: a slow consumer is dropped at 1 MB unsent; others are not.
func TestAReaderWhoDoesNotReadIsCutOff(t *testing.T) {
	w := newWorld(t)
	from := w.here()
	slow, quick := w.stream(from), w.stream(from)
	r := w.reader(from, w.head().Chain)
	if _, err := slow.Next(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for plan := 0; ; plan++ {
		var targets []revocation.Target
		for i := range 1000 {
			targets = append(targets, revocation.ForJTI(fmt.Sprint(plan, i)))
		}
		before := r.Seq
		r.follow(quick, w.revoke(targets...))
		sent += int(r.Seq-before) * 60
		select {
		case <-slow.Context().Done():
			if _, err := slow.Next(); !errors.Is(err, errSlow) {
				t.Errorf("it reads on: %v", err)
			}
			if sent < maxUnsent/2 {
				t.Errorf("it was cut off at some %d bytes", sent)
			}
			return
		default:
			if sent > 4*maxUnsent {
				t.Fatal("it is not cut off")
			}
		}
	}
}

func TestASnapshotIsWhatAReaderOfTheWholeLogKnows(t *testing.T) {
	w := newWorld(t)
	for _, target := range []revocation.Target{
		revocation.ForSub("ana"), revocation.ForSID("a"), revocation.ForSub("ana"), revocation.ForAll(), revocation.ForSID("a"),
	} {
		w.revoke(target)
	}
	r := w.reader(Cursor{w.head().LogID, 0}, revocation.Chain{})
	body, err := w.Poll(t.Context(), r.Cursor, 0)
	w.must(err)
	for r.apply(string(body)); r.Seq < w.head().Seq; r.apply(string(body)) {
		body, err = w.Poll(t.Context(), r.Cursor, time.Minute)
		w.must(err)
	}
	header, cuts := w.snapshot()
	if header.Seq != r.Seq || header.Log != r.Log || header.N != 3 || header.Chain != base64.RawURLEncoding.EncodeToString(r.chain[:]) {
		t.Errorf("the snapshot is %+v", header)
	}
	for name, cut := range r.cuts {
		if cuts[name] != cut {
			t.Errorf("%x is cut at %d, and at %d in the log", name, cuts[name], cut)
		}
	}
	// Who starts from it goes on without a gap.
	chain, err := base64.RawURLEncoding.DecodeString(header.Chain)
	w.must(err)
	next := w.reader(Cursor{header.Log, header.Seq}, revocation.Chain(chain))
	next.follow(w.stream(next.Cursor), w.revoke(revocation.ForSID("b")))
}

// A snapshot is read from the database, which is ahead of what is streamed for a
// moment: whoever takes one goes on from it, and is not sent for another.
func TestASnapshotIsHandedOutOnceItCanBeResumed(t *testing.T) {
	w := newWorld(t)
	ring := w.Ring()
	held, following, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	config := w.Config
	config.Ring = func() *mint.Ring {
		select {
		case <-held: // from here on, the first who signs is the follower, for the head that comes next
			if first.CompareAndSwap(false, true) {
				close(following)
				<-goOn
			}
		default:
		}
		return ring
	}
	slow, err := Open(t.Context(), config)
	w.must(err)
	t.Cleanup(slow.Close)
	close(held)
	w.revoke(revocation.ForSID("a"))
	<-following
	time.AfterFunc(50*time.Millisecond, func() { close(goOn) })
	body, err := slow.Snapshot(t.Context())
	w.must(err)
	var header snapshotHeader
	line, _, _ := bytes.Cut(body, []byte{'\n'})
	w.must(json.Unmarshal(line, &header))
	if header.Seq != w.head().Seq {
		t.Errorf("the snapshot is of %d, the log stands at %d", header.Seq, w.head().Seq)
	}
	s, err := slow.Stream(t.Context(), Cursor{header.Log, header.Seq}, lasting)
	w.must(err)
	s.Close()
}

// snapshot takes one apart and checks its signature.
func (w *world) snapshot() (header snapshotHeader, cuts map[uint64]int64) {
	w.Helper()
	body, err := w.Snapshot(w.Context())
	w.must(err)
	line, rest, _ := bytes.Cut(body, []byte{'\n'})
	w.must(json.Unmarshal(line, &header))
	cuts = map[uint64]int64{}
	records := rest[:header.N*revocation.RecordSize]
	for at := 0; at < len(records); at += revocation.RecordSize {
		e := revocation.ReadRecord(records[at:], header.Base)
		cuts[e.Name] = e.Cut
	}
	signature := string(rest[len(records):])
	token, err := jose.Parse(strings.TrimSuffix(signature, "\n"))
	w.must(err)
	payload, err := token.Verify(w.keys, jose.ES256)
	w.must(err)
	sum := sha256.Sum256(body[:len(body)-len(signature)])
	want := fmt.Sprintf(`{"iss":%q,"sha256":%q}`, issuer, base64.RawURLEncoding.EncodeToString(sum[:]))
	if string(payload) != want || !token.Header().HasType("revsnap+jwt") {
		w.Errorf("it is signed by %s with the type %q, want %s", payload, token.Header().Typ, want)
	}
	return header, cuts
}

func TestAServerThatStopsEndsItsStreamsAndPolls(t *testing.T) {
	w := newWorld(t)
	here := w.here()
	s := w.stream(here)
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	w.Stop()
	if _, err := s.Next(); !errors.Is(err, errClosed) {
		t.Errorf("the stream: %v", err)
	}
	if _, err := w.Poll(t.Context(), here, time.Hour); err != nil {
		t.Errorf("the poll: %v", err)
	}
}

// tokens.md I6.
func TestWithoutTheDatabaseTheFeedIsSilent(t *testing.T) {
	w := newWorld(t)
	here := w.here()
	w.Close() // nothing signs heads any more
	w.pass(headAge + time.Millisecond)
	if _, err := w.Stream(t.Context(), here, lasting); !errors.Is(err, ErrSilent) {
		t.Errorf("a stream begins: %v", err)
	}
	if _, err := w.Poll(t.Context(), here, 0); !errors.Is(err, ErrSilent) {
		t.Errorf("a poll answers: %v", err)
	}
}

func TestADatabaseThatWasReplacedSendsReadersForASnapshot(t *testing.T) {
	w := newWorld(t)
	s := w.stream(w.here())
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	other := newWorld(t).head()
	w.restart(&other)
	text, err := s.Next()
	if err != nil || !strings.HasPrefix(string(text), "event: reset\ndata: {") {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := s.Next(); !errors.Is(err, ErrGone) {
		t.Errorf("it goes on: %v", err)
	}
}

func TestAReaderThatGoesAwayIsLetGo(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := w.Stream(ctx, w.here(), lasting)
	w.must(err)
	_, err = s.Next()
	w.must(err)
	cancel()
	if _, err := s.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("it waits: %v", err)
	}
	s.Close()
	if len(w.streams.all) != 0 || len(w.streams.named) != 0 {
		t.Error("it is not forgotten")
	}
}

func TestAStreamEndsWithItsReadersToken(t *testing.T) {
	w := newWorld(t)
	lc := w.head().LC
	bearer := func(sub string, rvs int64) Bearer {
		return Bearer{
			Until: w.now().Add(time.Hour).UnixMilli(), RVS: rvs,
			Targets: []revocation.Target{revocation.ForSub(sub), revocation.ForKID("key"), revocation.ForAll()},
		}
	}
	open := func(b Bearer) *Stream {
		s, err := w.Stream(t.Context(), w.here(), b)
		w.must(err)
		t.Cleanup(s.Close)
		return s
	}
	ana, later, ben := open(bearer("ana", lc)), open(bearer("ana", lc+time.Hour.Milliseconds())), open(bearer("ben", lc))
	expects := func(s *Stream, want error) {
		t.Helper()
		<-s.Context().Done()
		if _, err := s.Next(); !errors.Is(err, want) {
			t.Errorf("it ends by %v, want %v", err, want)
		}
	}
	w.revoke(revocation.ForSub("ana"))
	expects(ana, errRevoked)
	if later.Context().Err() != nil || ben.Context().Err() != nil {
		t.Error("a revocation ended another's stream, or that of a token made after it")
	}
	w.revoke(revocation.ForKID("key")) // for ever: whatever the rvs
	expects(later, errRevoked)
	expects(ben, errRevoked)
	short := bearer("cleo", lc)
	short.Targets = nil
	cleo := open(short)
	w.pass(time.Hour)
	w.revoke(revocation.ForJTI("another's")) // or the next beat
	expects(cleo, errExpired)
}
