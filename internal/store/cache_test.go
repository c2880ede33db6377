package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// seen is what a reader was given: a client's version and the clock that vouches for it.
type seen struct{ lc, version int64 }

// tokens.md, part 2, I1: whatever the interleaving, a state whose clock has
// reached a change of a row never holds the row as it was before.
func TestAStateIsNeverOlderThanItsClock(t *testing.T) {
	const clients, updates, readers = 3, 40, 4
	s := world(t)
	var names []string
	for i := range clients {
		c := app()
		c.ID = fmt.Sprint("c", i)
		names = append(names, c.ID)
		g := grant()
		g.ID, g.ClientID = "g"+c.ID, c.ID
		commit(t, s, record.PutClient{Client: c}, record.PutGrant{Grant: g})
	}
	observed := make([]map[string][]seen, readers)
	done := make(chan struct{})
	var all, writers sync.WaitGroup
	for i, name := range names {
		writers.Go(func() { update(t, s, name, updates, i == 0) })
	}
	for r := range readers {
		observed[r] = map[string][]seen{}
		all.Go(func() { observe(t, s, names, observed[r], done) })
	}
	writers.Wait()
	close(done)
	all.Wait()

	for _, name := range names {
		touched := touchesOf(t, s, name) // [v-1] is the clock of the plan that made version v
		if len(touched) != updates+1 {
			t.Fatalf("%s was touched %d times", name, len(touched))
		}
		for _, seenBy := range observed {
			for _, got := range seenBy[name] {
				if newest := int64(len(touched)); got.version < newest && touched[got.version] <= got.lc {
					t.Errorf("%s: a state of %d holds version %d, which ended at %d", name, got.lc, got.version, touched[got.version])
				}
			}
			if len(seenBy[name]) == 0 {
				t.Error("nothing was observed")
			}
		}
	}
}

// update gives a client new versions; between them others move the clock.
func update(t *testing.T, s *Store, name string, times int, noise bool) {
	for version := int64(1); version <= int64(times); version++ {
		if err := s.Commit(t.Context(), []record.Change{record.UpdateClient{ID: name, Enabled: true, Version: version}}); err != nil {
			t.Error(err)
		}
		if !noise {
			continue
		}
		if err := s.Commit(t.Context(), []record.Change{record.Append{Target: revocation.ForSub("bob")}}); err != nil {
			t.Error(err)
		}
	}
}

// observe reads until done is closed, and once more.
func observe(t *testing.T, s *Store, names []string, into map[string][]seen, done chan struct{}) {
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		for _, name := range names {
			state, err := s.ClientState(t.Context(), name, nil)
			if err != nil {
				t.Error(err)
				return
			}
			refresh, err := s.RefreshState(t.Context(), "g"+name, name)
			if err != nil {
				t.Error(err)
				return
			}
			into[name] = append(into[name], seen{state.LC, state.Client.Version}, seen{refresh.LC, refresh.Client.Version})
		}
	}
}

func touchesOf(t *testing.T, s *Store, name string) (clocks []int64) {
	t.Helper()
	for _, e := range checkLog(t, s) {
		if e.target == revocation.ForTouch(tableClients, name) {
			clocks = append(clocks, e.lc)
		}
	}
	return clocks
}

func TestARowOfAnOldSnapshotIsNotKept(t *testing.T) {
	var c cache
	c.init()
	old, current := &record.Client{Version: 1}, &record.Client{Version: 2}
	c.publish(view{lc: 10}, nil)
	put(&c, &c.clients, "app", old, 9)
	if c.clients.get("app") != nil || c.clients.size != 0 {
		t.Error("a row of 9 is kept at 10")
	}
	put(&c, &c.clients, "app", old, 10)
	put(&c, &c.clients, "app", current, 12) // whose commit is not published yet
	if got := c.clients.get("app"); got != current || c.clients.size != 1 {
		t.Errorf("%+v is kept, of %d", got, c.clients.size)
	}
	c.publish(view{lc: 12}, []cachedRow{{tableClients, "app"}, {tableClients, "app"}, {tableKeys, "k"}})
	if c.clients.get("app") != nil || c.clients.size != 0 {
		t.Error("what changed is kept")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	var c cache
	c.init()
	for i := range cacheRows + 500 {
		put(&c, &c.clients, fmt.Sprint(i), &record.Client{}, 1)
		put(&c, &c.resources, fmt.Sprint(i%100), &record.Resource{}, 1)
	}
	held := 0
	c.clients.rows.Range(func(any, any) bool { held++; return true })
	if held != c.clients.size || held > cacheRows || held < cacheRows-2 {
		t.Errorf("%d rows are held, %d counted", held, c.clients.size)
	}
	if c.resources.size != 100 {
		t.Errorf("of another table %d rows are left", c.resources.size)
	}
}

func TestAReaderWaitsForTheCommitThatItHasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cache
		c.init()
		waiting := make(chan error, 1)
		go func() { waiting <- c.reach(t.Context(), 7) }()
		synctest.Wait()
		c.publish(view{lc: 6}, nil)
		synctest.Wait()
		select {
		case err := <-waiting:
			t.Fatalf("it did not wait for 7: %v", err)
		default:
		}
		c.publish(view{lc: 7}, nil)
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		if err := c.reach(t.Context(), 8); !errors.Is(err, errBehind) {
			t.Errorf("a commit that is never published: %v", err)
		}
	})
}

// tokens.md, part 2, I2: who asks while a cutoff is being published gets its token,
// which lives, instead of a refusal for what it began before.
func TestACutoffThatIsBeingPublishedIsWaitedFor(t *testing.T) {
	s := world(t)
	before := *s.cache.at.Load()
	commit(t, s, record.CutClient{ClientID: app().ID}, record.Append{Target: revocation.ForClient(app().ID)})
	after := *s.cache.at.Load()
	s.cache.at.Store(&before) // as between COMMIT and publishing
	asked := make(chan record.ClientState, 1)
	go func() {
		state, err := s.ClientState(t.Context(), app().ID, nil)
		if err != nil {
			t.Error(err)
		}
		asked <- state
	}()
	for s.cache.clients.get(app().ID) == nil { // until the row was read
		runtime.Gosched()
	}
	s.cache.publish(after, []cachedRow{{tableClients, app().ID}})
	if state := <-asked; state.LC < state.Client.Cut || state.Client.Cut == 0 {
		t.Errorf("a state of %d has a client that was cut at %d", state.LC, state.Client.Cut)
	}
}
