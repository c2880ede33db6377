package decide

import (
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// The moves of the model. The owner may hear the answer or lose it, or refresh
// from two tabs at once; the thief has a copy of the first token and hears every
// answer it gets.
const (
	ownerHears = 'o'
	ownerLoses = 'l'
	ownerTwice = 'b'
	thiefHears = 't'
	wait       = 'w' // past the retry window
)

// familyModel is one grant whose refresh tokens an owner and a thief present.
// Values, so that every continuation of a schedule starts from its own copy.
type familyModel struct {
	grant        record.Grant
	now          int64
	owner, thief int64 // the generation that each holds
	ended        oauth.Reason
	schedule     string
	// answered are the generations whose predecessor was answered past the window.
	answered [16]bool
}

func newFamily() familyModel {
	grant := *tokenGrant()
	grant.Gen, grant.RotatedAt = 0, tokenNow
	return familyModel{grant: grant, now: tokenNow}
}

func (m *familyModel) decide(grant record.Grant, generation int64) Outcome[record.Tokens] {
	x := newRefresh(modelClient, generation)
	x.st.Grant, x.env.Now = &grant, m.now
	x.st.Parents.SID = ""
	x.st.Parents.GrantEndedAt = grant.EndedAt
	return x.run()
}

// modelClient is public, so it rotates. Nobody changes it.
var modelClient = tokenPublic()

// commit does what store does with the changes; false is a guard that misses.
func (m *familyModel) commit(changes []record.Change) bool {
	for _, change := range changes {
		if !m.apply(change) {
			return false
		}
	}
	return true
}

// apply makes the changes of the grant; the others concern rows that the model
// does not have.
func (m *familyModel) apply(change any) bool {
	switch c := change.(type) {
	case record.RotateGrant:
		if m.grant.Gen != c.From || m.grant.EndedAt != 0 {
			return false
		}
		m.grant.Gen, m.grant.RotatedAt, m.grant.IdleUntil = c.From+1, c.At, c.IdleUntil
	case record.NoteLate:
		if m.grant.Gen != c.Gen || m.grant.LateGen != c.WasGen || m.grant.LateRun != c.WasRun || m.grant.EndedAt != 0 {
			return false
		}
		m.grant.LateGen, m.grant.LateRun = c.LateGen, c.LateRun
	case record.EndGrant:
		m.grant.EndedAt = c.At
	}
	return true
}

// present refreshes with a generation until the commit does not conflict, as
// engine does, starting from a snapshot that may be stale. It returns the
// generation answered, or -1.
func (m *familyModel) present(t *testing.T, snapshot record.Grant, generation int64) int64 {
	t.Helper()
	for range 3 {
		before := m.grant
		out := m.decide(snapshot, generation)
		if !m.commit(out.Changes) {
			snapshot = m.grant
			continue
		}
		if out.Err != nil {
			if m.ended == "" {
				m.ended = out.Err.Reason
			}
			return -1
		}
		if late := generation == before.Gen-1 && m.now >= before.RotatedAt+30*second; late {
			m.answered[before.Gen] = true
		}
		return out.Answer.Refresh.Generation
	}
	t.Fatalf("%s: three conflicts in a row", m.schedule)
	return -1
}

func (m *familyModel) play(t *testing.T, move byte) {
	t.Helper()
	m.schedule += string(move)
	m.now += second
	snapshot := m.grant
	switch move {
	case wait:
		m.now += 31 * second
	case ownerHears:
		m.hear(t, &m.owner, m.present(t, snapshot, m.owner))
	case thiefHears:
		m.hear(t, &m.thief, m.present(t, snapshot, m.thief))
	case ownerLoses:
		m.hear(t, nil, m.present(t, snapshot, m.owner))
	case ownerTwice: // both tabs read the row before either commits
		held := m.owner
		first, second := m.present(t, snapshot, held), m.present(t, snapshot, held)
		if first != second {
			t.Fatalf("%s: two tabs got generations %d and %d: a fork", m.schedule, first, second)
		}
		m.hear(t, &m.owner, first)
	}
	m.check(t)
}

// hear gives a holder the generation that was answered, which must be the one
// the grant stands at: there is one live chain, whoever holds it.
func (m *familyModel) hear(t *testing.T, holder *int64, generation int64) {
	t.Helper()
	if generation < 0 {
		return
	}
	if generation != m.grant.Gen {
		t.Fatalf("%s: answered generation %d while the grant stands at %d", m.schedule, generation, m.grant.Gen)
	}
	if holder != nil {
		*holder = generation
	}
}

// check holds the invariants of tokens.md, part 4, after every move.
func (m *familyModel) check(t *testing.T) {
	t.Helper()
	if m.owner > m.grant.Gen || m.thief > m.grant.Gen {
		t.Fatalf("%s: somebody holds a generation beyond %d", m.schedule, m.grant.Gen)
	}
	for gen := range len(m.answered) - 2 {
		if m.answered[gen] && m.answered[gen+1] && m.answered[gen+2] {
			t.Fatalf("%s: generations %d to %d were all answered late", m.schedule, gen, gen+2)
		}
	}
	if m.ended != "" && m.grant.EndedAt == 0 {
		t.Fatalf("%s: refused with %s, but the grant lives", m.schedule, m.ended)
	}
	if m.ended == "" && m.grant.EndedAt != 0 {
		t.Fatalf("%s: the grant ended and nobody was refused", m.schedule)
	}
}

// everySchedule plays all sequences of moves up to a length and calls visit
// after each move.
func everySchedule(t *testing.T, m familyModel, moves string, length int, visit func(*familyModel)) {
	t.Helper()
	if length == 0 {
		return
	}
	for i := range len(moves) {
		next := m
		next.play(t, moves[i])
		visit(&next)
		everySchedule(t, next, moves, length-1, visit)
	}
}

func TestOneChainLivesWhateverOwnerAndThiefDo(t *testing.T) {
	var ended, lived int
	everySchedule(t, newFamily(), "olbtw", 6, func(m *familyModel) {
		if m.ended != "" {
			ended++
		} else {
			lived++
		}
	})
	if ended == 0 || lived == 0 {
		t.Errorf("%d schedules ended and %d lived: the model shows nothing", ended, lived)
	}
}

// H1: outside the window owner and thief cannot both go on.
func TestAThiefOutsideTheWindowIsCaughtByTheThirdGeneration(t *testing.T) {
	everySchedule(t, newFamily(), "ot", 10, func(m *familyModel) {
		m.now += 31 * second // everybody is always late
		turns := slices.Compact([]byte(m.schedule))
		if len(turns) >= 7 && m.ended == "" {
			// owner, thief, owner, ...: seven turns need a fourth generation.
			t.Fatalf("%s: owner and thief took %d turns and both live at generation %d", m.schedule, len(turns), m.grant.Gen)
		}
	})
	m := newFamily()
	for i := range len("otototot") {
		m.play(t, "otototot"[i])
		m.now += 31 * second
		if m.ended != "" {
			break
		}
	}
	if m.ended != oauth.ReasonRefreshLateTooOften || m.grant.Gen != 3 {
		t.Errorf("%s: %q at generation %d, want refresh_late_too_often at 3", m.schedule, m.ended, m.grant.Gen)
	}
}

// Alone, an owner loses the grant only by losing the answers of three
// generations in a row, each for longer than the window.
func TestALostReplyNeverLogsOut(t *testing.T) {
	everySchedule(t, newFamily(), "olbw", 8, func(m *familyModel) {
		if m.ended != "" && !(m.answered[m.grant.Gen-1] && m.answered[m.grant.Gen-2]) {
			t.Fatalf("%s: refused with %s at generation %d", m.schedule, m.ended, m.grant.Gen)
		}
	})
}

// Five minutes in which no answer arrives, with a retry as often as the client
// likes, are one generation.
func TestFiveMinutesOfLostRepliesAreSurvived(t *testing.T) {
	for _, every := range []int64{1, 7, 29, 30, 31, 60, 299} {
		m := newFamily()
		m.play(t, ownerHears)
		for elapsed := int64(0); elapsed < 300; elapsed += every {
			m.now += (every - 1) * second
			m.play(t, ownerLoses)
		}
		m.now += (every - 1) * second
		m.play(t, ownerHears)
		m.play(t, ownerHears)
		if m.ended != "" || m.owner != m.grant.Gen || m.grant.Gen != 3 {
			t.Errorf("a retry every %d s: %q, owner at %d of %d", every, m.ended, m.owner, m.grant.Gen)
		}
	}
}
