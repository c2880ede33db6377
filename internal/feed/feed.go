package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/store"
)

const (
	// beat is how often a head is sent when nothing is revoked.
	beat = 3 * time.Second
	// headAge is how old the last head may be to be handed out: beyond that the
	// database has not answered for two beats, and the feed is silent (tokens.md I6).
	headAge = 2*beat + beat/2
	// maxUnsent is what a reader may leave unread, in bytes. It is cut off then, and
	// resumes by its cursor.
	maxUnsent = 1 << 20
	// tailBytes is what is kept of the log in memory, rendered. It is more than
	// maxUnsent: whoever was not cut off finds the next event there.
	tailBytes = 4 << 20
	// maxResume is how many numbers a reader may be behind, and how many entries one
	// event has. They stay below maxUnsent, and to send more costs more than a snapshot.
	maxResume = 10_000
)

// ErrGone means that a cursor is of another log, or too old: take a snapshot.
var ErrGone = errors.New("the cursor cannot be resumed")

// ErrSilent means that the database did not answer lately, so that there is no
// head to show.
var ErrSilent = errors.New("the feed is silent")

// errClosed ends what still reads when the server stops.
var errClosed = errors.New("the server stops")

// Config is what a feed is made of.
type Config struct {
	Store  *store.Store
	Issuer string
	Ring   func() *mint.Ring // of the moment
	Now    func() time.Time  // the server's clock
	Node   string            // what this node is called; of several, each has a name of its own
	Log    *slog.Logger
	// Metrics counts; nil: nothing is counted.
	Metrics *metrics.Metrics
}

// Feed is the feed of one issuer.
type Feed struct {
	Config
	fleet     fleet
	fellows   fellows
	several   bool // nodes hear each other
	snapshots snapshots
	stop      context.CancelFunc
	closed    <-chan struct{}
	loop      sync.WaitGroup

	mu      sync.Mutex
	tail    tail
	readme  chan struct{} // closed when there is something new
	asking  int           // how many wait for receipts
	streams streams
	warned  time.Time // of a reader ahead of the log
}

// Open reads where the log stands and starts to follow it.
func Open(ctx context.Context, c Config) (*Feed, error) {
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &Feed{Config: c, stop: stop, closed: loop.Done(), readme: make(chan struct{})}
	f.streams.init()
	f.fleet.init()
	f.fellows.init()
	head, err := c.Store.Head(ctx)
	if err != nil {
		stop()
		return nil, fmt.Errorf("reading the head of the log: %w", err)
	}
	f.tail.begin(&head)
	moved := c.Store.Moved()
	if err := f.advance(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	f.loop.Go(func() { f.follow(loop, moved) })
	if f.several = c.Node != "" && c.Store.Hears(f.hear); f.several {
		f.loop.Go(func() { f.tellOthers(loop) })
	}
	return f, nil
}

// Stop ends every stream and poll, and follows the log no more. A server calls it
// when it begins to shut down: streams do not end by themselves.
func (f *Feed) Stop() { f.stop() }

// Close stops, and waits until nothing reads the store any more.
func (f *Feed) Close() {
	f.stop()
	f.loop.Wait()
}

// follow publishes what is committed, and a head at each beat.
func (f *Feed) follow(ctx context.Context, moved <-chan struct{}) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-moved:
		case <-tick.C:
		}
		moved = f.Store.Moved()
		if err := f.advance(ctx); err != nil && ctx.Err() == nil {
			f.Log.Error("following the revocation log", "error", err)
		}
	}
}

// advance publishes what the log has beyond the tail, and the head.
func (f *Feed) advance(ctx context.Context) error {
	for {
		f.mu.Lock()
		id, seq := f.tail.log, f.tail.seq
		f.mu.Unlock()
		at := f.Now() // before the reading: this process may be stopped after it (tokens.md I6)
		part, err := f.Store.LogAfter(ctx, seq, maxResume)
		if err != nil {
			return err
		}
		if part.Head.LogID != id || part.Head.Seq < seq || part.Gap {
			f.restart(&part.Head) // a database was put in the place of this one
			continue
		}
		head := ""
		if part.Seq == part.Head.Seq {
			if head, err = f.signHead(&part.Head, at); err != nil {
				return err
			}
		}
		f.publish(&part, head, at)
		if head != "" {
			return nil
		}
	}
}

// publish adds a part of the log to the tail and wakes the readers. Those who have
// too much unread are cut off, and those whose token has ended.
func (f *Feed) publish(part *record.LogPart, head string, at time.Time) {
	asked := f.fellows.isAsked()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tail.add(part, head, at, asked || f.asking > 0)
	f.wake()
	f.streams.cut(part.Entries)
	for s := range f.streams.all {
		switch {
		case f.tail.sent-s.sent > maxUnsent:
			s.end(errSlow)
		case at.UnixMilli() >= s.bearer.Until:
			s.end(errExpired)
		}
	}
}

// restart begins a tail anew and sends every reader for a snapshot.
func (f *Feed) restart(head *record.Head) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tail.begin(head)
	f.streams.restart()
	f.wake()
}

// wake tells the readers that there is something new. The lock is held.
func (f *Feed) wake() {
	close(f.readme)
	f.readme = make(chan struct{})
}

// noteAhead says that a reader names a place which the log has not reached. That
// proves nothing, for whoever may read the feed can name any place; a head that we
// signed would (tokens.md I8). It is said once a minute at most. The lock is held.
func (f *Feed) noteAhead(at Cursor, now time.Time) {
	if at.Log != f.tail.log || at.Seq <= f.tail.seq || now.Sub(f.warned) < time.Minute {
		return
	}
	f.warned = now
	f.Log.Warn("a reader of the feed names a place that the log has not reached: was an older database put in the place of this one?",
		"cursor", at, "log", Cursor{f.tail.log, f.tail.seq})
}

// kinds are what the feed serves.
var kinds = servedKinds()

func servedKinds() []string {
	var names []string
	for kind := revocation.JTI; kind <= revocation.All; kind++ {
		names = append(names, kind.String())
	}
	return names
}
