package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

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

// oneWriter takes the connection that writes.
func (s *Store) oneWriter(ctx context.Context) ([]groupWriter, error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return []groupWriter{&writer{conn: conn, statements: map[string]*sql.Stmt{}}}, nil
}

// write writes a group. When a plan brings the transaction down, each gets one of
// its own, so that it takes nobody with it.
func (w *writer) write(group []*plan, at int64) ([]error, *view) {
	results, head, err := w.writeTogether(group, at, false)
	if errors.Is(err, errHalfWritten) {
		results, head, err = w.writeTogether(group, at, true)
	}
	if err == nil {
		return results, head
	}
	if len(group) == 1 || errors.Is(err, errCommitting) {
		return slices.Repeat([]error{unavailable("committing", err)}, len(group)), nil
	}
	results, head = nil, nil
	for i := range group {
		result, moved := w.write(group[i:i+1], at)
		results = append(results, result...)
		head = head.then(moved)
	}
	return results, head
}

// writeTogether writes a group in one transaction. It gives one result for each plan,
// in the order of the group, and where the log's head has got to, or one error for all.
//
// A conflict nearly always shows at a plan's first statement, when there is
// nothing to undo; so savepoints, two statements for each plan, are set only when
// a group is written again because of one that showed later.
func (w *writer) writeTogether(group []*plan, at int64, savepoints bool) ([]error, *view, error) {
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
