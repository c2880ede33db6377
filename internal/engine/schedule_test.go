package engine

import (
	"slices"
	"strings"
	"testing"
)

// A schedule is one order in which the steps of requests that run at once take
// place. Each step is atomic: a request loads one snapshot, checks a password, or
// settles (decides, signs and commits). Requests of real life can be interrupted
// nowhere else.

// step is one atomic act of a request. wrote says whether it changed anything that
// a step of another request can see; next is nil at the end.
type step func() (did string, wrote bool, next step)

// actor is a request on its way; next is nil once it was answered.
type actor struct {
	name    string
	alike   string // actors with the same word here differ in their names alone
	started bool
	next    step
}

// trail is what happened in a schedule, for people to read.
type trail []string

func (t trail) String() string { return "  " + strings.Join(t, "\n  ") }

// fork is a point of a schedule at which one of several actors went on. Actors
// are named by their places.
type fork struct {
	open  []int // that could
	taken int   // the one in open that did
	// quiet are those of whom it is known that their step writes nothing here.
	// asleep are those whose step here has been taken before the steps that led here,
	// in another schedule, with nothing written between: as good as taking it now.
	quiet, asleep []int
}

// explorer visits every schedule, depth first. It keeps no states: the next
// schedule is played from the start, on rows of its own, with the same choices as
// the last up to the latest one that leaves another.
type explorer struct {
	// reduced leaves out schedules that differ from another only in the order of
	// steps that write nothing, one right after the other (sleep sets: Godefroid,
	// Partial-Order Methods for the Verification of Concurrent Systems, 1996), or in
	// which of two actors that are alike starts first. What is left still has every
	// outcome.
	reduced bool
	path    []fork
}

// explore plays all schedules of the actors that start gives, calls visit at the
// end of each, and returns how many there were. visit says whether to go on.
func (x *explorer) explore(start func() []*actor, visit func(trail) bool) (schedules int) {
	x.path = nil
	for {
		if happened, whole := x.play(start()); whole {
			schedules++
			if !visit(happened) {
				return schedules
			}
		}
		for len(x.path) > 0 && x.path[len(x.path)-1].taken == len(x.path[len(x.path)-1].open)-1 {
			x.path = x.path[:len(x.path)-1]
		}
		if len(x.path) == 0 {
			return schedules
		}
		x.path[len(x.path)-1].taken++
	}
}

// play plays one schedule. It is not whole if the reduction leaves it out.
func (x *explorer) play(actors []*actor) (happened trail, whole bool) {
	var asleep []int
	for depth := 0; ; depth++ {
		if depth == len(x.path) {
			open := x.open(actors, asleep)
			if len(open) == 0 {
				return happened, !slices.ContainsFunc(actors, func(a *actor) bool { return a.next != nil })
			}
			x.path = append(x.path, fork{open: open, asleep: asleep})
		}
		f := &x.path[depth]
		place := f.open[f.taken]
		a := actors[place]
		a.started = true
		did, wrote, next := a.next()
		a.next = next
		happened = append(happened, a.name+" "+did)
		asleep = nil
		if !wrote {
			f.quiet = slices.DeleteFunc(f.quiet, func(other int) bool { return other == place })
			asleep = slices.Concat(f.asleep, f.quiet)
			f.quiet = append(f.quiet, place)
		}
	}
}

// open are the actors that may go on: those that were not answered and, in a
// reduced enumeration, are awake and have no twin that should start before them.
func (x *explorer) open(actors []*actor, asleep []int) (open []int) {
	for i, a := range actors {
		switch {
		case a.next == nil:
		case x.reduced && slices.Contains(asleep, i):
		case x.reduced && !a.started && slices.ContainsFunc(actors[:i], func(b *actor) bool {
			return a.alike != "" && b.alike == a.alike && !b.started
		}):
		default:
			open = append(open, i)
		}
	}
	return open
}

// incrementing adds one to a number, by reading and then writing it.
func incrementing(name, alike string, number *int) *actor {
	return &actor{name: name, alike: alike, next: func() (string, bool, step) {
		seen := *number
		return "reads", false, func() (string, bool, step) {
			*number = seen + 1
			return "writes", true, nil
		}
	}}
}

// Four actors of two steps have 8!/(2!)^4 schedules; 4!*4! when reads in a row
// have one order, and 4! times fewer than all when the actors are alike. However
// they are enumerated, up to three updates get lost.
func TestTheExplorerVisitsEachScheduleOnce(t *testing.T) {
	for _, c := range []struct {
		actors    int
		reduced   bool
		alike     string
		schedules int
	}{
		{1, false, "", 1},
		{2, false, "", 6},
		{2, true, "", 4},
		{2, true, "incrementing", 3},
		{3, false, "", 90},
		{3, true, "", 36},
		{3, true, "incrementing", 15},
		{4, false, "", 2520},
		{4, true, "", 576},
		{4, true, "incrementing", 105},
	} {
		number, seen, outcomes := 0, map[string]bool{}, map[int]bool{}
		x := explorer{reduced: c.reduced}
		schedules := x.explore(func() (actors []*actor) {
			number = 0
			for i := range c.actors {
				actors = append(actors, incrementing(string(rune('A'+i)), c.alike, &number))
			}
			return actors
		}, func(happened trail) bool {
			seen[happened.String()], outcomes[number] = true, true
			return true
		})
		if schedules != c.schedules || len(seen) != c.schedules {
			t.Errorf("%+v: %d schedules, %d different ones", c, schedules, len(seen))
		}
		if len(outcomes) != c.actors {
			t.Errorf("%+v: outcomes %v, want 1 to %d", c, outcomes, c.actors)
		}
	}
}
