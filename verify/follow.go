package verify

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"
)

const (
	silence     = 6500 * time.Millisecond // two heartbeats missed: take another connection
	firstPause  = 100 * time.Millisecond
	longPause   = 5 * time.Second
	pollWait    = "3"             // seconds: a head as often as on the stream, or the verifier would never be live
	pollFor     = 5 * time.Minute // before the stream is tried again
	deafStreams = 2               // streams in a row that brought nothing: something on the way holds them back
	loadTimeout = 2 * time.Minute // of a snapshot
	sweepEvery  = 5 * time.Minute
	reportEvery = 2 * time.Second // less than a heartbeat: with every head, but not with each of many revocations
)

// errRollback is an older state of a log that went further: a database file that
// was put back, most likely. The verifier keeps what it knows and stays stale.
var errRollback = errors.New("the log went back: was a database put back?")

// errRenewed is why a connection is left for one with a fresh token.
var errRenewed = errors.New("there is a fresh token for the feed")

// errSilent is why a connection that still stands is given up.
var errSilent = errors.New("no heartbeat for 6.5 s")

// follower keeps the copy of the log: the one writer. What it fails at is
// retried until the verifier is closed.
type follower struct {
	v      *Verifier
	tail   *tail // nil before the first snapshot
	broken bool  // the copy cannot go on: a new snapshot is due
	epochs uint64
	gens   uint64

	deaf      int       // streams in a row without an event
	pollUntil time.Time // polling instead
	heard     bool      // a good head came in this session
	swept     int64     // when the table was, by the issuer's clock
	reported  time.Time // when a receipt went out that nobody had asked for
}

func (f *follower) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		f.heard = false
		start := time.Now()
		err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if f.heard && time.Since(start) >= longPause {
			pause = firstPause
		}
		if err == nil {
			continue // nothing failed: another way of reading is due
		}
		f.fail(err)
		wait := jitter(pause, 0.5)
		if refused := (*answerError)(nil); errors.As(err, &refused) {
			wait = max(wait, refused.wait)
		}
		sleep(ctx, wait)
		pause = min(2*pause, longPause)
	}
}

// fail notes why a session ended. Whatever does not fit makes the verifier stale
// at once; a broken connection only lets it age.
func (f *follower) fail(err error) {
	if errors.Is(err, errFault) || errors.Is(err, errGone) {
		f.broken = true
		f.distrust()
	}
	if f.tail != nil && (f.broken || errors.Is(err, errRollback)) {
		f.v.show(f.tail)
	}
	f.v.trouble(err)
}

// session reads until something fails: a snapshot if one is due, then the log
// from its end.
func (f *follower) session(ctx context.Context) error {
	if f.tail == nil || f.broken {
		if err := f.load(ctx); err != nil {
			return err
		}
	}
	if time.Now().Before(f.pollUntil) {
		return f.poll(ctx)
	}
	return f.stream(ctx)
}

// load takes a snapshot. The table in use goes on serving until a head vouches
// for the new one.
func (f *follower) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	res, err := f.v.remote.feed(ctx, pathSnapshot, nil)
	if err != nil {
		return fmt.Errorf("taking a snapshot: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	next, err := readSnapshot(ctx, res.Body, f.v.issuer, &f.v.headKeys)
	if err != nil {
		return err
	}
	return f.take(next)
}

// take goes on from a snapshot, unless it is older than what a head has attested:
// what no head has attested may have been a lie; what one has, may not go. So the
// entries that a head has attested stay, whatever the snapshot says of the same log:
// it may be one that was put back and has gone on since, and taking it for the whole
// truth would bring to life what was refused a moment before.
func (f *follower) take(next *tail) error {
	old := f.tail
	switch {
	case old == nil:
	case next.log == old.log && next.seq < old.attested:
		return fmt.Errorf("%w: the snapshot ends at %d, a head had reached %d", errRollback, next.seq, old.attested)
	case next.log != old.log && next.lc <= old.lc:
		// tokens.md I8: a restore moves the logical clock beyond every clock.
		return fmt.Errorf("%w: another log, %s, whose logical clock is behind ours", errRollback, next.log)
	}
	switch {
	case old == nil || old.log != next.log || old.key != next.key:
		f.epochs++
	default:
		next.keep(old, time.Now().UnixMilli())
	}
	f.tail, f.broken = next, false
	return nil
}

// stream reads server-sent events until the connection ends or falls silent.
func (f *follower) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	token, err := f.v.remote.feedToken(ctx)
	if err != nil {
		return fmt.Errorf("getting a token for the feed: %w", err)
	}
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer f.listen(watchdog)
	res, err := f.v.remote.feed(ctx, pathStream+"?cursor="+f.tail.cursor(), http.Header{"Accept": {"text/event-stream"}})
	if err != nil {
		return fmt.Errorf("opening the stream: %w", errors.Join(context.Cause(ctx), err))
	}
	defer func() { _ = res.Body.Close() }()
	// The server ends the stream with its token; so it is left before that.
	f.v.work.Go(func() {
		if f.v.remote.renewed(ctx, token) {
			cancel(errRenewed)
		}
	})
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		f.deaf++
		return errors.New("opening the stream: the answer is none")
	}
	for in := newEvents(res.Body); ; {
		e, err := in.next()
		if err != nil && errors.Is(context.Cause(ctx), errRenewed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the stream: %w", errors.Join(context.Cause(ctx), err))
		}
		watchdog.Reset(silence)
		f.deaf = 0
		if err := f.event(ctx, e); err != nil {
			return err
		}
	}
}

// listen turns to polling when streams bring nothing: something on the way holds
// them back.
func (f *follower) listen(watchdog *time.Timer) {
	if !watchdog.Stop() {
		f.deaf++
	}
	if f.deaf >= deafStreams {
		f.pollUntil = time.Now().Add(pollFor)
	}
}

func (f *follower) event(ctx context.Context, e event) error {
	switch e.name {
	case "rv":
		b, err := parseBatch([]byte(e.data))
		if err != nil {
			return err
		}
		return f.apply(&b)
	case "hb":
		return f.head(ctx, e.data)
	case "reset":
		return fmt.Errorf("the server asks for a new start: %w", errGone)
	default:
		return nil // of a later version
	}
}

// poll asks again and again.
func (f *follower) poll(ctx context.Context) error {
	for time.Now().Before(f.pollUntil) {
		b, err := f.pollOnce(ctx)
		if err != nil {
			return err
		}
		if err := f.apply(&b); err != nil {
			return err
		}
		if err := f.head(ctx, b.Head); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) pollOnce(ctx context.Context) (b batch, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	res, err := f.v.remote.feed(ctx, pathPoll+"?cursor="+f.tail.cursor()+"&wait="+pollWait, nil)
	if err != nil {
		return b, fmt.Errorf("polling: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := readAll(res.Body, maxEvent)
	if err != nil {
		return b, fmt.Errorf("polling: %w", err)
	}
	return parseBatch(body)
}

// apply adds a batch and lets readers see it before a head attests it: entries
// can only refuse more.
func (f *follower) apply(b *batch) error {
	if err := f.tail.apply(b, time.Now().UnixMilli()); err != nil {
		return err
	}
	if w := f.v.view.Load(); len(b.Entries) > 0 && f.published() {
		next := *w
		next.table = f.tail.table
		f.publish(next, true)
	}
	if b.Ask {
		f.v.report(f.tail)
	}
	return nil
}

// published reports whether readers use the copy that is being extended: that of
// a new snapshot waits for its first head.
func (f *follower) published() bool { return f.tail.t != 0 }

// head takes a heartbeat: if it fits, all is known up to its time.
func (f *follower) head(ctx context.Context, raw string) error {
	arrived := time.Now()
	h, err := readHead(ctx, raw, f.v.issuer, &f.v.headKeys)
	if errors.Is(err, ErrUnavailable) {
		return errors.New("the keys of the feed's heads cannot be fetched") // nothing is known against the head
	}
	if err != nil {
		return fault("%v", err)
	}
	if err := f.tail.attest(h); err != nil {
		return err
	}
	if last := f.v.last.Load(); last != nil && last.raw == raw && !f.v.view.Load().stale {
		return nil // the same line twice is no news
	}
	f.sweep()
	f.v.last.Store(&vouched{head: h, key: f.tail.key, table: f.tail.table})
	f.publish(view{table: f.tail.table, names: f.tail.key.Namer(), epoch: f.epochs, at: arrived, t: h.t, stale: h.unknown}, false)
	f.heard = true
	f.v.problem.Store(nil)
	if arrived.Sub(f.reported) >= reportEvery {
		f.reported = arrived
		f.v.report(f.tail)
	}
	return nil
}

// sweep leaves out what has expired by the issuer's clock; ours may be wrong.
func (f *follower) sweep() {
	if f.tail.t-f.swept >= sweepEvery.Milliseconds() {
		f.tail.table, f.swept = f.tail.table.Sweep(f.tail.t), f.tail.t
	}
}

// publish hands readers a view. Verdicts made with the one before stay good only
// if it has the same table and nothing was added.
func (f *follower) publish(w view, added bool) {
	before := f.v.view.Load()
	if added || before == nil || before.table != w.table || before.epoch != w.epoch {
		f.gens++
	}
	w.gen = f.gens
	f.v.publish(&w)
}

// distrust makes the verifier stale until a head fits again.
func (f *follower) distrust() {
	if w := f.v.view.Load(); w != nil {
		next := *w
		next.stale = true
		f.publish(next, false)
	}
}

// jitter draws a duration around d, by as much as a part of it either way, so
// that a fleet does not act as one.
func jitter(d time.Duration, part float64) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	unit := float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
	return time.Duration(float64(d) * (1 + part*(2*unit-1)))
}
