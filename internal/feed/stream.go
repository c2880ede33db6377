package feed

import (
	"context"
	"slices"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// batch is what one reader is to be sent to come up to the tail.
type batch struct {
	seq     int64
	ask     bool
	entries []revocation.Entry
	head    string
}

// since brings a reader from its cursor to the tail, from memory or, where that
// does not reach, from the database. The lock is held when it returns without an
// error.
func (f *Feed) since(ctx context.Context, from Cursor) (batch, error) {
	f.mu.Lock()
	reached, entries := from.Seq, []revocation.Entry(nil)
	if from.Log == f.tail.log && reached < f.tail.floor {
		f.mu.Unlock()
		part, err := f.Store.LogAfter(ctx, reached, maxResume)
		if err != nil {
			return batch{}, err
		}
		if part.Gap || part.Seq < part.Head.Seq {
			return batch{}, ErrGone
		}
		f.mu.Lock()
		reached, entries = part.Seq, part.Entries
	}
	switch {
	case from.Log != f.tail.log, from.Seq > f.tail.seq, reached < f.tail.floor:
		f.noteAhead(from, f.Now())
		f.mu.Unlock()
		return batch{}, ErrGone
	case f.tail.head == "" || f.Now().Sub(f.tail.headAt) > headAge:
		f.mu.Unlock()
		return batch{}, ErrSilent
	}
	// The database may be ahead of the tail by what is about to be published.
	entries = slices.DeleteFunc(entries, func(e revocation.Entry) bool { return e.Seq > f.tail.seq })
	more, ask := f.tail.after(reached)
	entries = append(entries, more...)
	if len(entries) > maxResume {
		f.mu.Unlock()
		return batch{}, ErrGone
	}
	return batch{seq: f.tail.seq, ask: ask, entries: entries, head: f.tail.head}, nil
}

// Poll waits until there is something after a cursor, at most so long, and gives
// the answer as JSON: ErrGone if the cursor cannot be resumed, ErrSilent while
// there is no head.
func (f *Feed) Poll(ctx context.Context, from Cursor, wait time.Duration) ([]byte, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for waited := false; ; {
		b, err := f.since(ctx, from)
		if err != nil {
			return nil, err
		}
		news := f.readme
		f.mu.Unlock()
		if b.seq > from.Seq || waited {
			body := appendBatch([]byte{'{'}, b.seq, b.ask, b.entries)
			return append(append(append(body, `,"head":"`...), b.head...), `"}`...), nil
		}
		select {
		case <-news:
		case <-timer.C:
			waited = true
		case <-f.closed:
			waited = true
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
