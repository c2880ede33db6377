package verify

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// tail is a copy of one log up to some entry: what the follower extends. Only
// the follower's goroutine touches it; the table alone is shared.
type tail struct {
	position       // after the last entry applied
	attested int64 // the seq of the last good head, or of the snapshot
	t        int64 // of the last good head
	key      revocation.FeedKey
	table    *revocation.Table
	// before has what the table had under each name that got an entry since the last
	// good head; no cut where that was nothing.
	before map[uint64]revocation.Entry
}

// errFault is anything that does not fit: the copy can no longer be trusted to
// be whole, and a new snapshot is due.
var errFault = errors.New("the feed does not fit what is known of the log")

func fault(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFault, fmt.Sprintf(format, args...))
}

// tooFar is how far beyond every clock a cutoff may lie: a restore moves the
// logical clock by a day.
const tooFar = int64(3 * 24 * 3600 * 1000)

// batch is what an rv event, and the answer of a poll, carries.
type batch struct {
	Seq     int64       `json:"seq"`
	Ask     bool        `json:"ask"`
	Entries []wireEntry `json:"entries"`
	Head    string      `json:"head"` // of a poll alone
}

// parseBatch reads the data of an rv event, or the answer of a poll.
func parseBatch(data []byte) (batch, error) {
	var b batch
	if err := json.Unmarshal(data, &b); err != nil {
		return batch{}, fault("a batch does not parse: %v", err)
	}
	return b, nil
}

// wireEntry is [seq,"<name>",cut,until].
type wireEntry struct{ revocation.Entry }

// UnmarshalJSON reads the four values, and no other way of writing them.
func (e *wireEntry) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil || len(parts) != 4 {
		return errors.New("an entry is not four values")
	}
	var err error
	if e.Name, err = wireName(parts[1]); err != nil {
		return err
	}
	if e.Seq, err = wireNumber(parts[0]); err != nil {
		return err
	}
	if e.Until, err = wireNumber(parts[3]); err != nil {
		return err
	}
	if string(parts[2]) == `"forever"` {
		e.Cut = revocation.Forever
		return nil
	}
	e.Cut, err = wireNumber(parts[2])
	return err
}

// maxNumber is the largest integer that every reader of JSON reads as it was
// written (RFC 8259 §6).
const maxNumber = 1<<53 - 1

func wireNumber(raw json.RawMessage) (int64, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 0 || n > maxNumber {
		return 0, errors.New("an entry has no seq, cut or until")
	}
	return n, nil
}

// wireName reads 16 hexadecimal digits, in small letters.
func wireName(raw json.RawMessage) (uint64, error) {
	var name [8]byte
	if len(raw) != 18 || raw[0] != '"' || raw[17] != '"' || bytes.ContainsAny(raw, "ABCDEF") {
		return 0, errors.New("an entry has no name")
	}
	if _, err := hex.Decode(name[:], raw[1:17]); err != nil {
		return 0, errors.New("an entry has no name")
	}
	return binary.BigEndian.Uint64(name[:]), nil
}

// apply adds a batch to the table and the chain. Entries count before a head has
// attested them: they can only refuse more. now is unix ms.
func (t *tail) apply(b *batch, now int64) error {
	for _, e := range b.Entries {
		if e.Seq <= t.seq {
			return fault("entry %d comes after %d", e.Seq, t.seq)
		}
		if e.Cut != revocation.Forever && e.Cut > max(now, t.lc)+tooFar {
			return fault("entry %d was cut in the future", e.Seq)
		}
		t.put(e.Entry)
		t.seq, t.h = e.Seq, t.h.Next(e.Entry)
	}
	if b.Seq < t.seq {
		return fault("a batch up to %d holds entry %d", b.Seq, t.seq)
	}
	t.seq = b.Seq
	return nil
}

func (t *tail) put(e revocation.Entry) {
	if _, noted := t.before[e.Name]; !noted {
		if t.before == nil {
			t.before = map[uint64]revocation.Entry{}
		}
		t.before[e.Name] = t.table.Entry(e.Name)
	}
	if t.table.Put(e) {
		return
	}
	clock := t.lc
	if e.Cut != revocation.Forever {
		clock = max(clock, e.Cut)
	}
	t.table = t.table.Grow(t.t, clock)
	if !t.table.Put(e) {
		panic("verify: a table that has just grown does not hold one more entry")
	}
}

// attest compares a head with the copy. Its chain proves that nothing that was
// served is missing; its seq may be ahead by numbers that are never served.
func (t *tail) attest(h head) error {
	switch {
	case h.log != t.log:
		return fault("the head is of another log")
	case h.seq < t.seq:
		return fault("the head stands at %d, behind %d", h.seq, t.seq)
	case h.lc < t.lc:
		return fault("the head's logical clock goes back")
	case h.h != t.h:
		return fault("the head has another chain at %d", h.seq)
	}
	t.position = h.position
	t.attested = h.seq
	t.t = h.t
	clear(t.before)
	return nil
}

// cursor is where to go on reading.
func (t *tail) cursor() string { return t.log + "." + strconv.FormatInt(t.seq, 10) }

// keep adds what heads had attested to another copy of the same log and has not
// expired at now, in unix ms.
func (t *tail) keep(old *tail, now int64) {
	for e := range old.table.All {
		if before, later := old.before[e.Name]; later {
			e = before
		}
		for e.Cut != 0 && e.Until >= now && !t.table.Put(e) {
			t.table = t.table.Grow(now, t.lc)
		}
	}
}
