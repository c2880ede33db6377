package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Two flights that lock the same rows in different orders wait for each other until the
// server ends one of them, a second later. So every flight of every node takes its locks
// in one order (docs/decisions/0024):
//
//   - the head of the log, if any of its plans moves it;
//   - counters, by name;
//   - then plan by plan, by session and within it by the rows below: whoever changes the
//     session before who only holds it, for two flights that both hold it could not both
//     go on to change it;
//   - rows of the audit trail that several events share, by their key.
//
// A flight of several plans takes the first two before anything else. Plans that lock
// rows of several sessions (what a user or a client has) or that several share (what a
// user lets a client do) fly alone. The sweep waits for nobody: a counter that somebody
// is at is left to the next.

const (
	lockHead = `SELECT 1 FROM revlog_head WHERE one = 1 FOR UPDATE`

	// What DO UPDATE finds is locked whether or not it is then updated, and what is not
	// there yet is made, so that two flights cannot make the same two the other way round.
	// One whose window has ended counts as none.
	lockCounters = `INSERT INTO counters (name, n, window_ends)
	SELECT name, 0, 0 FROM unnest(CAST($1 AS TEXT[])) AS name ORDER BY name
	ON CONFLICT (name) DO UPDATE SET n = counters.n WHERE false`
)

// rank is where the lock of a step comes in its plan. A parent comes before what hangs
// from it, which is also what the steps rely on.
func (s *step) rank() int {
	switch s.text {
	case countAttempt, clearCounter:
		return 0
	case putUser, giveSubject: // make or change the user, whom a sign-in then holds
		return 1
	case useLink, putSession, renewSession, seeSession, endSession:
		return 2
	case putCode, putGrant: // hold the session
		return 3
	case useCode:
		return 4
	}
	return 5
}

// inLockOrder sorts the steps of a plan by what they lock. A plan that moves the head is
// left as it is: it has the head, and relies on the order of its steps.
func (p *plan) inLockOrder() {
	if p.clocked {
		return
	}
	slices.SortStableFunc(p.steps, func(a, b step) int {
		if by := cmp.Compare(a.rank(), b.rank()); by != 0 || a.rank() > 0 {
			return by
		}
		return strings.Compare(a.name(), b.name())
	})
}

// name is the first text or hash among a step's arguments.
func (s *step) name() string {
	for _, arg := range s.args {
		switch id := arg.(type) {
		case string:
			return id
		case []byte:
			return string(id)
		}
	}
	return ""
}

// lockName names what a plan locks first below its session.
func (p *plan) lockName() string {
	if len(p.steps) == 0 {
		return ""
	}
	return p.steps[0].name()
}

// byLocks orders the plans of a flight.
func byLocks(a, b *plan) int {
	return cmp.Or(
		strings.Compare(a.shares, b.shares),
		strings.Compare(a.session, b.session),
		int(numberOf(a.holds)-numberOf(b.holds)),
		strings.Compare(a.lockName(), b.lockName()))
}

// lockFirst queues what is to be locked before the plans, and gives how many
// statements that are.
func lockFirst(batch *pgx.Batch, plans []*plan) int {
	if len(plans) < 2 {
		return 0
	}
	counters := map[string]bool{}
	clocked := false
	for _, p := range plans {
		clocked = clocked || p.clocked
		for _, s := range p.steps {
			if s.rank() == 0 {
				counters[s.name()] = true
			}
		}
	}
	before := batch.Len()
	if clocked {
		batch.Queue(lockHead)
	}
	if len(counters) > 0 {
		batch.Queue(lockCounters, slices.Sorted(maps.Keys(counters)))
	}
	return batch.Len() - before
}
