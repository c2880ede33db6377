package feed

import (
	"context"
	"errors"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Why a stream ends.
var (
	errSlow    = errors.New("the reader does not keep up")
	errRevoked = errors.New("the reader's token was taken back")
	errExpired = errors.New("the reader's token has expired")
)

// Bearer is the token that a stream was opened with: the stream ends with it.
type Bearer struct {
	Until   int64 // its expiry, in Unix ms
	RVS     int64
	Targets []revocation.Target
}

// streams are those that are open, and what would end each of them: a revocation
// that takes a reader's token back cuts the stream as it passes, without a
// look-up for every reader.
type streams struct {
	all   map[*Stream]struct{}
	named map[uint64]map[*Stream]struct{}
}

func (ss *streams) init() {
	ss.all = map[*Stream]struct{}{}
	ss.named = map[uint64]map[*Stream]struct{}{}
}

func (ss *streams) add(s *Stream, key revocation.FeedKey) {
	ss.all[s] = struct{}{}
	for _, target := range s.bearer.Targets {
		name := key.Name(target)
		s.names = append(s.names, name)
		if ss.named[name] == nil {
			ss.named[name] = map[*Stream]struct{}{}
		}
		ss.named[name][s] = struct{}{}
	}
}

func (ss *streams) remove(s *Stream) {
	delete(ss.all, s)
	for _, name := range s.names {
		delete(ss.named[name], s)
		if len(ss.named[name]) == 0 {
			delete(ss.named, name)
		}
	}
}

// cut ends the streams whose tokens the entries end.
func (ss *streams) cut(entries []revocation.Entry) {
	for _, e := range entries {
		for s := range ss.named[e.Name] {
			if revocation.Dead(s.bearer.RVS, e.Cut) {
				s.end(errRevoked)
			}
		}
	}
}

// restart tells every reader that its log is no more.
func (ss *streams) restart() {
	for s := range ss.all {
		s.gone = true
	}
}

// Stream is one reader of the feed as it happens.
type Stream struct {
	feed   *Feed
	bearer Bearer
	ctx    context.Context // ends with the stream; its cause says why
	end    context.CancelCauseFunc
	names  []uint64 // of the bearer's targets

	// Guarded by the feed's lock.
	gone   bool   // the log that it follows is no more
	first  []byte // what brings it to the tail
	next   int64  // number of the event that comes next
	handed int64  // tail.sent at the end of what Next gave last
	sent   int64  // tail.sent at the end of what was written for sure
}

// Stream starts a stream at a cursor: ErrGone if that cannot be resumed, ErrSilent
// while there is no head. It watches the bearer from now on: whether the token
// lives is to be looked at once more, after this.
func (f *Feed) Stream(ctx context.Context, from Cursor, bearer Bearer) (*Stream, error) {
	b, err := f.since(ctx, from)
	if err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	s := &Stream{feed: f, bearer: bearer, next: f.tail.next(), handed: f.tail.sent, sent: f.tail.sent}
	s.ctx, s.end = context.WithCancelCause(ctx)
	if b.seq > from.Seq {
		s.first = appendEntries(s.first, f.tail.log, b.seq, b.ask, b.entries)
	}
	s.first = appendHead(s.first, b.head)
	f.streams.add(s, f.tail.key)
	return s, nil
}

// Context ends with the stream, also while something is being written: whoever
// writes then gives up.
func (s *Stream) Context() context.Context { return s.ctx }

// Next waits for what the reader is to be sent next, as server-sent events. To ask
// for it says that what Next gave before was written. An error ends the stream.
func (s *Stream) Next() ([]byte, error) {
	for {
		text, news, err := s.take()
		if err != nil || len(text) > 0 {
			return text, err
		}
		select {
		case <-news:
		case <-s.feed.closed:
			return nil, errClosed
		case <-s.ctx.Done():
			return nil, context.Cause(s.ctx)
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
	case s.ctx.Err() != nil:
		return nil, nil, context.Cause(s.ctx)
	case s.gone && s.next < 0:
		return nil, nil, ErrGone
	case s.gone:
		s.next = -1
		return appendReset(nil, "log"), nil, nil
	case s.first != nil:
		text, s.first = s.first, nil
		return text, nil, nil
	case s.next < f.tail.first:
		return nil, nil, errSlow
	}
	for ; s.next < f.tail.next(); s.next++ {
		e := &f.tail.events[s.next-f.tail.first]
		text = append(text, e.text...)
		s.handed = e.sent
	}
	return text, f.readme, nil
}

// Close ends the stream and forgets it.
func (s *Stream) Close() {
	s.end(nil)
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.streams.remove(s)
}
