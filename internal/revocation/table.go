package revocation

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// A Table answers, for the names of a token's targets, whether one of them was
// cut after the token's rvs. Any number of goroutines may ask while one adds;
// asking takes no lock and allocates nothing.
//
// It is open addressing over 16 bytes a slot. A slot's value is written before
// its name and only ever grows, so a reader sees an entry whole or not at all.
// Nothing is removed in place: what has expired is left behind when the writer
// makes a new table ([Table.Grow], [Table.Sweep]) and swaps it for the old.
type Table struct {
	base  int64  // ms; cutoffs and untils are kept relative to it
	slots []slot // used as a ring
	used  int    // the writer's own count; Len reads size
	size  atomic.Int64
}

// slot holds one entry. value is cut<<32 | until: cut in ms, until in seconds,
// both since the table's base.
type slot struct {
	name, value atomic.Uint64
}

const (
	cutForever = math.MaxUint32 // a cut that never ends; also on the wire
	// Slots per hundred entries when a table is made: a small table can afford to
	// end a search sooner, ten million entries are to take no more than 208 MB.
	// fullAt is the load, in percent, at which a table has to grow.
	roomy     = 200
	tight     = 130
	tightFrom = 1_000_000 // entries
	fullAt    = 85
	// past is how far below the clock a new table's base lies: 12 days, so that
	// clocks that were stepped do not leave it, with 37 days ahead.
	past = int64(1) << 30
)

// NewTable makes an empty table with room for n entries. clock is a reading of
// the log's logical clock, in ms: entries further than 12 days before it are
// kept as if they were cut 12 days before it, and no token lives that long.
func NewTable(n int, clock int64) *Table {
	room := roomy
	if n >= tightFrom {
		room = tight
	}
	return &Table{base: max(clock-past, 0), slots: make([]slot, n*room/100+8)}
}

// Len is how many names the table holds, expired ones included.
func (t *Table) Len() int { return int(t.size.Load()) }

// Bytes is the memory that the table takes.
func (t *Table) Bytes() int { return len(t.slots) * 16 }

// Put adds an entry: of two with one name the larger cutoff and the later until
// hold. It reports false, and adds nothing, if the table has to grow first.
// One goroutine at a time.
func (t *Table) Put(e Entry) bool {
	cut, ok := t.relativeCut(e.Cut)
	if !ok {
		return false
	}
	value := cut<<32 | t.relativeUntil(e.Until)
	name := nonZero(e.Name)
	i := t.home(name)
	for {
		s := &t.slots[i]
		switch s.name.Load() {
		case name:
			s.value.Store(larger(s.value.Load(), value))
			return true
		case 0:
			if (t.used+1)*100 > len(t.slots)*fullAt {
				return false
			}
			t.used++
			s.value.Store(value)
			s.name.Store(name)
			t.size.Store(int64(t.used))
			return true
		}
		if i++; i == len(t.slots) {
			i = 0
		}
	}
}

// Grow returns a table with what has not expired at now (unix ms) and with room
// for as much again, based at the clock of the entry that did not fit. The old
// table goes on serving its readers.
func (t *Table) Grow(now, clock int64) *Table {
	live := 0
	for e := range t.All {
		if e.Until >= now {
			live++
		}
	}
	return t.copyTo(NewTable(2*live+64, max(clock, t.base+past)), now)
}

// Sweep returns a smaller table if at now (unix ms) a quarter or more of this
// one has expired, else the table itself.
func (t *Table) Sweep(now int64) *Table {
	live := 0
	for e := range t.All {
		if e.Until >= now {
			live++
		}
	}
	if t.used-live < max(t.used/4, 64) {
		return t
	}
	return t.copyTo(NewTable(live, t.base+past), now)
}

func (t *Table) copyTo(next *Table, now int64) *Table {
	for e := range t.All {
		if e.Until >= now && !next.Put(e) {
			panic("revocation: a table made for its entries does not hold them")
		}
	}
	return next
}

// All calls yield with each entry, in no order and without its sequence number,
// which the table does not keep. It may run beside the writer; what is added
// meanwhile may or may not be seen.
func (t *Table) All(yield func(Entry) bool) {
	for i := range t.slots {
		name := t.slots[i].name.Load()
		if name == 0 {
			continue
		}
		value := t.slots[i].value.Load()
		if !yield(Entry{Name: name, Cut: t.cut(value), Until: t.until(value)}) {
			return
		}
	}
}

// Dead reports whether any of the names was cut after rvs. It looks at where each
// search begins before it follows one, so that in a large table the waits for
// memory overlap.
func (t *Table) Dead(rvs int64, names []uint64) bool {
	const ahead = 16
	for ; len(names) > ahead; names = names[ahead:] {
		if t.anyDead(rvs, names[:ahead]) {
			return true
		}
	}
	return t.anyDead(rvs, names)
}

// Cut is the largest cutoff under a name, to be compared by the function Dead;
// zero if there is none.
func (t *Table) Cut(name uint64) int64 {
	value := t.find(nonZero(name))
	if value == 0 {
		return 0
	}
	return t.cut(value)
}

// Entry is what the table has under a name, without a sequence number; with no cut
// if it has nothing.
func (t *Table) Entry(name uint64) Entry {
	value := t.find(nonZero(name))
	if value == 0 {
		return Entry{Name: name}
	}
	return Entry{Name: name, Cut: t.cut(value), Until: t.until(value)}
}

func (t *Table) anyDead(rvs int64, names []uint64) bool {
	var first [16]uint64
	for i, name := range names {
		first[i&15] = t.slots[t.home(nonZero(name))].name.Load()
	}
	since := rvs - t.base
	for i, name := range names {
		if first[i&15] == 0 {
			continue
		}
		if value := t.find(nonZero(name)); value != 0 {
			if cut := value >> 32; cut == cutForever || Dead(since, int64(cut)) {
				return true
			}
		}
	}
	return false
}

// find returns the value under a name, or 0. A value of 0 would be an entry that
// was cut at the base: it kills no token that is alive.
func (t *Table) find(name uint64) uint64 {
	slots := t.slots
	for i := t.home(name); ; {
		switch slots[i].name.Load() {
		case name:
			return slots[i].value.Load()
		case 0:
			return 0
		}
		if i++; i == len(slots) {
			i = 0
		}
	}
}

// home is where the search for a name begins: names are the output of a MAC, so
// they are spread already.
func (t *Table) home(name uint64) int {
	hi, _ := bits.Mul64(name, uint64(len(t.slots)))
	return int(hi)
}

// relativeCut errs on the dead side of what 32 bits hold, and reports false for
// a cut beyond them: then the table needs a later base.
func (t *Table) relativeCut(cut int64) (uint64, bool) {
	switch {
	case cut == Forever:
		return cutForever, true
	case cut <= t.base:
		return 0, true
	default:
		return uint64(cut - t.base), cut-t.base < cutForever
	}
}

// relativeUntil rounds up: an entry may stay longer, never shorter.
func (t *Table) relativeUntil(until int64) uint64 {
	if until <= t.base {
		return 0
	}
	return uint64(min((until-t.base-1)/1000+1, math.MaxUint32))
}

func (t *Table) cut(value uint64) int64 {
	if value>>32 == cutForever {
		return Forever
	}
	return t.base + int64(value>>32)
}

func (t *Table) until(value uint64) int64 {
	if value&math.MaxUint32 == math.MaxUint32 {
		return Forever
	}
	return t.base + int64(value&math.MaxUint32)*1000
}

// larger joins two values of one name, half by half.
func larger(a, b uint64) uint64 {
	return max(a>>32, b>>32)<<32 | max(a&math.MaxUint32, b&math.MaxUint32)
}

// nonZero gives the name 0 (once in 2^64) to its neighbour: 0 marks a free slot.
func nonZero(name uint64) uint64 { return max(name, 1) }
