package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// parallel runs f in n goroutines that start together.
func parallel(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

// plans makes a plan of each list of changes.
func plans(t testing.TB, all ...[]record.Change) []*plan {
	t.Helper()
	group := make([]*plan, len(all))
	for i, changes := range all {
		group[i] = must[*plan](t)(newPlan(changes))
	}
	return group
}

// together commits plans as one group, as the committer does when they have
// gathered, and gives their results.
func together(s *Store, group []*plan) []error {
	waiting := slices.Clone(group)
	c := s.committer.Load()
	c.commit(c.writers[0], group)
	results := make([]error, len(waiting))
	for i, p := range waiting {
		results[i] = <-p.result
	}
	return results
}

func TestOneOfManyUsesASingleUseCredential(t *testing.T) {
	for name, use := range map[string]record.Change{
		"code":   record.UseCode{Hash: []byte("code 1"), ClientID: "app", At: noon},
		"grant":  record.RotateGrant{ID: "gid", From: 4, At: noon},
		"page":   record.UseInteraction{IDHash: []byte("page 1"), At: noon},
		"secret": record.Spend{KeyHash: []byte("link"), EndsAt: noon},
	} {
		t.Run(name, func(t *testing.T) {
			s := world(t)
			var won, lost atomic.Int64
			parallel(64, func(i int) {
				err := s.Commit(t.Context(), []record.Change{use, record.Audit{ID: fmt.Sprint("a", i)}})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrConflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
			if won.Load() != 1 || lost.Load() != 63 {
				t.Errorf("%d won, %d lost", won.Load(), lost.Load())
			}
			if n := count(t, s, `SELECT count(*) FROM audit`); n != 1 {
				t.Errorf("%d plans left a trace", n)
			}
		})
	}
}

func TestAConflictLeavesTheOthersOfItsGroup(t *testing.T) {
	s := world(t)
	group := plans(t,
		[]record.Change{record.Audit{ID: "a"}},
		[]record.Change{record.RotateGrant{ID: "gid", From: 9}}, // one statement, no savepoint
		[]record.Change{record.Audit{ID: "b"}, record.UseCode{Hash: []byte("code 1"), ClientID: "other"}, record.Audit{ID: "c"}},
		[]record.Change{record.Append{Target: revocation.ForAll()}, record.CutAll{}, record.UseCode{Hash: []byte("code 2")}},
		[]record.Change{record.RotateGrant{ID: "gid", From: 4}},
		[]record.Change{record.Append{Target: revocation.ForSub("ana")}, record.CutUser{UserID: "ana"}},
	)
	results := together(s, slices.Clone(group))
	for i, want := range []error{nil, ErrConflict, ErrConflict, ErrConflict, nil, nil} {
		if !errors.Is(results[i], want) {
			t.Errorf("plan %d: %v", i, results[i])
		}
	}
	if got := count(t, s, `SELECT count(*) FROM audit`); got != 1 {
		t.Errorf("%d rows in the audit", got)
	}
	if got := must[*record.Grant](t)(s.Grant(t.Context(), "gid")); got.Gen != 5 {
		t.Errorf("the grant is at generation %d", got.Gen)
	}
	h := head(t, s)
	if user := must[*record.User](t)(s.User(t.Context(), "ana")); user.Cut != h.LC || h.AllCut != 0 {
		t.Errorf("the user is cut at %d, the head is %+v", user.Cut, h)
	}
	checkLog(t, s)
}

// A plan that the database refuses outright must not take others with it.
func TestABrokenPlanFailsAlone(t *testing.T) {
	s := world(t)
	broken := plans(t, []record.Change{record.Audit{ID: "a"}})[0]
	broken.do(`UPDATE users SET status = NULL`)
	good := plans(t, []record.Change{record.Append{Target: revocation.ForAll()}}, []record.Change{record.Audit{ID: "b"}})
	results := together(s, []*plan{good[0], broken, good[1]})
	if results[0] != nil || !errors.Is(results[1], ErrUnavailable) || results[2] != nil {
		t.Errorf("the results are %v", results)
	}
	if got := count(t, s, `SELECT count(*) FROM audit WHERE id = 'b'`) - count(t, s, `SELECT count(*) FROM audit WHERE id = 'a'`); got != 1 {
		t.Error("the wrong plan was written")
	}
	checkLog(t, s)
}

// tokens.md, part 2: numbers without gaps, in the order of the commits, whoever appends.
func TestManyAppendToOneLog(t *testing.T) {
	s := world(t)
	parallel(16, func(i int) {
		for j := range 20 {
			err := s.Commit(t.Context(), []record.Change{
				record.Append{Target: revocation.ForJTI(fmt.Sprint(i, j))},
				record.Append{Target: revocation.ForSub("ana")},
				record.CutUser{UserID: "ana"},
				record.Spend{KeyHash: fmt.Append(nil, i, j%10)}, // half of them conflict
			})
			if err != nil && !errors.Is(err, ErrConflict) {
				t.Error(err)
			}
		}
	})
	if log := checkLog(t, s); len(log) != 3+16*10*2 { // client, resource and key of the world were touched
		t.Errorf("the log has %d entries", len(log))
	}
}

// One connection must do for any number of readers, and a lock must never show.
func TestReadersAndWritersShareFewConnections(t *testing.T) {
	for _, readers := range []int{1, 4} {
		s := world(t, func(o *Options) { o.Readers = readers })
		for i := range 8 {
			g := grant()
			g.ID = fmt.Sprint("g", i)
			commit(t, s, record.PutGrant{Grant: g})
		}
		parallel(8, func(i int) {
			id := fmt.Sprint("g", i)
			for j := range 50 {
				state, err := s.RefreshState(t.Context(), id, "app")
				if err != nil {
					t.Error(err)
					return
				}
				if state.Grant.Gen != int64(4+j) {
					t.Errorf("%s is at generation %d, want %d", id, state.Grant.Gen, 4+j)
				}
				if err := s.Commit(t.Context(), []record.Change{record.RotateGrant{ID: id, From: state.Grant.Gen}}); err != nil {
					t.Error(err)
				}
				if i == 0 { // and the rows of the cache go, again and again
					if err := s.Commit(t.Context(), []record.Change{record.CutClient{ClientID: "app"}}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

func TestAQueuedPlanOutlivesWhoeverAsked(t *testing.T) {
	s := world(t, oneFlight)
	ctx, cancel := context.WithCancel(t.Context())
	stop := pause(t, s)
	answer := make(chan error, 1)
	go func() { answer <- s.Commit(ctx, []record.Change{record.Spend{KeyHash: []byte("k")}}) }()
	waitQueued(s, 1)
	cancel()
	stop()
	if err := <-answer; err != nil {
		t.Errorf("committing: %v", err)
	}
	conflict(t, s, record.Spend{KeyHash: []byte("k")})
}

func TestWhoeverWaitsForRoomInTheQueueMayGiveUp(t *testing.T) {
	s := world(t, oneFlight)
	stop := pause(t, s)
	answers := make(chan error, largestGroup)
	for i := range largestGroup {
		go func() { answers <- s.Commit(t.Context(), []record.Change{record.Audit{ID: fmt.Sprint(i)}}) }()
	}
	waitQueued(s, largestGroup)
	ctx, cancel := context.WithCancel(t.Context())
	late := make(chan error, 1)
	go func() { late <- s.Commit(ctx, []record.Change{record.Audit{ID: "late"}}) }()
	cancel()
	if err := <-late; !errors.Is(err, context.Canceled) {
		t.Errorf("giving up: %v", err)
	}
	stop()
	for range largestGroup {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if n := count(t, s, `SELECT count(*) FROM audit`); n != largestGroup {
		t.Errorf("%d plans were written", n)
	}
}

func TestClosingCommitsWhatIsQueued(t *testing.T) {
	s := world(t, oneFlight)
	stop := pause(t, s)
	answers := make(chan error, 20)
	for i := range cap(answers) {
		go func() { answers <- s.Commit(t.Context(), []record.Change{record.Audit{ID: fmt.Sprint(i)}}) }()
	}
	waitQueued(s, cap(answers))
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	stop()
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// oneFlight leaves nobody who commits while one is paused.
func oneFlight(o *Options) { o.flights = 1 }

// pause holds the committer in the middle of a group until stop is called.
func pause(t testing.TB, s *Store) (stop func()) {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	c := s.committer.Load()
	clock := s.now
	c.queue <- pausing(t, s, func() {
		close(entered)
		<-leave
		s.now = clock
	})
	<-entered
	return func() { close(leave) }
}

// pausing is a plan at whose turn f runs: the committer reads the clock then.
func pausing(t testing.TB, s *Store, f func()) *plan {
	clock := s.now
	var once sync.Once
	s.now = func() int64 {
		once.Do(f)
		return clock()
	}
	return plans(t, []record.Change{record.ClearCounter{Name: "none"}})[0]
}

// waitQueued returns once n plans wait.
func waitQueued(s *Store, n int) {
	for len(s.committer.Load().queue) < n {
		runtime.Gosched()
	}
}

// The disk is full when the file may not grow: nothing is half-written, the
// error says whose fault it is, and it works again when there is room.
func TestAFullDiskWritesNothingAndHeals(t *testing.T) {
	s := world(t)
	before := dump(t, s)
	pages := count(t, s, `SELECT page_count FROM pragma_page_count`)
	onWriter(t, s, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
	large := record.Audit{ID: "large", Detail: strings.Repeat("x", 100_000)}
	err := s.Commit(t.Context(), []record.Change{
		record.Append{Target: revocation.ForAll()}, record.CutAll{}, record.RotateGrant{ID: "gid", From: 4}, large,
	})
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrConflict) {
		t.Errorf("with the disk full: %v", err)
	}
	// In a group, who needs no room gets through.
	results := together(s, plans(t, []record.Change{large}, []record.Change{record.TouchGrant{ID: "gid", IdleUntil: grant().IdleUntil}}))
	if !errors.Is(results[0], ErrUnavailable) || results[1] != nil {
		t.Errorf("with the disk full: %v", results)
	}
	if after := dump(t, s); after != before {
		t.Errorf("something was written:\n%s\nwas\n%s", after, before)
	}
	if state := must[record.ClientState](t)(s.ClientState(t.Context(), "app", nil)); state.AllCut != 0 {
		t.Error("the cache believes a plan that was not written")
	}
	onWriter(t, s, `PRAGMA max_page_count = 100000`)
	commit(t, s, large, record.RotateGrant{ID: "gid", From: 4})
	checkLog(t, s)
}

func TestAReadOnlyDatabaseIsReadAndHeals(t *testing.T) {
	s := world(t)
	onWriter(t, s, `PRAGMA query_only = 1`)
	for _, changes := range [][]record.Change{
		{record.RotateGrant{ID: "gid", From: 4}}, {record.Append{Target: revocation.ForAll()}, record.CutAll{}},
	} {
		if err := s.Commit(t.Context(), changes); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%T: %v", changes, err)
		}
	}
	if state := must[*record.RefreshState](t)(s.RefreshState(t.Context(), "gid", "app")); state.Grant.Gen != 4 {
		t.Errorf("the grant is at %d", state.Grant.Gen)
	}
	onWriter(t, s, `PRAGMA query_only = 0`)
	commit(t, s, record.RotateGrant{ID: "gid", From: 4})
}

func TestReadersCannotWrite(t *testing.T) {
	s := open(t)
	if _, err := s.readers.ExecContext(t.Context(), `DELETE FROM users`); err == nil {
		t.Error("a reader wrote")
	}
}
