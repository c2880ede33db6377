package feed

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

const (
	// connectedFor is how long a verifier counts as connected after it was heard of:
	// it reports with every head.
	connectedFor = 3*beat + time.Second
	// forgottenAfter is how long one that is gone stays in the list.
	forgottenAfter = time.Hour
	// largestFleet bounds the list; whoever comes beyond is served and not listed.
	largestFleet = 10_000
	// refusesAfter is how long after the last head a verifier has expired by its own
	// clock, or by the server's time in the head (tokens.md, part 3).
	refusesAfter = 60 * time.Second
)

// ErrReport means that a report is not one.
var ErrReport = errors.New("malformed receipt")

// The policies of verifiers.
const (
	strict    = "strict"
	balanced  = "balanced"
	available = "available"
)

// Report is what a verifier says of itself.
type Report struct {
	Name    string           `json:"name"`
	Version string           `json:"version"`
	Policy  string           `json:"policy"`
	State   string           `json:"state"`
	Log     revocation.LogID `json:"log"`
	Seq     int64            `json:"seq"` // applied
	Entries int64            `json:"entries"`
	// Head is the last that it found good, when the log does not go on from it: proof,
	// if we signed it. It is for whoever has the keys, and not kept in the list.
	Head string `json:"head"`
}

// Verifier is one that has reported.
type Verifier struct {
	Report
	ClientID  string
	Node      string // that it reported to
	Connected bool
	Since     time.Time // of this connection
	Seen      time.Time // when it reported last
	Lag       int64     // numbers of the log that it has not applied; -1: it follows another log
}

// fleet is the list of verifiers. It informs and enforces nothing.
type fleet struct {
	mu   sync.Mutex
	list map[verifierID]*Verifier
	news chan struct{} // closed at the next report
}

type verifierID struct{ client, name string }

func (f *fleet) init() {
	f.list = map[verifierID]*Verifier{}
	f.news = make(chan struct{})
}

// check refuses what no verifier sends.
func (r *Report) check() error {
	const longest = 200
	for _, text := range []string{r.Name, r.Version} {
		if text == "" || len(text) > longest || !printable(text) {
			return ErrReport
		}
	}
	if !slices.Contains([]string{strict, balanced, available}, r.Policy) ||
		!slices.Contains([]string{"init", "live", "stale", "expired"}, r.State) || r.Seq < 0 || r.Entries < 0 {
		return ErrReport
	}
	_, err := ParseCursor(Cursor{r.Log, r.Seq}.String())
	return err
}

// printable: visible ASCII and inner spaces, which a terminal and a log line can show.
func printable(text string) bool {
	return !slices.ContainsFunc([]byte(text), func(c byte) bool { return c < ' ' || c > '~' })
}

// Report notes what a verifier of a client says of itself.
func (f *Feed) Report(clientID string, r Report) error {
	if err := r.check(); err != nil {
		return ErrReport
	}
	f.Metrics.Reported()
	now := f.Now()
	f.mu.Lock()
	f.noteAhead(Cursor{r.Log, r.Seq}, now)
	f.mu.Unlock()
	r.Head = ""
	fleet := &f.fleet
	fleet.mu.Lock()
	defer fleet.mu.Unlock()
	fleet.forget(now)
	id := verifierID{clientID, r.Name}
	v := fleet.list[id]
	if v == nil {
		if len(fleet.list) >= largestFleet {
			return nil
		}
		v = &Verifier{ClientID: clientID}
		fleet.list[id] = v
	}
	if now.Sub(v.Seen) >= connectedFor {
		v.Since = now
	}
	v.Report, v.Seen, v.Node = r, now, f.Node
	if f.several {
		f.fellows.note(id)
	}
	close(fleet.news)
	fleet.news = make(chan struct{})
	return nil
}

// forget drops who is long gone. The lock is held.
func (f *fleet) forget(now time.Time) {
	if len(f.list) < largestFleet {
		return
	}
	for id, v := range f.list {
		if now.Sub(v.Seen) > forgottenAfter {
			delete(f.list, id)
		}
	}
}

// at lists the fleet as it is at a time and at a place of the log, by client and
// name, and gives a channel that is closed at the next report.
func (f *fleet) at(now time.Time, place Cursor) ([]Verifier, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Verifier
	for _, v := range f.list {
		if now.Sub(v.Seen) > forgottenAfter {
			continue
		}
		seen := *v
		seen.Connected = now.Sub(v.Seen) < connectedFor
		seen.Lag = max(0, place.Seq-v.Seq)
		if v.Log != place.Log {
			seen.Lag = -1
		}
		list = append(list, seen)
	}
	slices.SortFunc(list, func(a, b Verifier) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.Name, b.Name))
	})
	return list, f.news
}

// Verifiers lists those that reported within the last hour.
func (f *Feed) Verifiers() []Verifier {
	f.mu.Lock()
	place := Cursor{f.tail.log, f.tail.seq}
	f.mu.Unlock()
	list, _ := f.fleet.at(f.Now(), place)
	return list
}

// Standing is how many streams are open, and the number of the log's last entry.
func (f *Feed) Standing() (readers int, seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.streams.all), f.tail.seq
}
