package feed

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Receipt says how far the fleet has applied the log. It covers everything that
// was committed before it was asked for.
type Receipt struct {
	Seq       int64
	Applied   int // of the connected verifiers
	Connected int
	Took      time.Duration // until the last of them had applied it, or until the end of the wait
	Complete  bool          // all of them have
	Sentence  string
}

// Expectation is somebody who will ask for a receipt: while there is one, what is
// sent asks verifiers to report at once.
type Expectation struct{ feed *Feed }

// Expect comes before the commit that the receipt is to be about. Done follows.
func (f *Feed) Expect() Expectation {
	f.ask(1)
	if f.several {
		f.say(word{Ask: true}, true)
	}
	return Expectation{f}
}

// Done takes the expectation back.
func (e Expectation) Done() { e.feed.ask(-1) }

func (f *Feed) ask(change int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asking += change
}

// Receipt waits, at most so long, until every verifier that is connected now has
// applied all that is committed now.
func (e Expectation) Receipt(ctx context.Context, wait time.Duration) (Receipt, error) {
	f := e.feed
	began := time.Now()
	head, err := f.Store.Head(ctx)
	if err != nil {
		return Receipt{}, err
	}
	place := Cursor{head.LogID, head.Seq}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	list, news := f.fleet.at(f.Now(), place)
	asked := connected(list)
	for over := false; ; {
		r := take(list, asked, place)
		r.Took = time.Since(began)
		if r.Complete || over {
			r.Sentence = f.sentence(&r, list)
			if r.Complete && r.Connected > 0 {
				f.Metrics.Confirmed(r.Took)
			}
			return r, nil
		}
		select {
		case <-news:
		case <-timer.C:
			over = true
		case <-f.closed:
			over = true
		case <-ctx.Done():
			return Receipt{}, ctx.Err()
		}
		list, news = f.fleet.at(f.Now(), place)
	}
}

// connected are those that a receipt waits for.
func connected(list []Verifier) map[verifierID]bool {
	asked := map[verifierID]bool{}
	for _, v := range list {
		if v.Connected {
			asked[verifierID{v.ClientID, v.Name}] = true
		}
	}
	return asked
}

// take counts who has applied the log up to a place.
func take(list []Verifier, asked map[verifierID]bool, place Cursor) Receipt {
	r := Receipt{Seq: place.Seq, Connected: len(asked)}
	for _, v := range list {
		if asked[verifierID{v.ClientID, v.Name}] && v.Lag == 0 {
			r.Applied++
		}
	}
	r.Complete = r.Applied == r.Connected
	return r
}

// sentence is the receipt for people. Of whoever has not confirmed, it says what
// their policy promises (tokens.md, part 3).
func (f *Feed) sentence(r *Receipt, list []Verifier) string {
	var parts []string
	now := f.Now()
	switch {
	case r.Connected == 0:
		parts = append(parts, "no verifier is connected")
	default:
		verifiers, when := "verifiers", "after"
		if r.Connected == 1 {
			verifiers = "verifier"
		}
		if r.Complete {
			when = "in"
		}
		parts = append(parts, fmt.Sprintf("applied by %d of %d connected %s %s %d ms", r.Applied, r.Connected, verifiers, when, r.Took.Milliseconds()))
	}
	const most = 10 // of a fleet that is cut off, a few examples do
	left := 0
	for i := range list {
		v := &list[i]
		switch {
		case v.Lag == 0:
			continue
		case len(parts) > most:
			left++
		case v.Connected:
			parts = append(parts, fmt.Sprintf("%s (%s%s) has not confirmed it and %s", v.Name, v.Policy, f.elsewhere(v), v.bound(now)))
		default:
			parts = append(parts, fmt.Sprintf("%s (%s%s) is disconnected and %s", v.Name, v.Policy, f.elsewhere(v), v.bound(now)))
		}
	}
	if left > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", left))
	}
	parts = append(parts, f.fellows.lost(now)...)
	if !f.Store.Hearing() {
		parts = append(parts, "those of other servers are not counted, for this one does not hear them now")
	}
	return strings.Join(parts, "; ")
}

// elsewhere names the node that a verifier reported to, if it was another.
func (f *Feed) elsewhere(v *Verifier) string {
	if v.Node == f.Node {
		return ""
	}
	return ", at " + v.Node
}

// bound is when the policy of a verifier stops it, unless it comes back and
// applies the log first.
func (v *Verifier) bound(now time.Time) string {
	what := ""
	switch v.Policy {
	case available:
		return "promises nothing while disconnected"
	case balanced:
		what = " all but safe methods"
	}
	by := v.Seen.Add(refusesAfter)
	if now.After(by) {
		return "refuses" + what + " since " + by.UTC().Format("15:04:05") + " UTC"
	}
	return "will refuse" + what + " by " + by.UTC().Format("15:04:05") + " UTC"
}
