package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
)

// largestGroup bounds how many plans share a transaction, and with it how long
// the first of them waits for the last.
const largestGroup = 256

var errClosed = errors.New("it is closed, or its schema is behind")

// Commit writes the changes of a decision, all of them or none: ErrConflict
// means that a guard was missed, ErrUnavailable trouble of ours. When it returns
// nil the changes are durable, and every later read sees them.
//
// ctx counts until the plan is queued, and its error is then the answer. After
// that it is written whoever still waits, who gets to know what became of it.
func (s *Store) Commit(ctx context.Context, changes []record.Change) error {
	if len(changes) == 0 {
		return nil
	}
	p, err := newPlan(changes)
	if err != nil {
		return err
	}
	return s.commit(ctx, p)
}

func (s *Store) commit(ctx context.Context, p *plan) error {
	c := s.committer.Load()
	if c == nil {
		return unavailable("committing", errClosed)
	}
	if err := c.enqueue(ctx, p); err != nil {
		return err
	}
	return <-p.result
}

// Waiting is how many plans are queued for a commit.
func (s *Store) Waiting() int {
	c := s.committer.Load()
	if c == nil {
		return 0
	}
	return len(c.queue)
}

// committer is the only writer of its process. It commits at once when idle, and
// gathers only while a commit is in flight.
type committer struct {
	store   *Store
	writers []groupWriter
	queue   chan *plan
	writing sync.WaitGroup
	seeing  sync.WaitGroup // see Store.seen

	closing sync.RWMutex // held for reading while a plan goes into the queue
	closed  bool
}

func startCommitter(ctx context.Context, s *Store) (*committer, error) {
	c := &committer{store: s, queue: make(chan *plan, largestGroup)}
	var err error
	if s.nodes != nil {
		c.writers = s.flights()
	} else {
		c.writers, err = s.oneWriter(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range c.writers {
		c.writing.Go(func() { c.run(w) })
	}
	return c, nil
}

func (c *committer) enqueue(ctx context.Context, p *plan) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("queueing a plan: %w", err)
	}
	c.closing.RLock()
	defer c.closing.RUnlock()
	if c.closed {
		return unavailable("committing", errClosed)
	}
	select {
	case c.queue <- p:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("queueing a plan: %w", ctx.Err())
	}
}

// close commits what is queued and ends the committer.
func (c *committer) close() error {
	c.closing.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.closing.Unlock()
	c.writing.Wait()
	c.seeing.Wait()
	var errs []error
	for _, w := range c.writers {
		errs = append(errs, w.close())
	}
	c.writers = nil
	return errors.Join(errs...)
}

func (c *committer) run(w groupWriter) {
	group := make([]*plan, 0, largestGroup)
	for first := range c.queue {
		runtime.Gosched() // whoever is about to queue something shares the group
		group = c.gather(append(group[:0], first))
		c.commit(w, group)
		clear(group)
	}
}

// gather adds what waits already, and waits for nothing.
func (c *committer) gather(group []*plan) []*plan {
	for len(group) < largestGroup {
		select {
		case next, open := <-c.queue:
			if !open {
				return group
			}
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// commit writes a group and answers each of its plans, once every later read sees
// what it wrote.
func (c *committer) commit(w groupWriter, group []*plan) {
	began := time.Now()
	results, head := w.write(group, c.store.clock())
	if slices.ContainsFunc(results, func(err error) bool { return !errors.Is(err, ErrUnavailable) }) {
		c.store.metrics.Load().Committed(len(group), time.Since(began))
	}
	if head != nil {
		c.store.cache.publish(*head, rowsOf(group, results))
	}
	if c.store.nodes != nil && movedLog(group, results) {
		group = slices.Clone(group)
		c.seeing.Go(func() {
			c.store.seen(rowsOf(group, results))
			answer(group, results)
		})
		return
	}
	answer(group, results)
}

func answer(group []*plan, results []error) {
	for i, p := range group {
		p.result <- results[i]
	}
}

// movedLog reports whether a plan that took place moved the log.
func movedLog(group []*plan, results []error) bool {
	for i, p := range group {
		if p.clocked && results[i] == nil {
			return true
		}
	}
	return false
}

// rowsOf lists the cached rows that the plans which took place have changed.
func rowsOf(group []*plan, results []error) []cachedRow {
	var rows []cachedRow
	for i, p := range group {
		if results[i] == nil {
			rows = append(rows, p.touched...)
		}
	}
	return rows
}
