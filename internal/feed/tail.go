package feed

import (
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// tail is the end of the log: events as every reader gets them, oldest first.
type tail struct {
	log    revocation.LogID
	key    revocation.FeedKey
	floor  int64 // entries with larger numbers are here
	seq    int64 // of the last entry, or of what came in its place
	events []event
	first  int64     // number of events[0]; events are counted for ever
	size   int       // bytes of the events
	sent   int64     // bytes that somebody who read everything since the start was sent
	head   string    // the last that was signed
	headAt time.Time // when
}

// event is a batch of entries, a head, or both.
type event struct {
	seq     int64
	entries []revocation.Entry
	ask     bool
	text    []byte // as server-sent events
	sent    int64  // tail.sent after it
}

// begin empties the tail: it goes on after a head.
func (t *tail) begin(head *record.Head) {
	t.first += int64(len(t.events))
	t.events, t.size = nil, 0
	t.log, t.key, t.floor, t.seq = head.LogID, head.FeedKey, head.Seq, head.Seq
	t.head = ""
}

// next is the number that the next event will have.
func (t *tail) next() int64 { return t.first + int64(len(t.events)) }

// add appends a part of the log, and a head where the part reaches it.
func (t *tail) add(part *record.LogPart, head string, at time.Time, ask bool) {
	e := event{seq: part.Seq, entries: part.Entries, ask: ask}
	if part.Seq > t.seq {
		e.text = appendEntries(e.text, t.log, part.Seq, ask, part.Entries)
		t.seq = part.Seq
	}
	if head != "" {
		e.text = appendHead(e.text, head)
		t.head, t.headAt = head, at
	}
	t.size += len(e.text)
	t.sent += int64(len(e.text))
	e.sent = t.sent
	t.events = append(t.events, e)
	drop := 0
	for ; t.size > tailBytes && drop < len(t.events)-1; drop++ {
		t.size -= len(t.events[drop].text)
		t.floor = t.events[drop].seq
	}
	t.events = t.events[drop:]
	t.first += int64(drop)
}

// after collects the entries with numbers beyond seq, which is not below the floor.
func (t *tail) after(seq int64) (entries []revocation.Entry, ask bool) {
	for _, e := range t.events {
		if e.seq <= seq {
			continue
		}
		ask = ask || e.ask
		for _, entry := range e.entries {
			if entry.Seq > seq {
				entries = append(entries, entry)
			}
		}
	}
	return entries, ask
}
