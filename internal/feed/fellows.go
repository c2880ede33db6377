package feed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/store"
)

// Nodes tell each other what their verifiers have applied, so that a receipt counts the
// whole fleet (docs/decisions/0010). They do so by notification, each verifier at most
// once in a while; what gets lost comes again with its next report. Nothing is refused
// or accepted because of it.

const (
	// gathering is how long reports are gathered before they are told, and tellEvery how
	// often that is: sooner while somebody waits for a receipt.
	gathering      = 10 * time.Millisecond
	tellEvery      = 250 * time.Millisecond
	tellEveryAsked = 50 * time.Millisecond
	// askedFor is how long a node's verifiers are asked to report at once because another
	// node said so. It says so right before it commits.
	askedFor = 3 * time.Second
	maxWord  = store.LongestWord
)

// word is what a node tells the others.
type word struct {
	From      string           `json:"from"` // tells runs of nodes apart
	Node      string           `json:"node"`
	Log       revocation.LogID `json:"log"`           // that the node follows: others may share the database
	Ask       bool             `json:"ask,omitempty"` // a receipt is waited for
	Bye       bool             `json:"bye,omitempty"` // it stops
	Verifiers []told           `json:"verifiers,omitempty"`
}

// told is a verifier that reported to another node. Times are ages: clocks differ.
type told struct {
	Client string `json:"client"`
	Age    int64  `json:"age"`   // ms since its report
	Since  int64  `json:"since"` // ms since it connected
	Report
}

// fellows are the other nodes, and what this one has to tell them.
type fellows struct {
	me    string        // the run of this node
	wake  chan struct{} // there is something to tell
	hurry chan struct{} // another node waits for it

	mu      sync.Mutex
	heard   map[string]*fellow // by name
	changed map[verifierID]bool
	asked   time.Time // until when another node waits for a receipt
}

type fellow struct{ at time.Time } // when it was heard last

func (o *fellows) init() {
	o.me, o.wake, o.hurry = rand.Text(), make(chan struct{}, 1), make(chan struct{}, 1)
	o.heard, o.changed = map[string]*fellow{}, map[verifierID]bool{}
}

// hear takes what a node said.
func (f *Feed) hear(text string) {
	var w word
	if json.Unmarshal([]byte(text), &w) != nil || w.From == f.fellows.me || w.Node == "" || w.Log != f.log() {
		return
	}
	now := f.Now()
	o := &f.fellows
	o.mu.Lock()
	if w.Bye {
		delete(o.heard, w.Node)
	} else {
		o.heard[w.Node] = &fellow{now}
	}
	if w.Ask {
		o.asked = time.Now().Add(askedFor)
		signal(o.hurry)
	}
	o.mu.Unlock()
	f.fleet.merge(w, now)
}

// merge takes what other nodes were reported, where that is newer than what is known.
func (f *fleet) merge(w word, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(now)
	for i := range w.Verifiers {
		t := &w.Verifiers[i]
		id, seen := verifierID{t.Client, t.Name}, now.Add(-time.Duration(max(0, t.Age))*time.Millisecond)
		v := f.list[id]
		switch {
		case t.check() != nil, v == nil && len(f.list) >= largestFleet:
			continue
		case v == nil:
			v = &Verifier{ClientID: t.Client}
			f.list[id] = v
		case seen.Before(v.Seen):
			continue
		}
		v.Report, v.Seen, v.Node = t.Report, seen, w.Node
		v.Since = now.Add(-time.Duration(max(0, t.Since)) * time.Millisecond)
	}
	if len(w.Verifiers) > 0 {
		close(f.news)
		f.news = make(chan struct{})
	}
}

// tellOthers tells other nodes of the verifiers that report here, and that it lives.
func (f *Feed) tellOthers(ctx context.Context) {
	o := &f.fellows
	tick := time.NewTicker(beat)
	defer tick.Stop()
	f.say(word{}, false)
	for {
		select {
		case <-ctx.Done():
			f.say(word{Bye: true}, true)
			return
		case <-tick.C:
			f.say(word{}, false)
			continue
		case <-o.wake:
		}
		wait(ctx, gathering, nil)
		f.tellChanged()
		wait(ctx, o.pause(), o.hurry)
	}
}

// wait lets time go by until something else comes.
func wait(ctx context.Context, d time.Duration, hurry <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-hurry:
	case <-time.After(d):
	}
}

func (o *fellows) pause() time.Duration {
	if o.isAsked() {
		return tellEveryAsked
	}
	return tellEvery
}

// isAsked reports whether another node waits for a receipt.
func (o *fellows) isAsked() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Before(o.asked)
}

// note has a verifier that reported here be told of.
func (o *fellows) note(id verifierID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.changed) < largestFleet {
		o.changed[id] = true
	}
	signal(o.wake)
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// take gives what is to be told, and nothing while there is nobody to tell.
func (o *fellows) take(now time.Time) []verifierID {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, other := range o.heard {
		if now.Sub(other.at) < connectedFor {
			var ids []verifierID
			for id := range o.changed {
				ids = append(ids, id)
			}
			clear(o.changed)
			return ids
		}
	}
	return nil
}

func (f *Feed) tellChanged() {
	now := f.Now()
	var all []told
	ids := f.fellows.take(now)
	f.fleet.mu.Lock()
	for _, id := range ids {
		if v := f.fleet.list[id]; v != nil && v.Node == f.Node {
			all = append(all, told{id.client, now.Sub(v.Seen).Milliseconds(), now.Sub(v.Since).Milliseconds(), v.Report})
		}
	}
	f.fleet.mu.Unlock()
	for part := range slices.Chunk(all, f.perWord(all)) {
		f.say(word{Verifiers: part}, false)
	}
}

// perWord is how many verifiers fit into each word, whichever they are.
func (f *Feed) perWord(all []told) int {
	longest := 1
	for i := range all {
		text, err := json.Marshal(&all[i])
		if err == nil {
			longest = max(longest, len(text)+1)
		}
	}
	return max(1, (maxWord-len(f.Node)-200)/longest)
}

// say tells the other nodes.
func (f *Feed) say(w word, urgent bool) {
	w.From, w.Node, w.Log = f.fellows.me, f.Node, f.log()
	if text, err := json.Marshal(w); err == nil && len(text) <= maxWord {
		f.Store.Say(string(text), urgent)
	}
}

// log is which log this node follows.
func (f *Feed) log() revocation.LogID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tail.log
}

// lost names the nodes that have not been heard for a while and did not say that they
// stop, with the time of each.
func (o *fellows) lost(now time.Time) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for name, other := range o.heard {
		switch silent := now.Sub(other.at); {
		case silent > forgottenAfter:
			delete(o.heard, name)
		case silent >= connectedFor:
			all = append(all, "node "+name+" was last heard at "+other.at.UTC().Format("15:04:05")+" UTC")
		}
	}
	slices.SortFunc(all, strings.Compare)
	return all
}
