package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

// committer is the only writer. It commits at once when idle, and gathers only
// while a commit is in flight.
type committer struct {
	store  *Store
	writer *writer
	queue  chan *plan
	done   chan struct{}

	closing sync.RWMutex // held for reading while a plan goes into the queue
	closed  bool
	cause   error // of an unclean end, set before done is closed
}

func startCommitter(ctx context.Context, s *Store) (*committer, error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &committer{
		store:  s,
		writer: &writer{conn: conn, statements: map[string]*sql.Stmt{}},
		queue:  make(chan *plan, largestGroup),
		done:   make(chan struct{}),
	}
	go c.run()
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
	<-c.done
	return c.cause
}

func (c *committer) run() {
	defer close(c.done)
	group := make([]*plan, 0, largestGroup)
	for first := range c.queue {
		group = c.gather(append(group[:0], first))
		c.commit(group)
		clear(group)
	}
	c.cause = c.writer.close()
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

// commit writes a group and answers each of its plans. When a plan brings the
// transaction down, each gets one of its own, so that it takes nobody with it.
func (c *committer) commit(group []*plan) {
	began, now := time.Now(), c.store.now()+c.store.ahead.Load()
	results, head, err := c.writer.write(group, now, false)
	if errors.Is(err, errHalfWritten) {
		results, head, err = c.writer.write(group, now, true)
	}
	if err != nil && len(group) > 1 && !errors.Is(err, errCommitting) {
		for i := range group {
			c.commit(group[i : i+1])
		}
		return
	}
	if err == nil {
		c.store.metrics.Load().Committed(len(group), time.Since(began))
	}
	if err == nil && head != nil {
		c.store.cache.publish(*head, rowsOf(group, results))
	}
	for i, p := range group {
		if err != nil {
			p.result <- unavailable("committing", err)
			continue
		}
		p.result <- results[i]
	}
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

// writer writes on the one connection that does. Its statements are prepared
// once, and follow no context: what was queued is written.
type writer struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

// errCommitting marks trouble in the COMMIT itself. What became of the group is
// then settled only by the rollback, so it is not tried again.
var errCommitting = errors.New("ending the transaction")

// errHalfWritten marks a plan that met its conflict after it had written
// something, without a savepoint to go back to.
var errHalfWritten = errors.New("a later guard was missed")

// write writes a group in one transaction. It gives one result for each plan,
// in the order of the group, and where the log's head has got to, or one error for all.
//
// A conflict nearly always shows at a plan's first statement, when there is
// nothing to undo; so savepoints, two statements for each plan, are set only when
// a group is written again because of one that showed later.
func (w *writer) write(group []*plan, at int64, savepoints bool) ([]error, *view, error) {
	// A plan that moves the head comes first: on PostgreSQL it holds the head's row
	// and thereby settles the order of the log.
	slices.SortStableFunc(group, func(a, b *plan) int { return int(numberOf(b.clocked) - numberOf(a.clocked)) })
	if _, err := w.exec(beginGroup); err != nil {
		w.undo()
		return nil, nil, err
	}
	var head *view
	results := make([]error, len(group))
	for i, p := range group {
		lc, err := w.writePlan(p, at, savepoints)
		switch {
		case errors.Is(err, ErrConflict):
			results[i] = ErrConflict
		case err != nil:
			w.undo()
			return nil, nil, err
		case p.clocked:
			head = head.after(p, lc)
		}
	}
	if _, err := w.exec(commitGroup); err != nil {
		w.undo()
		return nil, nil, fmt.Errorf("%w: %w", errCommitting, err)
	}
	return results, head, nil
}

// undo drops the transaction. It fails only where SQLite has done so by itself,
// as it does when the disk is full.
func (w *writer) undo() { _, _ = w.exec(undoGroup) }

// writePlan writes a plan, or leaves nothing of it and gives ErrConflict, or
// fails and leaves it to the caller to drop the transaction.
func (w *writer) writePlan(p *plan, at int64, savepoints bool) (int64, error) {
	if p.one() || !savepoints {
		lc, err := w.writeClocked(p, at)
		if errors.Is(err, ErrConflict) && (p.clocked || p.written > 0) {
			return 0, errHalfWritten
		}
		return lc, err
	}
	if _, err := w.exec(beginPlan); err != nil {
		return 0, err
	}
	lc, err := w.writeClocked(p, at)
	if err != nil && !errors.Is(err, ErrConflict) {
		return 0, err
	}
	if err != nil {
		if _, undoing := w.exec(undoPlan); undoing != nil {
			return 0, undoing
		}
	}
	if _, keeping := w.exec(keepPlan); keeping != nil {
		return 0, keeping
	}
	return lc, err
}

func (w *writer) writeClocked(p *plan, at int64) (lc int64, err error) {
	p.written = 0
	if err := w.writeSteps(p, p.first, 0, at); err != nil {
		return 0, err
	}
	if p.clocked {
		if lc, err = w.moveHead(p, at); err != nil {
			return 0, err
		}
	}
	return lc, w.writeSteps(p, p.steps, lc, at)
}

func (w *writer) writeSteps(p *plan, steps []step, lc, at int64) error {
	for _, s := range steps {
		rows, err := w.exec(s.text, s.bound(lc, at)...)
		switch {
		case err != nil && isConflict(err):
			return ErrConflict
		case err != nil:
			return err
		case s.guard && rows == 0:
			return ErrConflict
		}
		p.written += rows
	}
	return nil
}

// bound gives the arguments with the clocks filled in. They are copied then: a
// plan may be written again.
func (s step) bound(lc, at int64) []any {
	args := s.args
	for i, arg := range s.args {
		var reading int64
		switch arg.(type) {
		case planClock:
			reading = lc
		case nodeClock:
			reading = at
		default:
			continue
		}
		if &args[0] == &s.args[0] {
			args = slices.Clone(s.args)
		}
		args[i] = reading
	}
	return args
}

func (w *writer) statement(text string) (*sql.Stmt, error) {
	if s, ok := w.statements[text]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	w.statements[text] = s
	return s, nil
}

func (w *writer) exec(text string, args ...any) (int64, error) {
	s, err := w.statement(text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// close gives the connection back.
func (w *writer) close() error {
	var errs []error
	for _, s := range w.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}
