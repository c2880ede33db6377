package store

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// The memory holds what the revocation log says, so that the fate of an access
// token is known without reading its parents' rows (docs/decisions/0016). A
// request that asks for it has the head confirmed first, by a reading that began
// after the request did: whatever was acknowledged before is in it (tokens.md,
// part 3, promise 1). One reading serves all who asked before it began.
type memory struct {
	reading sync.Mutex // held by the reading that is under way; guards what is below
	log     revocation.LogID
	seq     int64 // up to which the log is in the table
	chain   revocation.Chain
	fresh   bool // it is read from its first row, to whatever chain it has
	table   *revocation.Table
	changed []cachedRow  // of which the reading has heard
	anew    bool         // it cannot know which rows have changed
	reached atomic.Int64 // seq, for others

	mu   sync.Mutex
	next *reading    // the one that has not begun
	mine []cachedRow // that this node has changed, for the next reading to evict
}

// reading is one reading of the log from where the memory stands to its head.
type reading struct {
	done chan struct{}
	seen confirmed
	err  error
}

// confirmed is the log at a head that was read after it was asked for. The table
// may get entries beyond that head while it is used, which only end more.
type confirmed struct {
	view
	key   revocation.FeedKey
	table *revocation.Table
}

// logSlice is how many rows of the log are read at once.
const logSlice = 10_000

// confirm gives the log at a head that is not older than the call. Who comes
// while a reading is under way waits for the next: that one may have begun before
// something was acknowledged that the caller knows of.
func (s *Store) confirm(ctx context.Context) (confirmed, error) {
	m := &s.memory
	m.mu.Lock()
	if r := m.next; r != nil {
		m.mu.Unlock()
		select {
		case <-r.done:
			return r.seen, r.err
		case <-ctx.Done():
			return confirmed{}, ctx.Err()
		}
	}
	r := &reading{done: make(chan struct{})}
	m.next = r
	m.mu.Unlock()

	m.reading.Lock()
	runtime.Gosched() // whoever is about to ask shares this reading
	m.mu.Lock()
	m.next = nil
	m.mu.Unlock()
	r.seen, r.err = s.readOn(context.WithoutCancel(ctx)) // others wait for it too
	m.reading.Unlock()
	close(r.done)
	return r.seen, r.err
}

// HasEntry reports whether the log has an entry of a target, which it keeps as long as
// a token may live that the entry ends.
func (s *Store) HasEntry(ctx context.Context, target revocation.Target) (bool, error) {
	log, err := s.confirm(ctx)
	if err != nil {
		return false, unavailable("confirming the head of the log", err)
	}
	return log.cut(log.key.Name(target)) != 0, nil
}

// readOn reads the head, and takes into the table what the log has beyond it.
func (s *Store) readOn(ctx context.Context) (confirmed, error) {
	m := &s.memory
	began := time.Now()
	m.mu.Lock()
	m.changed, m.mine = append(m.changed, m.mine...), nil
	m.mu.Unlock()
	head, err := s.Head(ctx)
	for err == nil && (head.LogID != m.log || head.Seq != m.seq || head.Chain != m.chain) {
		head, err = s.readSlice(ctx)
	}
	if err != nil {
		return confirmed{}, err
	}
	m.reached.Store(m.seq)
	if s.nodes != nil {
		s.learn(&head, began, m.changed, m.anew)
	}
	m.changed, m.anew = nil, false
	return confirmed{view: view{lc: head.LC, allCut: head.AllCut}, key: head.FeedKey, table: m.table}, nil
}

// readSlice reads a part of the log, and gives the head of the same snapshot. What
// is read is held to the head's chain. A process begins at the log's first row; it
// does so again where the chain is another, because the database was put back or
// what came between was purged: then all is read anew, and what is dead stays dead.
func (s *Store) readSlice(ctx context.Context) (record.Head, error) {
	m := &s.memory
	part, changed, err := s.logAfter(ctx, m.seq, logSlice)
	if err != nil {
		return record.Head{}, err
	}
	head := &part.Head
	m.changed, m.anew = append(m.changed, changed...), m.anew || part.Gap
	if head.LogID != m.log {
		m.anew = true
		m.log, m.seq, m.fresh, m.table = head.LogID, 0, true, revocation.NewTable(0, head.LC)
		return part.Head, nil
	}
	m.add(&part, s.clock())
	end := part.Seq == m.seq || part.Seq == head.Seq // nothing was there, or nothing is left
	m.seq = part.Seq
	switch {
	case !end:
	case !m.fresh && m.chain != head.Chain:
		m.seq, m.fresh = 0, true
	default:
		m.seq, m.chain, m.fresh = head.Seq, head.Chain, false
	}
	return part.Head, nil
}

// add puts entries into the table, and after each other into the chain.
func (m *memory) add(part *record.LogPart, now int64) {
	for _, e := range part.Entries {
		m.chain = m.chain.Next(e)
		for !m.table.Put(e) {
			m.table = m.table.Grow(now, part.Head.LC)
		}
	}
}

// note has the next reading evict rows whose change is committed.
func (m *memory) note(changed []cachedRow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mine = append(m.mine, changed...)
}

// has reports whether a number of the log was read.
func (m *memory) has(seq int64) bool { return m.reached.Load() >= seq }

// sweep leaves behind what no living token can match.
func (m *memory) sweep(now int64) {
	m.reading.Lock()
	defer m.reading.Unlock()
	if m.table != nil {
		m.table = m.table.Sweep(now)
	}
}
