package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// The invariants: what must hold at the end of every schedule, whatever the
// requests and their order. They are stated here and nowhere else.

// invariant is one of them; it says what breaks it.
type invariant struct {
	name  string
	check func(*world) error
}

// invariants are all of them. TestEachInvariantCanBreak breaks each.
var invariants = []invariant{
	// A request succeeds exactly when all that it needs was there in the snapshot
	// that it was decided from in the end: nothing is derived from what is not alive,
	// and nobody is sent away for having had company.
	{"each request gets what its snapshot entitles it to", entitlement},
	// What an answer says has ended is over when the answer is given (I3).
	{"what was acknowledged to have ended is over", acknowledgedEnds},
	// Sessions, grants, access tokens and codes, also those that were made meanwhile:
	// each is alive to the server exactly if nothing above it has ended since the
	// state that it vouches for (tokens.md, part 2; I1, I2). A grant that is dead is
	// dead to all of its refresh tokens, and a cookie that was replaced is no session's.
	{"what lives is what nothing has ended", livingExactly},
	// tokens.md, part 4: whoever presents one generation gets one successor, the row
	// moves by one for each generation that was used, and nobody is ahead of it.
	{"a grant has one chain", oneChain},
	// RFC 6749 §4.1.2: a code is good for one exchange.
	{"a code is exchanged at most once", codesOnce},
	// I3: an exchange that meets a logout leaves no grant behind, not even one that
	// outlives the session: that one is made before the logout or not at all.
	{"no grant is made when its session has ended", grantsBeforeTheEnd},
	// The limit is counted before the password is looked at, so parallel attempts
	// cannot outrun it, and none of what is allowed gets lost.
	{"as many passwords are checked as are allowed", checksBounded},
	// I7: whoever could see that something has ended for ever does not end it again.
	{"nothing ends twice but by accident", endsOnce},
	// I3, I4, I9: every end has its entry and its row, in the order of the commits;
	// sequence without gaps, clock that rises with each plan, chain up to the head.
	{"the log says what has ended, in order", logWhole},
	// I3: what a caller was told is in the database.
	{"what was acknowledged is stored", acknowledgedRows},
}

// broken gives the invariants that do not hold.
func (w *world) broken() (all []string) {
	for _, i := range invariants {
		if err := i.check(w); err != nil {
			all = append(all, i.name+": "+err.Error())
		}
	}
	return all
}

func entitlement(w *world) error {
	for _, a := range w.answers {
		switch {
		case a.refused == nil && !a.entitled:
			return fmt.Errorf("%s was answered", a.name)
		case a.refused != nil && a.entitled:
			return fmt.Errorf("%s was refused: %w", a.name, a.refused)
		case a.refused != nil && a.refused.Status() >= 500:
			return fmt.Errorf("%s met trouble of ours: %w", a.name, a.refused)
		}
	}
	return nil
}

func acknowledgedEnds(w *world) error {
	for _, a := range w.answers {
		for _, l := range a.ended {
			if !w.dead(l, a.settled) {
				return fmt.Errorf("%s left the %s alive", a.name, l.name)
			}
		}
	}
	return nil
}

func livingExactly(w *world) error {
	for _, l := range w.lives {
		over := w.dead(l, w.now) || slices.ContainsFunc(w.spent, func(s turn) bool { return s.of == string(secret.Hash(l.text)) })
		if alive := l.alive(); alive == over {
			return fmt.Errorf("the %s is alive to the server: %v", l.name, alive)
		}
		if slices.ContainsFunc(l.former, w.signsIn) {
			return fmt.Errorf("a former cookie of the %s signs in", l.name)
		}
		for _, token := range l.held {
			if over && w.wouldRefresh(l, token) {
				return fmt.Errorf("the %s is over, and refreshes all the same", l.name)
			}
		}
	}
	return nil
}

func oneChain(w *world) error {
	successors := map[string]string{}
	for _, a := range w.answers {
		if a.of == "" {
			continue
		}
		if first, again := successors[a.of]; again && first != a.successor {
			return fmt.Errorf("%s got another successor than the one before", a.name)
		}
		successors[a.of] = a.successor
	}
	rows, err := w.standing()
	if err != nil {
		return err
	}
	for _, l := range w.lives {
		if len(l.held) == 0 {
			continue
		}
		if gen := w.generation(l, w.now); rows[l.gid].gen != gen {
			return fmt.Errorf("the %s stands at %d, and was rotated to %d", l.name, rows[l.gid].gen, gen)
		}
		for _, token := range l.held {
			if held, err := secret.ReadRefresh(token); err != nil || held.GID != l.gid || held.Generation > rows[l.gid].gen {
				return fmt.Errorf("somebody holds generation %d of the %s, which stands at %d", held.Generation, l.name, rows[l.gid].gen)
			}
		}
	}
	return nil
}

func codesOnce(w *world) error {
	exchanged := map[string]int{}
	for _, s := range w.spent {
		exchanged[s.of]++
		if exchanged[s.of] > 1 {
			return fmt.Errorf("one was spent %d times", exchanged[s.of])
		}
	}
	return nil
}

func grantsBeforeTheEnd(w *world) error {
	for _, s := range w.spent {
		ended := &life{targets: []revocation.Target{revocation.ForSID(w.here.ID)}} // the session of all codes
		if w.dead(ended, s.at) {
			return errors.New("one was")
		}
	}
	return nil
}

func checksBounded(w *world) error {
	if w.checks > w.allowed {
		return fmt.Errorf("%d were, %d are", w.checks, w.allowed)
	}
	return nil
}

func endsOnce(w *world) error {
	for _, end := range w.ends {
		for _, target := range end.targets {
			if target.Kind().Forever() && w.dead(&life{targets: []revocation.Target{target}}, end.loaded) {
				return fmt.Errorf("%v had ended, and was ended again", target)
			}
		}
	}
	return nil
}

func logWhole(w *world) error {
	rows, err := w.entries.QueryContext(w.Context(), w.before.Seq)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	seq, lc, chain := w.before.Seq, w.before.LC, w.before.Chain
	var logged [][]revocation.Target // of each plan
	for rows.Next() {
		var e revocation.Entry
		var at int64
		var value []byte
		if err := rows.Scan(&e.Seq, &at, &value, &e.Cut, &e.Until); err != nil {
			return err
		}
		target, err := revocation.ParseTarget(value)
		if err != nil {
			return err
		}
		if e.Seq != seq+1 || at < lc || len(logged) == 0 && at == lc {
			return fmt.Errorf("entry %d at %d comes after entry %d at %d", e.Seq, at, seq, lc)
		}
		if at > lc {
			logged = append(logged, nil)
		}
		logged[len(logged)-1] = append(logged[len(logged)-1], target)
		e.Name = w.before.FeedKey.Name(target)
		seq, lc, chain = e.Seq, at, chain.Next(e)
	}
	if head := w.head(); head.Seq != seq || head.LC < lc || head.Chain != chain {
		return fmt.Errorf("the head is %d at %d, the last entry %d at %d, or the chain differs", head.Seq, head.LC, seq, lc)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if !slices.EqualFunc(logged, w.ends, func(a []revocation.Target, b ending) bool { return slices.Equal(a, b.targets) }) {
		return fmt.Errorf("it has %v, and %v were committed", logged, w.ends)
	}
	return rowsEnded(w)
}

// rowsEnded: a session's or grant's row says that it has ended exactly if the log
// does.
func rowsEnded(w *world) error {
	rows, err := w.standing()
	if err != nil {
		return err
	}
	known := 0
	for _, l := range w.lives {
		own := revocation.ForGID(l.gid)
		switch {
		case l.sid != "":
			own = revocation.ForSID(l.sid)
		case len(l.held) == 0:
			continue // neither a session nor a grant
		}
		known++
		row, found := rows[own.Part(0)]
		if !found {
			return fmt.Errorf("the %s has no row", l.name)
		}
		logged := slices.ContainsFunc(w.ends, func(e ending) bool { return slices.Contains(e.targets, own) })
		if logged != (row.endedAt != 0) {
			return fmt.Errorf("the %s: in the log %v, in its row %d", l.name, logged, row.endedAt)
		}
	}
	if len(rows) != known {
		return fmt.Errorf("there are %d sessions and grants, and %d that anybody was told of", len(rows), known)
	}
	return nil
}

// row is what a session's or grant's row says.
type row struct{ gen, endedAt int64 }

// standing reads the sessions of the user and the grants that are known or open,
// by their ids.
func (w *world) standing() (map[string]row, error) {
	known := []string{}
	for _, l := range w.lives {
		known = append(known, l.gid)
	}
	gids, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	rows, err := w.ended.QueryContext(w.Context(), w.user.ID, string(gids))
	if err != nil {
		return nil, err
	}
	found := map[string]row{}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		var r row
		if err := rows.Scan(&id, &r.gen, &r.endedAt); err != nil {
			return nil, err
		}
		found[id] = r
	}
	return found, rows.Err()
}

func acknowledgedRows(w *world) error {
	st, err := w.store.LoginState(w.Context(), store.LoginQuery{Kind: record.IdentifierEmail, Identifier: w.email.Value})
	if err != nil {
		return err
	}
	if changed, _, err := secret.CheckPassword(newPassword, st.Password.Data); err != nil || changed != (len(w.changes) > 0) {
		return fmt.Errorf("the password was changed %d times, and the row says %v", len(w.changes), changed)
	}
	cuts := 0
	for _, end := range w.ends {
		if slices.Contains(end.targets, revocation.ForSub(w.user.ID)) {
			cuts++
		}
	}
	if st.User.TokenVersion != int64(cuts) || (st.User.Cut > 0) != (cuts > 0) {
		return fmt.Errorf("the user was cut %d times, and the row says %d, %d", cuts, st.User.TokenVersion, st.User.Cut)
	}
	for _, l := range w.lives {
		if l.sid == "" || l.born == 0 {
			continue
		}
		st, err := w.sessionState(Browser{Session: l.cookie})(w.Context())
		if err != nil {
			return err
		}
		if st.Session == nil || st.Session.ID != l.sid {
			return fmt.Errorf("the cookie of the %s opens %v", l.name, st.Session)
		}
	}
	return nil
}
