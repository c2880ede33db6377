package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// scenario is requests that run at once, and what their schedules show beyond the
// invariants.
type scenario struct {
	name      string
	schedules int // how many there are, so that none gets lost unseen
	reduced   bool
	requests  func(*world) []*actor
	then      func(*world) []*actor // one after the other, when those are done
	shows     func(*world) error
}

// next is the refresh token that follows on the one which the app holds.
func (w *world) next() string { return w.refreshToken(w.app.ID, w.app.Gen+1) }

// spare rotates the app's grant before the schedule starts, and gives the
// predecessor of the token that the app then holds.
func (w *world) spare() (predecessor string) {
	predecessor = w.grantApp.held[0]
	w.commit(record.RotateGrant{ID: w.app.ID, From: w.app.Gen, At: w.app.RotatedAt, IdleUntil: w.app.IdleUntil})
	w.grantApp.held[0] = w.next()
	return predecessor
}

// accessToken refreshes a grant that does not rotate before the schedule starts,
// and gives the access token and its target.
func (w *world) accessToken(grant *life) (string, revocation.Target) {
	signed, err := w.Token(w.Context(), refreshRequest(grant.clientID, grant.held[0]))
	if err != nil {
		w.Fatal(err)
	}
	w.hasAccess("access token", grant, signed.Access, start)
	targets := w.lives[len(w.lives)-1].targets
	return signed.Access, targets[len(targets)-1]
}

// tried puts a number of tries on one of the counters of a sign-in.
func (w *world) tried(times int, by Browser, counter int, windowEnds int64) {
	name := decide.LoginCounters(w.loginForm(""), by.seen())[counter]
	var changes []record.Change
	for range times {
		changes = append(changes, record.CountAttempt{Name: name, Limit: 1000, At: w.env().Now, WindowEnds: windowEnds})
	}
	w.commit(changes...)
}

// succeeded counts the requests that did, of those whose name starts with a word.
func (w *world) succeeded(word string) (n int) {
	for _, a := range w.answers {
		if strings.HasPrefix(a.name, word) && a.refused == nil {
			n++
		}
	}
	return n
}

// showing is a wish about the end of a schedule.
func showing(holds bool, wish string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(wish, args...)
}

// refreshes presents the app's one refresh token n times.
func refreshes(n int) func(*world) []*actor {
	return func(w *world) (all []*actor) {
		for i := range n {
			all = append(all, w.refreshing(fmt.Sprintf("refresh %d", i+1), w.grantApp, w.grantApp.held[0]))
		}
		return all
	}
}

func allRefreshed(n int) func(*world) error {
	return func(w *world) error {
		return errors.Join(
			showing(w.succeeded("refresh") == n, "%d of %d were refreshed", w.succeeded("refresh"), n),
			showing(len(w.turns) == 1, "the grant was rotated %d times", len(w.turns)),
		)
	}
}

func exchanges(n int) func(*world) []*actor {
	return func(w *world) (all []*actor) {
		for i := range n {
			all = append(all, w.exchanging(fmt.Sprintf("exchange %d", i+1), w.codeOnline))
		}
		return all
	}
}

// oneExchangeAndItsGrantFalls: all others were decided after the first's commit.
func oneExchangeAndItsGrantFalls(w *world) error {
	return errors.Join(
		showing(w.succeeded("exchange") == 1, "%d exchanges succeeded", w.succeeded("exchange")),
		showing(w.dead(&life{targets: []revocation.Target{revocation.ForGID(w.code.GID)}}, w.now), "its grant lives"),
	)
}

func revokingTheApp(w *world) *actor {
	return w.revoking("revocation", labApp, w.grantApp.held[0], revocation.ForGID(w.app.ID))
}

var scenarios = []scenario{
	{
		name: "two refreshes of one token get one successor", schedules: 6,
		requests: refreshes(2), shows: allRefreshed(2),
	},
	{
		name: "three refreshes of one token get one successor", schedules: 498,
		requests: refreshes(3), shows: allRefreshed(3),
	},
	{
		name: "four refreshes of one token get one successor", schedules: 10, reduced: true,
		requests: refreshes(4), shows: allRefreshed(4),
	},
	{
		name: "a token and its predecessor at once are one chain, or a replay that ends it", schedules: 6,
		requests: func(w *world) []*actor {
			predecessor := w.spare()
			return []*actor{
				w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
				w.refreshing("refresh with the predecessor", w.grantApp, predecessor),
			}
		},
	},
	{
		name: "two exchanges of one code end what the first one gave", schedules: 6,
		requests: exchanges(2), shows: oneExchangeAndItsGrantFalls,
	},
	{
		name: "three exchanges of one code end what the first one gave", schedules: 31, reduced: true,
		requests: exchanges(3), shows: oneExchangeAndItsGrantFalls,
	},
	{
		name: "a revocation ends what a refresh at the same time rotates", schedules: 278,
		requests: func(w *world) []*actor {
			return append(refreshes(2)(w), revokingTheApp(w))
		},
	},
	{
		name: "a revocation ends what a refresh without rotation gives", schedules: 90,
		requests: func(w *world) []*actor {
			token := w.grantSite.held[0]
			return []*actor{
				w.refreshing("refresh", w.grantSite, token),
				w.refreshing("refresh once more", w.grantSite, token),
				w.revoking("revocation", labSite, token, revocation.ForGID(w.site.ID)),
			}
		},
	},
	{
		name: "a logout ends what a refresh and an exchange at the same time give, but for what was to outlive it", schedules: 116,
		requests: func(w *world) []*actor {
			return []*actor{
				w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
				w.exchanging("exchange", w.codeOnline),
				w.signingOut("logout", w.browserHere),
			}
		},
		shows: func(w *world) error {
			return showing(!w.browserHere.alive() && w.grantOffline.alive(), "the session lives, or the offline grant does not")
		},
	},
	{
		name: "an exchange for an offline grant and a logout leave the grant only if it was first", schedules: 142,
		requests: func(w *world) []*actor {
			return []*actor{
				w.exchanging("exchange", w.codeLasting),
				w.signingOut("logout", w.browserHere),
				w.signingOut("logout once more", w.browserHere),
			}
		},
	},
	{
		name: "a change of password keeps its session's grants, with tokens that were made after it", schedules: 21,
		requests: func(w *world) []*actor {
			return []*actor{
				w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
				w.changing("change", w.browserHere, true),
			}
		},
		shows: func(w *world) error {
			return errors.Join(
				showing(w.grantApp.alive() && w.browserHere.alive(), "the session that asked is signed out"),
				showing(!w.grantOffline.alive() && !w.browserThere.alive(), "something else is still signed in"),
			)
		},
	},
	{
		name: "a change of password elsewhere ends what a refresh and an exchange give", schedules: 205, reduced: true,
		requests: func(w *world) []*actor {
			return []*actor{
				w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
				w.exchanging("exchange", w.codeLasting),
				w.changing("change", w.browserThere, true),
			}
		},
		shows: func(w *world) error {
			return showing(!w.grantApp.alive() && !w.grantOffline.alive(), "a grant lives")
		},
	},
	{
		name: "a change of password that keeps the others ends nothing", schedules: 21,
		requests: func(w *world) []*actor {
			return []*actor{
				w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
				w.changing("change", w.browserThere, false),
			}
		},
		shows: func(w *world) error {
			return showing(w.succeeded("refresh") == 1 && len(w.ends) == 0, "something ended")
		},
	},
	{
		name: "signing out everywhere ends what a refresh and an exchange give", schedules: 90,
		requests: func(w *world) []*actor {
			return []*actor{
				w.refreshing("refresh", w.grantOffline, w.grantOffline.held[0]),
				w.exchanging("exchange", w.codeLasting),
				w.signingOutEverywhere("everywhere", w.browserThere),
			}
		},
	},
	{
		name: "a sign-in with the password that was changed meanwhile is dead, one with the new password lives", schedules: 126,
		requests: func(w *world) []*actor {
			return []*actor{w.signingIn("sign-in", oldPassword), w.changing("change", w.browserHere, true)}
		},
		then: func(w *world) []*actor { return []*actor{w.signingIn("next sign-in", newPassword)} },
		shows: func(w *world) error {
			last := w.lives[len(w.lives)-1]
			return errors.Join(
				showing(w.succeeded("change") == 1, "the change was refused"),
				showing(last.name == "session of next sign-in" && last.alive(), "the next sign-in is not alive"),
			)
		},
	},
	{
		name: "a change of password does not bring back the session that was signed out meanwhile", schedules: 21,
		requests: func(w *world) []*actor {
			return []*actor{
				w.changing("change", w.browserHere, true),
				w.signingOutEverywhere("everywhere", w.browserThere),
			}
		},
	},
	{
		name: "a change of password leaves its session under the new cookie alone, or a logout was first", schedules: 21,
		requests: func(w *world) []*actor {
			return []*actor{
				w.changing("change", w.browserHere, false),
				w.signingOut("logout", w.browserHere),
			}
		},
		shows: func(w *world) error {
			return showing(w.browserHere.alive() == (w.succeeded("change") == 1 && len(w.ends) == 0), "the session is neither")
		},
	},
	{
		name: "a revocation of an access token ends that one alone", schedules: 90,
		requests: func(w *world) []*actor {
			token, what := w.accessToken(w.grantSite)
			return []*actor{
				w.revoking("revocation", labSite, token, what),
				w.revoking("revocation once more", labSite, token, what),
				w.refreshing("refresh", w.grantSite, w.grantSite.held[0]),
			}
		},
		shows: func(w *world) error {
			return showing(w.grantSite.alive() && w.succeeded("refresh") == 1, "the grant ended with it")
		},
	},
	{
		name: "of two changes of the password one wins", schedules: 252,
		requests: func(w *world) []*actor {
			return []*actor{
				w.changing("change here", w.browserHere, true),
				w.changing("change there", w.browserThere, true),
			}
		},
		shows: func(w *world) error {
			return showing(w.succeeded("change") == 1 && len(w.changes) == 1, "%d won", w.succeeded("change"))
		},
	},
	{
		name: "of two changes of the password in one session one wins", schedules: 252,
		requests: func(w *world) []*actor {
			return []*actor{
				w.changing("change", w.browserHere, false),
				w.changing("change once more", w.browserHere, false),
			}
		},
		shows: func(w *world) error {
			return showing(w.succeeded("change") == 1 && len(w.changes) == 1, "%d won", w.succeeded("change"))
		},
	},
	{
		name: "of five wrong passwords at once past the back-off one is looked at", schedules: 15, reduced: true,
		requests: func(w *world) (all []*actor) {
			// After 13 tries the next one waits 256 s, and those have passed.
			now := w.env().Now
			w.tried(13, w.stranger("", "one"), 0, now+15*60_000-257_000)
			w.allowed = 1
			for i := range 5 {
				all = append(all, w.guessing(fmt.Sprintf("guess %d", i+1), "one"))
			}
			return all
		},
		shows: func(w *world) error { return showing(w.checks == 1, "%d were looked at", w.checks) },
	},
	{
		name: "of three guesses from as many networks two are looked at when the account allows two more", schedules: 30, reduced: true,
		requests: func(w *world) (all []*actor) {
			w.tried(98, w.stranger("", ""), 1, w.env().Now+15*60_000)
			w.allowed = 2
			for i := range 3 {
				all = append(all, w.guessing(fmt.Sprintf("guess %d", i+1), fmt.Sprintf("network %d", i+1)))
			}
			return all
		},
		shows: func(w *world) error { return showing(w.checks == 2, "%d were looked at", w.checks) },
	},
	{
		name: "everything at once", schedules: 516, reduced: true,
		requests: func(w *world) []*actor {
			return []*actor{
				w.exchanging("exchange", w.codeOnline),
				w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
				w.signingOut("logout", w.browserHere),
				w.signingOutEverywhere("everywhere", w.browserThere),
			}
		},
	},
}

// TestEveryScheduleKeepsTheInvariants plays every order of the steps of requests
// that run at once, on SQLite.
func TestEveryScheduleKeepsTheInvariants(t *testing.T) {
	b := newBench(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			b.T = t
			if played := b.playAll(&s); played != s.schedules && !t.Failed() {
				t.Errorf("there are %d schedules, not %d", played, s.schedules)
			}
		})
	}
}

// fewSchedules are as many as PostgreSQL plays in a second: each waits for it some
// thirty times.
const fewSchedules = 20

func TestTheSmallerScenariosKeepTheInvariantsOnPostgreSQL(t *testing.T) {
	b := newBenchOnPostgreSQL(t)
	played := 0
	for _, s := range scenarios {
		if s.schedules > fewSchedules {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			b.T = t
			played += b.playAll(&s)
		})
	}
	if played < 2*fewSchedules {
		t.Errorf("only %d schedules were played", played)
	}
}

// playAll plays a scenario in all its schedules, until one breaks something.
func (b *bench) playAll(s *scenario) int {
	x := explorer{reduced: s.reduced}
	var w *world
	return x.explore(func() []*actor {
		w = newWorld(b)
		return s.requests(w)
	}, func(happened trail) bool {
		if s.then != nil {
			after, _ := new(explorer).play(s.then(w))
			happened = append(happened, after...)
		}
		broken := w.broken()
		if s.shows != nil {
			if err := s.shows(w); err != nil {
				broken = append(broken, err.Error())
			}
		}
		if len(broken) > 0 {
			b.Errorf("%s\nafter this schedule:\n%v", strings.Join(broken, "\n"), happened)
		}
		return len(broken) == 0
	})
}

// Each invariant is broken by something, so that none holds for want of looking.
func TestEachInvariantCanBreak(t *testing.T) {
	b := newBench(t)
	breaking := map[string]func(*world){
		"each request gets what its snapshot entitles it to": func(w *world) { w.answers[0].entitled = false },
		"what was acknowledged to have ended is over": func(w *world) {
			w.answers[0].ended = []*life{w.grantOffline}
		},
		"what lives is what nothing has ended": func(w *world) {
			w.commit(record.EndGrant{ID: w.offline.ID, At: 1})
		},
		"a grant has one chain": func(w *world) {
			w.commit(record.RotateGrant{ID: w.offline.ID, From: w.offline.Gen, At: 1, IdleUntil: w.offline.IdleUntil})
		},
		"no grant is made when its session has ended":  func(w *world) { w.spent[0].at = w.now },
		"a code is exchanged at most once":             func(w *world) { w.spent = append(w.spent, w.spent[0]) },
		"as many passwords are checked as are allowed": func(w *world) { w.checks = w.allowed + 1 },
		"nothing ends twice but by accident": func(w *world) {
			again := w.ends[0]
			again.loaded, again.at = w.now, w.now+1
			w.ends = append(w.ends, again)
		},
		"the log says what has ended, in order": func(w *world) { w.commit(record.Append{Target: revocation.ForJTI("no token")}) },
		"what was acknowledged is stored":       func(w *world) { w.changes = append(w.changes, w.now) },
	}
	for _, i := range invariants {
		w := newWorld(b)
		happened, _ := new(explorer).play([]*actor{
			w.refreshing("refresh", w.grantApp, w.grantApp.held[0]),
			w.exchanging("exchange", w.codeLasting),
			w.signingOut("logout", w.browserHere),
			w.signingIn("sign-in", oldPassword),
		})
		if broken := w.broken(); len(broken) > 0 {
			t.Fatalf("%s\nafter this schedule:\n%v", strings.Join(broken, "\n"), happened)
		}
		breaking[i.name](w)
		if !slices.ContainsFunc(w.broken(), func(broken string) bool { return strings.HasPrefix(broken, i.name+": ") }) {
			t.Errorf("%q holds where it does not", i.name)
		}
	}
}
