package store

import (
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// entry is a row of the log as it is stored.
type entry struct {
	seq, lc, kind, cut, keepUntil, at int64
	target                            revocation.Target
	reason, actor                     string
}

func readLog(t testing.TB, s *Store) []entry {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(),
		`SELECT seq, lc, kind, value, cut, keep_until, reason, actor, at FROM revlog ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
	var log []entry
	for rows.Next() {
		var e entry
		var value []byte
		err := rows.Scan(&e.seq, &e.lc, &e.kind, &value, &e.cut, &e.keepUntil, &e.reason, &e.actor, &e.at)
		if err != nil {
			t.Fatal(err)
		}
		if e.target, err = revocation.ParseTarget(value); err != nil || int64(e.target.Kind()) != e.kind {
			t.Errorf("entry %d has the target %x of kind %d: %v", e.seq, value, e.kind, err)
		}
		log = append(log, e)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return log
}

// checkLog holds the log and its head to tokens.md, part 2: seq without gaps, lc
// strictly rising from plan to plan (I4), the head's chain over what is served.
func checkLog(t testing.TB, s *Store) []entry {
	t.Helper()
	h, log := head(t, s), readLog(t, s)
	var chain revocation.Chain
	for i, e := range log {
		if e.seq != int64(i+1) {
			t.Errorf("entry %d is number %d", i+1, e.seq)
		}
		if i > 0 && e.lc < log[i-1].lc {
			t.Errorf("the clock went from %d back to %d", log[i-1].lc, e.lc)
		}
		want := e.lc
		if e.target.Kind().Forever() {
			want = revocation.Forever
		}
		if e.cut != want {
			t.Errorf("entry %d (%s) at %d cuts at %d", e.seq, e.target, e.lc, e.cut)
		}
		if e.target.Kind() != revocation.Touch {
			chain = chain.Next(revocation.Entry{Seq: e.seq, Name: h.FeedKey.Name(e.target), Cut: e.cut, Until: e.keepUntil})
		}
	}
	if last := len(log); h.Seq != int64(last) || last > 0 && h.LC < log[last-1].lc {
		t.Errorf("the head is %+v, the log has %d entries", h, last)
	}
	if h.Chain != chain {
		t.Error("the head's chain is not that of the rows")
	}
	return log
}

func TestAPlanHasOneClockForItsEntriesAndRows(t *testing.T) {
	s := world(t)
	before := len(checkLog(t, s))
	commit(t, s,
		record.Append{Target: revocation.ForSub("ana"), Reason: "password_changed", Actor: "ana", At: noon + 3},
		record.Append{Target: revocation.ForGID("gid"), Reason: "replayed", At: noon + 3},
		record.CutUser{UserID: "ana"}, record.CutAll{})
	log := checkLog(t, s)[before:]
	h := head(t, s)
	want := []entry{
		{
			seq: h.Seq - 1, lc: h.LC, kind: int64(revocation.Sub), cut: h.LC, keepUntil: h.LC + day + 2*leeway,
			target: revocation.ForSub("ana"), reason: "password_changed", actor: "ana", at: noon + 3,
		},
		{
			seq: h.Seq, lc: h.LC, kind: int64(revocation.GID), cut: revocation.Forever, keepUntil: h.LC + day + 2*leeway,
			target: revocation.ForGID("gid"), reason: "replayed", at: noon + 3,
		},
	}
	if !slices.Equal(log, want) {
		t.Errorf("the log is %+v, want %+v", log, want)
	}
	if user := must[*record.User](t)(s.User(t.Context(), "ana")); user.Cut != h.LC {
		t.Errorf("the user is cut at %d, the entry at %d", user.Cut, h.LC)
	}
	if h.AllCut != h.LC {
		t.Errorf("all is cut at %d, want %d", h.AllCut, h.LC)
	}
	state := must[record.ClientState](t)(s.ClientState(t.Context(), "app", nil))
	if state.LC != h.LC || state.AllCut != h.LC {
		t.Errorf("the cache stands at %d, cut at %d", state.LC, state.AllCut)
	}
	commit(t, s, record.CutUser{UserID: "ana"}) // moves the clock, cuts not all
	if got := must[record.ClientState](t)(s.ClientState(t.Context(), "app", nil)); got.AllCut != h.LC || got.LC <= h.LC {
		t.Errorf("the cache stands at %d, cut at %d", got.LC, got.AllCut)
	}
}

// tokens.md, part 2, I4.
func TestTheClockNeverGoesBack(t *testing.T) {
	clock := &stoppable{}
	clock.ms.Store(noon)
	s := open(t, clock.option)
	last := head(t, s).LC
	for _, at := range []int64{noon, noon + 10, noon + 10, noon - day, 0, noon + 11, noon + 5000} {
		clock.ms.Store(at)
		commit(t, s, record.Append{Target: revocation.ForSub("ana")})
		h := head(t, s)
		if want := max(last+1, at); h.LC != want {
			t.Errorf("at %d the clock went from %d to %d, want %d", at, last, h.LC, want)
		}
		last = h.LC
	}
	checkLog(t, s)
}

// tokens.md, part 2, I2: whoever signs in right after a cut is alive, in the same millisecond.
func TestASignInAfterACutIsNotCut(t *testing.T) {
	s := world(t)
	for range 3 {
		commit(t, s, record.Append{Target: revocation.ForSub("ana")}, record.CutUser{UserID: "ana"})
		state := must[*record.LoginState](t)(s.LoginState(t.Context(), LoginQuery{
			Kind: record.IdentifierEmail, Identifier: "ana@example.com",
		}))
		if revocation.Dead(state.LC, state.User.Cut) {
			t.Errorf("a session of %d would be dead at %d", state.LC, state.User.Cut)
		}
	}
}

// tokens.md, part 2, I1.
func TestAChangeOfACachedRowTouchesTheLogOutsideTheChain(t *testing.T) {
	s := world(t)
	before, touches := head(t, s), len(checkLog(t, s))
	for _, c := range []struct {
		change record.Change
		touch  revocation.Target
	}{
		{record.UpdateClient{ID: "app", Version: 1}, revocation.ForTouch("clients", "app")},
		{record.PutClientSecret{ClientID: "app", OthersEnd: 1}, revocation.ForTouch("clients", "app")},
		{record.CutClient{ClientID: "app"}, revocation.ForTouch("clients", "app")},
		{record.DeleteClient{ID: "app"}, revocation.ForTouch("clients", "app")},
		{record.PutClient{Client: app()}, revocation.ForTouch("clients", "app")},
		{record.UpdateResource{Aud: api().Aud, Version: 1}, revocation.ForTouch("resources", api().Aud)},
		{record.CutResource{Aud: api().Aud}, revocation.ForTouch("resources", api().Aud)},
		{record.DeleteResource{Aud: api().Aud}, revocation.ForTouch("resources", api().Aud)},
		{record.PutResource{Resource: api()}, revocation.ForTouch("resources", api().Aud)},
		{record.MoveKey{KID: "k1", From: record.KeyNext}, revocation.ForTouch("keys", "k1")},
	} {
		lc := head(t, s).LC
		commit(t, s, c.change)
		log := checkLog(t, s)
		touches++
		if len(log) != touches || log[touches-1].target != c.touch || log[touches-1].lc <= lc {
			t.Errorf("%T left %+v", c.change, log[touches-1])
		}
	}
	if head(t, s).Chain != before.Chain {
		t.Error("a touch moved the chain")
	}
}

// tokens.md, part 2, I5: the longest lifetime in force during the last longest lifetime.
func TestEntriesAreKeptForTheLongestLifetimeInForce(t *testing.T) {
	clock := &stoppable{}
	clock.ms.Store(noon)
	s := open(t, clock.option)
	const hour = 3600 * 1000
	kept := func() int64 {
		commit(t, s, record.Append{Target: revocation.ForAll()})
		log := readLog(t, s)
		e := log[len(log)-1]
		return e.keepUntil - e.lc - 2*leeway
	}
	for _, step := range []struct {
		what     string
		at       int64
		longest  record.RaiseLongest
		want     int64
		wantEnds int64
	}{
		{"the first one counts at once, for none was in force", noon, record.RaiseLongest{TTL: hour, Until: noon + hour}, hour, noon + hour},
		{"a longer one counts at once", noon, record.RaiseLongest{TTL: 8 * hour, Until: noon + 8*hour}, 8 * hour, noon + 8*hour},
		{"the same again counts longer", noon + hour, record.RaiseLongest{TTL: 8 * hour, Until: noon + 9*hour}, 8 * hour, noon + 9*hour},
		{"but never shorter", noon + hour, record.RaiseLongest{TTL: 8 * hour, Until: noon + 2*hour}, 8 * hour, noon + 9*hour},
		{"a shorter one waits", noon + 9*hour - 1, record.RaiseLongest{TTL: hour, Until: noon + 10*hour}, 8 * hour, noon + 9*hour},
		{"until the longer has run out", noon + 9*hour, record.RaiseLongest{TTL: hour, Until: noon + 10*hour}, hour, noon + 10*hour},
	} {
		clock.ms.Store(step.at)
		commit(t, s, step.longest)
		if got := kept(); got != step.want {
			t.Errorf("%s: entries are kept for %d h, want %d h", step.what, got/hour, step.want/hour)
		}
		if h := head(t, s); h.LongestTTL != step.want || h.LongestUntil != step.wantEnds {
			t.Errorf("%s: the head says %d h until noon + %d h", step.what, h.LongestTTL/hour, (h.LongestUntil-noon)/hour)
		}
	}
	commit(t, s, record.RaiseLongest{TTL: 2 * hour, Until: noon + 12*hour}, record.Append{Target: revocation.ForAll()})
	log := readLog(t, s)
	if e := log[len(log)-1]; e.keepUntil != e.lc+2*hour+2*leeway {
		t.Errorf("an entry of the plan that raises it is kept for %d ms", e.keepUntil-e.lc)
	}
	checkLog(t, s)
}
