package store

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
)

// The row cache keeps clients and resources, so that most decisions read them
// from memory, and client_credentials reads nothing else; and users, of whom
// userinfo tells. What makes that safe
// is tokens.md I1: a state with the logical clock L holds no row older than L.
//
// Three rules see to it. The committer, after its COMMIT, evicts the rows it has
// changed and then publishes the new clock, before anybody is told of the
// commit. A reader takes the published clock first and the rows after it. And a
// row that was read from the database goes in only if its snapshot is not older
// than the published clock, for otherwise its eviction may have come before it.

// The tables whose rows are kept in memory, on this node or by the mint.
const (
	tableClients   = "clients"
	tableResources = "resources"
	tableKeys      = "keys"
	tableUsers     = "users" // with their identifiers
)

// cacheRows bounds the rows of each table. A client's row is some 2 kB.
const cacheRows = 10_000

// publishWait is how long a decision waits for the cache to see the commit that
// its snapshot has seen, which takes microseconds: it is the committer's next act.
const publishWait = 2 * time.Second

var errBehind = errors.New("the cache does not get to see a commit")

// cachedRow names a row that changed.
type cachedRow struct{ table, id string }

// view is where the revocation log has got to, as the cache knows it.
type view struct{ lc, allCut int64 }

// after is the view once a plan with the clock lc is committed. allCut is zero
// where no plan of the group moved it.
func (v *view) after(p *plan, lc int64) *view {
	next := view{lc: lc}
	if v != nil {
		next.allCut = v.allCut
	}
	if p.cutsAll {
		next.allCut = lc
	}
	return &next
}

// then is the view after another one that may be nil.
func (v *view) then(later *view) *view {
	if v == nil || later == nil {
		return cmp.Or(later, v)
	}
	return &view{lc: later.lc, allCut: max(v.allCut, later.allCut)}
}

type cache struct {
	at        atomic.Pointer[view]
	clients   rowMap[record.Client]
	resources rowMap[record.Resource]
	users     rowMap[record.User]

	mu    sync.Mutex    // orders insertions with evictions and publishing
	moved chan struct{} // closed at the next publishing
	keys  chan struct{} // closed at the next publishing of a change of keys
}

// rowMap is a map of rows that is read without a lock.
type rowMap[R any] struct {
	rows sync.Map
	size int // guarded by the cache's lock
}

func (m *rowMap[R]) get(id string) *R {
	found, _ := m.rows.Load(id)
	row, _ := found.(*R)
	return row
}

func (m *rowMap[R]) remove(id string) {
	if _, had := m.rows.LoadAndDelete(id); had {
		m.size--
	}
}

// removeAny makes room; which row goes does not matter much.
func (m *rowMap[R]) removeAny() {
	m.rows.Range(func(id, _ any) bool {
		m.rows.Delete(id)
		m.size--
		return false
	})
}

func (c *cache) init() {
	c.at.Store(&view{})
	c.moved = make(chan struct{})
	c.keys = make(chan struct{})
}

// put keeps a row that a snapshot with the clock lc has seen.
func put[R any](c *cache, m *rowMap[R], id string, row *R, lc int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lc < c.at.Load().lc {
		return
	}
	if m.size >= cacheRows {
		m.removeAny()
	}
	if _, had := m.rows.Swap(id, row); !had {
		m.size++
	}
}

// publish evicts the rows that changed, then moves the clock.
func (c *cache) publish(to view, changed []cachedRow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	turned := false
	for _, row := range changed {
		switch row.table {
		case tableKeys:
			turned = true
		case tableClients:
			c.clients.remove(row.id)
		case tableResources:
			c.resources.remove(row.id)
		case tableUsers:
			c.users.remove(row.id)
		}
	}
	to.allCut = max(to.allCut, c.at.Load().allCut)
	c.at.Store(&to)
	close(c.moved)
	c.moved = make(chan struct{})
	if turned {
		c.turn()
	}
}

// turn tells that keys have changed. The lock is held.
func (c *cache) turn() {
	close(c.keys)
	c.keys = make(chan struct{})
}

// forget evicts every row.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn()
	c.clients.rows.Clear()
	c.resources.rows.Clear()
	c.users.rows.Clear()
	c.clients.size, c.resources.size, c.users.size = 0, 0, 0
}

// reach waits until the cache has published the clock that a statement saw. That of
// another node's commit is published once the log was read.
func (s *Store) reach(ctx context.Context, lc int64) error {
	if s.nodes == nil || s.cache.at.Load().lc >= lc {
		return s.cache.reach(ctx, lc)
	}
	_, err := s.confirm(ctx)
	return err
}

// reach waits until the cache has published the clock that a statement saw.
func (c *cache) reach(ctx context.Context, lc int64) error {
	if c.at.Load().lc >= lc {
		return nil
	}
	timer := time.NewTimer(publishWait)
	defer timer.Stop()
	for {
		c.mu.Lock()
		moved, at := c.moved, c.at.Load().lc
		c.mu.Unlock()
		if at >= lc {
			return nil
		}
		select {
		case <-moved:
		case <-timer.C:
			return errBehind
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
