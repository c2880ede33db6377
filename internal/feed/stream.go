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

// Stream is one reader of the feed as it happens.
type Stream struct {
	feed *Feed
	slow chan struct{} // closed when it is cut off

	// Guarded by the feed's lock.
	isSlow bool
	gone   bool   // the log that it follows is no more
	first  []byte // what brings it to the tail
	next   int64  // number of the event that comes next
	handed int64  // tail.sent at the end of what Next gave last
	sent   int64  // tail.sent at the end of what was written for sure
}

// Stream starts a stream at a cursor: ErrGone if that cannot be resumed, ErrSilent
// while there is no head.
func (f *Feed) Stream(ctx context.Context, from Cursor) (*Stream, error) {
	b, err := f.since(ctx, from)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	s := &Stream{feed: f, slow: make(chan struct{}), next: f.tail.next(), handed: f.tail.sent, sent: f.tail.sent}
	if b.seq > from.Seq {
		s.first = appendEntries(s.first, f.tail.log, b.seq, b.ask, b.entries)
	}
	s.first = appendHead(s.first, b.head)
	f.subs[s] = struct{}{}
	return s, nil
}

// Next waits for what the reader is to be sent next, as server-sent events. To ask
// for it says that what Next gave before was written. An error ends the stream.
func (s *Stream) Next(ctx context.Context) ([]byte, error) {
	for {
		text, news, err := s.take()
		if err != nil || len(text) > 0 {
			return text, err
		}
		select {
		case <-news:
		case <-s.slow:
		case <-s.feed.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take gives what is there, else what to wait for.
func (s *Stream) take() (text []byte, news <-chan struct{}, err error) {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	s.sent = s.handed
	switch {
	case s.first != nil:
		text, s.first = s.first, nil
		return text, nil, nil
	case s.isSlow || s.next < f.tail.first && !s.gone:
		return nil, nil, errSlow
	case s.gone && s.next < 0:
		return nil, nil, ErrGone
	case s.gone:
		s.next = -1
		return appendReset(nil, "log"), nil, nil
	}
	for ; s.next < f.tail.next(); s.next++ {
		e := &f.tail.events[s.next-f.tail.first]
		text = append(text, e.text...)
		s.handed = e.sent
	}
	return text, f.readme, nil
}

// cut ends the stream, also while something is being written. The lock is held.
func (s *Stream) cut() {
	if !s.isSlow {
		s.isSlow = true
		close(s.slow)
	}
}

// Slow is closed when the reader has left too much unread: whoever writes to it
// then gives up.
func (s *Stream) Slow() <-chan struct{} { return s.slow }

// Close forgets the stream.
func (s *Stream) Close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.subs, s)
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
