package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

const (
	// slots is how many deliveries are under way at once.
	slots = 32
	// perReceiver is how many of them one receiver can have. One that did not
	// acknowledge the last has one, so that slots is how many can hang before
	// another has to wait.
	perReceiver = 4
	// lease is how long a row is kept from others: longer than an attempt can take.
	lease = 4 * egress.Deadline
	// poll is how often rows are looked for that became due, or that another server
	// has left.
	poll = time.Second
	// grace is how long attempts under way may take when the server stops.
	grace = 2 * time.Second
)

// Config is what an outbox is made of.
type Config struct {
	Store  *store.Store
	Issuer string
	Ring   func() *mint.Ring // of the moment
	// SubjectFor is the sub by which a client knows a user.
	SubjectFor func(client *record.Client, userID string) string
	Egress     *egress.Client
	Now        func() time.Time // the server's clock
	Log        *slog.Logger
}

// Outbox delivers for one issuer.
type Outbox struct {
	Config
	stop     context.CancelFunc // of the loop
	abort    context.CancelFunc // of the attempts
	loop     sync.WaitGroup
	attempts sync.WaitGroup
	freed    chan struct{} // an attempt has ended

	mu        sync.Mutex
	underWay  int
	receivers map[string]*receiver
}

// receiver is one that something is under way to, or that did not acknowledge the
// last.
type receiver struct {
	underWay int
	failing  bool
}

// full reports whether it gets nothing more for now.
func (r *receiver) full() bool { return r.underWay >= perReceiver || r.failing && r.underWay > 0 }

// Open starts to deliver.
func Open(ctx context.Context, c Config) *Outbox {
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	attempts, abort := context.WithCancel(context.WithoutCancel(ctx))
	o := &Outbox{
		Config: c, stop: stop, abort: abort,
		freed: make(chan struct{}, 1), receivers: map[string]*receiver{},
	}
	o.loop.Go(func() { o.follow(loop, attempts) })
	return o
}

// Close begins no more attempts and lets those under way end, within a while. What
// is cut off is tried again by whoever opens the outbox next.
func (o *Outbox) Close() {
	o.stop()
	o.loop.Wait()
	hurry := time.AfterFunc(grace, o.abort)
	defer hurry.Stop()
	o.attempts.Wait()
	o.abort()
}

// follow begins attempts when something was committed, when one has ended, and
// when something becomes due.
func (o *Outbox) follow(ctx, attempts context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		moved := o.Store.Moved() // whatever ends moves the log
		if err := o.fill(ctx, attempts); err != nil && ctx.Err() == nil {
			o.Log.Error("reading the outbox", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		case <-o.freed:
		case <-tick.C:
		}
	}
}

// fill begins as many attempts as there is room for.
func (o *Outbox) fill(ctx, attempts context.Context) error {
	for ctx.Err() == nil {
		free, full := o.room()
		if free <= 0 {
			return nil
		}
		due, err := o.Store.DueDeliveries(ctx, o.now(), full, free)
		if err != nil {
			return err
		}
		begun := 0
		for i := range due {
			ok, err := o.begin(ctx, attempts, due[i])
			if err != nil {
				return err
			}
			if ok {
				begun++
			}
		}
		if begun == 0 {
			return nil // nothing is due, or others were faster
		}
	}
	return nil
}

// room gives how many attempts can begin, and who is to get none of them.
func (o *Outbox) room() (free int, full []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, r := range o.receivers {
		if r.full() {
			full = append(full, name)
		}
	}
	return slots - o.underWay, full
}

// begin leases a row and begins the attempt, unless its receiver has enough by now
// or somebody else has the row.
func (o *Outbox) begin(ctx, attempts context.Context, d record.Delivery) (bool, error) {
	if !o.take(d.Receiver) {
		return false, nil
	}
	leased, err := o.Store.LeaseDelivery(ctx, d, o.now()+lease.Milliseconds())
	if err != nil {
		o.give(d.Receiver, nil)
		if errors.Is(err, store.ErrConflict) {
			return false, nil
		}
		return false, err
	}
	o.attempts.Go(func() {
		result := o.deliver(attempts, &leased)
		o.settle(attempts, leased, result)
		acknowledged := result.outcome != ""
		o.give(d.Receiver, &acknowledged)
		select {
		case o.freed <- struct{}{}:
		default: // it is known already
		}
	})
	return true, nil
}

func (o *Outbox) take(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.receivers[name]
	if r == nil {
		r = &receiver{}
		o.receivers[name] = r
	}
	if r.full() {
		return false
	}
	r.underWay++
	o.underWay++
	return true
}

// give takes an attempt off the books. acknowledged is nil for one that was not
// made.
func (o *Outbox) give(name string, acknowledged *bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.receivers[name]
	r.underWay--
	o.underWay--
	if acknowledged != nil {
		r.failing = !*acknowledged
	}
	if r.underWay == 0 && !r.failing {
		delete(o.receivers, name)
	}
}

func (o *Outbox) now() int64 { return o.Now().UnixMilli() }
