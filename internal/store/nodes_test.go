package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

const never = time.Hour // comes the poll of a test that must do without

func atNoon(o *Options) { o.now = func() int64 { return noon } }

// nodesOn opens a world on PostgreSQL, and more nodes on the same database.
func nodesOn(t *testing.T, url string, more int, change ...func(*Options)) []*Store {
	t.Helper()
	change = append(change, onPostgreSQL(url))
	all := []*Store{world(t, change...)}
	for range more {
		all = append(all, open(t, append(change, atNoon)...))
	}
	return all
}

// tokens.md, part 2, I1, with the rows changed on one node and read on another.
func TestNoNodeKeepsARowOlderThanItsClockOnPostgreSQL(t *testing.T) {
	nodes := nodesOn(t, postgresql.Schema(t), 1)
	g := grant()
	g.ID = "gapp"
	commit(t, nodes[0], record.PutGrant{Grant: g})
	const updates = 40
	seenBy := map[string][]seen{}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { observe(t, nodes[1], []string{"app"}, seenBy, done) })
	update(t, nodes[0], "app", updates, true)
	close(done)
	reader.Wait()
	touched := touchesOf(t, nodes[0], "app")
	for _, got := range seenBy["app"] {
		if newest := int64(len(touched)); got.version < newest && touched[got.version] <= got.lc {
			t.Errorf("a state of %d holds version %d, which ended at %d", got.lc, got.version, touched[got.version])
		}
	}
	if len(touched) != updates+1 || len(seenBy["app"]) < 2 {
		t.Errorf("%d touches, %d states", len(touched), len(seenBy["app"]))
	}
	refresh := must[*record.RefreshState](t)(nodes[1].RefreshState(t.Context(), "gapp", "app"))
	if refresh.Client.Version != updates+1 {
		t.Errorf("the other node has version %d", refresh.Client.Version)
	}
}

// tokens.md, part 3, promise 1: on every node, from the moment of the answer.
func TestWhatOneNodeEndsIsDeadOnTheOthersOnPostgreSQL(t *testing.T) {
	nodes := nodesOn(t, postgresql.Schema(t), 1, func(o *Options) { o.poll, o.deaf = never, true })
	for i := range 20 {
		jti := fmt.Sprint(i)
		commit(t, nodes[i%2], record.Append{Target: revocation.ForJTI(jti), At: noon})
		q := TokenQuery{Token: &record.VerifiedToken{JTI: jti}}
		if !must[*record.TokenState](t)(nodes[(i+1)%2].TokenState(t.Context(), q)).Parents.JTIRevoked {
			t.Errorf("%s lives on the other node", jti)
		}
	}
}

// A node hears of another's commit by notification, and without that by its poll.
func TestANodeHearsOfAnothersCommitOnPostgreSQL(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"by notification": func(o *Options) { o.poll = never },
		"by poll":         func(o *Options) { o.deaf = true },
	} {
		t.Run(name, func(t *testing.T) {
			nodes := nodesOn(t, postgresql.Schema(t), 1, change)
			awaitListening(t, nodes[1])
			moved, keys := nodes[1].Moved(), nodes[1].KeysMoved()
			k := key()
			k.KID = "k2"
			commit(t, nodes[0], record.PutKey{Key: k})
			for what, heard := range map[string]<-chan struct{}{"the log": moved, "keys": keys} {
				select {
				case <-heard:
				case <-time.After(10 * time.Second):
					t.Fatalf("it does not hear of %s", what)
				}
			}
		})
	}
}

// awaitListening returns once a node that listens does.
func awaitListening(t *testing.T, s *Store) {
	t.Helper()
	for s.nodes.direct && !s.nodes.listening.Load() {
		select {
		case <-t.Context().Done():
			t.Fatal("it does not listen")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestOneOfManyNodesUsesASingleUseCredentialOnPostgreSQL(t *testing.T) {
	nodes := nodesOn(t, postgresql.Schema(t), 2)
	for round := range 10 {
		var won atomic.Int64
		parallel(24, func(i int) {
			err := nodes[i%3].Commit(t.Context(), []record.Change{
				record.Spend{KeyHash: fmt.Append(nil, round)},
				record.Audit{ID: fmt.Sprint("spend ", round, ".", i)},
				record.RotateGrant{ID: "gid", From: int64(4 + round), At: noon},
			})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrConflict):
				t.Error(err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("round %d: %d won", round, won.Load())
		}
	}
	if n := count(t, nodes[0], `SELECT count(*) FROM audit`); n != 10 {
		t.Errorf("%d plans left a trace", n)
	}
}

// tokens.md, part 2: one log, whichever node appends, with one chain.
func TestManyNodesAppendToOneLogOnPostgreSQL(t *testing.T) {
	nodes := nodesOn(t, postgresql.Schema(t), 2)
	parallel(12, func(i int) {
		for j := range 10 {
			commit(t, nodes[i%3], record.Append{Target: revocation.ForSub("ana")}, record.CutUser{UserID: "ana"},
				record.Append{Target: revocation.ForSID(fmt.Sprint(i, ".", j))})
		}
	})
	if log := checkLog(t, nodes[1]); len(log) != 3+12*10*2 {
		t.Errorf("the log has %d entries", len(log))
	}
	for _, s := range nodes {
		if log := must[confirmed](t)(s.confirm(t.Context())); log.lc != head(t, s).LC || s.memory.chain != head(t, s).Chain {
			t.Error("a node remembers another log")
		}
	}
}

// tokens.md, part 2, I3: a parent that is about to end is waited for.
func TestNoChildIsBornUnderAParentThatEndsOnPostgreSQL(t *testing.T) {
	url := postgresql.Schema(t)
	s := nodesOn(t, url, 0)[0]
	other, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	ending, err := other.Begin(t.Context())
	if err == nil {
		_, err = ending.Exec(t.Context(), `UPDATE sessions SET ended_at = 1 WHERE id = 'sid'`)
	}
	if err != nil {
		t.Fatal(err)
	}
	born := make(chan error, 1)
	g := grant()
	g.ID = "late"
	go func() { born <- s.Commit(t.Context(), []record.Change{record.PutGrant{Grant: g, SessionID: "sid"}}) }()
	for count(t, s, `SELECT count(*) FROM pg_locks WHERE NOT granted`) == 0 {
		select {
		case err := <-born:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
	}
	if err := ending.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-born; !errors.Is(err, ErrConflict) {
		t.Errorf("a grant was born under a session that had ended: %v", err)
	}
}

// tokens.md, part 2, I4 and I6.
func TestANodeThatCannotTellTheTimeOrTheHeadMintsNothingOnPostgreSQL(t *testing.T) {
	s := open(t, onPostgreSQL(postgresql.Schema(t)), func(o *Options) { o.poll, o.deaf = never, true })
	commit(t, s, record.PutClient{Client: app()})
	mints := func() error {
		_, cached := s.ClientState(t.Context(), "app", nil)
		_, read := s.RefreshState(t.Context(), "gid", "app")
		return errors.Join(cached, read)
	}
	if err := mints(); err != nil {
		t.Fatal(err)
	}
	for off, fine := range map[int64]bool{9_000: true, -9_000: true, 11_000: false, -11_000: false} {
		s.nodes.off.Store(off)
		if err := mints(); (err == nil) != fine || err != nil && !errors.Is(err, errClock) {
			t.Errorf("%d ms off: %v", off, err)
		}
	}
	s.nodes.off.Store(0)
	long := time.Now().Add(-silentAfter - time.Second)
	s.nodes.confirmed.Store(&long)
	if err := mints(); !errors.Is(err, errCutOff) {
		t.Errorf("cut off: %v", err)
	}
	if err := s.checkClock(t.Context()); err != nil || s.nodes.off.Load() > 1000 {
		t.Errorf("on one machine the clocks are %d ms apart: %v", s.nodes.off.Load(), err)
	}
	if _, err := s.confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := mints(); err != nil {
		t.Errorf("once it has read the head: %v", err)
	}
}

// What was acknowledged survives the server's crash, and the store goes on by itself.
func TestAStoreOutlivesItsServersCrashOnPostgreSQL(t *testing.T) {
	server := postgresql.New(t)
	s := nodesOn(t, server.Schema(t), 0)[0]
	for round := range 3 {
		id := fmt.Sprint("round ", round)
		commit(t, s, record.Append{Target: revocation.ForJTI(id)}, record.Audit{ID: id})
		server.Crash()
		if err := s.Commit(t.Context(), []record.Change{record.Audit{ID: "lost"}}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("without a server: %v", err)
		}
		if _, err := s.RefreshState(t.Context(), "gid", "app"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("reading without a server: %v", err)
		}
		server.Start(t)
		if n := count(t, s, `SELECT count(*) FROM audit WHERE id = $1`, id); n != 1 {
			t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	commit(t, s, record.RotateGrant{ID: "gid", From: 4, At: noon})
	checkLog(t, s)
}

// PgBouncer gives each transaction another session: nothing may be left in one.
func TestAPoolerMayBeInBetweenOnPostgreSQL(t *testing.T) {
	nodes := nodesOn(t, postgresql.New(t).Pooler(t), 1)
	for _, s := range nodes {
		if s.nodes.direct {
			t.Fatal("it is taken for a direct connection")
		}
	}
	parallel(12, func(i int) {
		s := nodes[i%2]
		for j := range 20 {
			id := fmt.Sprint(i, ".", j)
			commit(t, s, record.Append{Target: revocation.ForJTI(id)}, record.Audit{ID: id}, record.CutClient{ClientID: "app"})
			state, err := s.RefreshState(t.Context(), "gid", "app")
			if err != nil || state.Grant == nil || state.Client == nil {
				t.Errorf("reading: %+v, %v", state, err)
			}
		}
	})
	conflict(t, nodes[0], record.Audit{ID: "x"}, record.RotateGrant{ID: "gid", From: 9})
	checkLog(t, nodes[1])
}

// What is said urgently is heard before the commit that follows it, and a node that
// does not listen says that it hears nothing.
func TestNodesHearWhatOthersSayOnPostgreSQL(t *testing.T) {
	url := postgresql.Schema(t)
	nodes := nodesOn(t, url, 1, func(o *Options) { o.poll = never })
	heard := make(chan string, 9)
	if !nodes[1].Hears(func(word string) { heard <- fmt.Sprint(word, " after ", nodes[1].memory.reached.Load()) }) {
		t.Fatal("it hears nothing")
	}
	awaitListening(t, nodes[1])
	before := nodes[0].memory.reached.Load()
	nodes[0].Say("a receipt is waited for", true)
	commit(t, nodes[0], record.Append{Target: revocation.ForJTI("x"), At: noon})
	if got := <-heard; got != fmt.Sprint("a receipt is waited for after ", before) {
		t.Errorf("it heard %q, where the log was at %d", got, before)
	}
	nodes[0].Say("four have applied it", false)
	if got := <-heard; !strings.HasPrefix(got, "four have applied it") {
		t.Errorf("it heard %q", got)
	}
	deaf := open(t, onPostgreSQL(url), atNoon, func(o *Options) { o.deaf = true })
	if deaf.Hears(func(string) {}) || deaf.Hearing() {
		t.Error("a node behind a pooler hears")
	}
}
