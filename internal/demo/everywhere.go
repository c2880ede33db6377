package demo

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ending is how everything of a user was ended, and when each of their browsers
// was refused for it.
type ending struct {
	at      time.Time
	Receipt string
	Hop     hop
	Marks   []mark // in the order of time
	Verdict string
}

// mark is something that happened, so long after the end was asked for.
type mark struct {
	After time.Duration
	Says  string
}

// At is when, in words.
func (m mark) At() string { return millis(m.After) }

// endEverywhere ends everything of the user, while all of their browsers go on
// calling the API, and notes when each is refused.
func (a *App) endEverywhere(v *visit) {
	ctx, cancel := context.WithTimeout(v.r.Context(), callTimeout)
	defer cancel()
	callers := a.startCalling(ctx, a.sessions.lines(v.session.line))
	asked := time.Now()
	receipt, err := a.config.EndUser(ctx, v.here.subject)
	answered := time.Now()
	if err != nil {
		cancel()
	}
	callers.done.Wait()
	if err != nil {
		a.unreached(v, fmt.Errorf("logging out everywhere: %w", err))
		return
	}
	v.here.over = true
	end := &ending{at: asked, Receipt: receipt, Hop: hop{
		From: "The app", To: "Mintmark", Line: "POST /admin/v1/revocations {kind: user}", Status: http.StatusOK,
		Says: "By the administration API, waiting for the receipt. The button on Mintmark's account page, and mintmark revoke user in a terminal, do the same.",
	}}
	end.tell(asked, answered, callers.list)
	for _, c := range callers.list {
		c.line.endBy(end)
	}
	http.Redirect(v, v.r, pathBrowsers+"#calls", http.StatusSeeOther)
}

// callers call the API until they are refused.
type callers struct {
	list []*caller
	done sync.WaitGroup
}

type caller struct {
	line *line
	last tried
	good int       // calls
	at   time.Time // of the last
}

// startCalling returns when every line has made its first call.
func (a *App) startCalling(ctx context.Context, lines []*line) *callers {
	all := &callers{}
	var begun sync.WaitGroup
	for _, l := range lines {
		c := &caller{line: l}
		all.list = append(all.list, c)
		begun.Add(1)
		all.done.Go(func() {
			first := sync.OnceFunc(begun.Done)
			token := l.held()
			c.last, c.good = a.untilRefused(ctx, token, func(t tried) {
				c.at = time.Now()
				l.note(token, t)
				first()
			})
		})
	}
	begun.Wait()
	return all
}

// tell puts what happened in order.
func (e *ending) tell(asked, answered time.Time, list []*caller) {
	e.Marks = []mark{{0, "Breadbox asks Mintmark to log you out everywhere, and goes on calling the API."}}
	var last time.Time
	for _, c := range list {
		number, _ := c.line.whose()
		name := fmt.Sprintf("Browser %d", number)
		switch {
		case c.good == 0 && c.last.dead():
			e.Marks = append(e.Marks, mark{0, name + " was refused before."})
			continue
		case !c.last.dead():
			e.Marks = append(e.Marks, mark{c.at.Sub(asked), name + " was not refused: the API did not say so in time."})
			continue
		}
		e.Marks = append(e.Marks, mark{c.at.Sub(asked), fmt.Sprintf("The API refuses %s (401), which had been accepted %s meanwhile.", name, count(c.good, "time"))})
		if c.at.After(last) {
			last = c.at
		}
	}
	e.Marks = append(e.Marks, mark{answered.Sub(asked), "Mintmark answers: " + orNone(e.Receipt) + "."})
	slices.SortStableFunc(e.Marks, func(a, b mark) int { return int(a.After - b.After) })
	within := "Refused everywhere within " + millis(last.Sub(asked)) + " of the button, "
	switch {
	case last.IsZero():
		e.Verdict = "Nothing changed at the API."
	case last.After(answered):
		e.Verdict = within + "the last " + millis(last.Sub(answered)) + " after Mintmark's answer was here."
	default:
		e.Verdict = within + millis(answered.Sub(last)) + " before Mintmark's answer was here."
	}
}
