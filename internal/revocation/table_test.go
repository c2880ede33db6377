package revocation

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

const clock = int64(1_790_000_000_000)

// The model is every entry that was ever put: an unexpired one must kill, an expired one may, and nothing else does.
func TestTheTableAnswersAsAMapWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, model := NewTable(rapid.IntRange(0, 20).Draw(t, "room"), clock), map[uint64][]Entry{}
		now := clock
		name := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.Uint64Range(math.MaxUint64-40, math.MaxUint64), rapid.Uint64())
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				e := Entry{Name: name.Draw(t, "name"), Cut: anyCut(t), Until: now + rapid.Int64Range(0, 90_000).Draw(t, "for")}
				for !table.Put(e) {
					table = table.Grow(now, clock)
				}
				model[max(e.Name, 1)] = append(model[max(e.Name, 1)], e)
			},
			"sweep": func(*rapid.T) { table = table.Sweep(now) },
			"pass":  func(t *rapid.T) { now += rapid.Int64Range(0, 60_000).Draw(t, "ms") },
			"": func(t *rapid.T) {
				asked, rvs := name.Draw(t, "asked"), anyCut(t)-1
				var must, may bool
				for _, e := range model[max(asked, 1)] {
					may = may || Dead(rvs, e.Cut)
					must = must || Dead(rvs, e.Cut) && e.Until >= now
				}
				if dead := table.Dead(rvs, []uint64{asked}); dead && !may || must && !dead {
					t.Fatalf("name %d, rvs %d, entries %+v: dead is %v", asked, rvs, model[asked], dead)
				}
			},
		})
	})
}

func anyCut(t *rapid.T) int64 {
	return rapid.OneOf(rapid.Int64Range(clock, clock+9), rapid.Just(Forever)).Draw(t, "cut")
}

func TestWhatNeverComesBackIsDeadWhateverItsClockSays(t *testing.T) {
	table := NewTable(1, clock)
	table.Put(Entry{Name: 7, Cut: Forever, Until: clock})
	for _, rvs := range []int64{0, clock, math.MaxInt64} {
		if !table.Dead(rvs, []uint64{1, 7}) {
			t.Errorf("rvs %d is alive", rvs)
		}
	}
}

// A log that is older than the 49 days of 32 bits goes on; no cutoff moves to the alive side.
func TestACutBeyondTheTableMovesItsBase(t *testing.T) {
	table := NewTable(9, clock)
	table.Put(Entry{Name: 7, Cut: clock, Until: Forever})
	later := Entry{Name: 8, Cut: clock + 80*24*3600*1000, Until: Forever}
	if table.Put(later) {
		t.Fatal("a cut 80 days ahead fits 32 bits of milliseconds")
	}
	table = table.Grow(clock, later.Cut)
	if !table.Put(later) || !table.Dead(clock-1, []uint64{7}) || !table.Dead(later.Cut-1, []uint64{8}) || table.Dead(later.Cut, []uint64{7, 8}) {
		t.Error("after moving the base the cutoffs are others")
	}
}

func TestExpiredEntriesLeaveAndOthersStay(t *testing.T) {
	table := NewTable(300, clock)
	for i := range uint64(300) {
		table.Put(Entry{Name: bits.Reverse64(i + 1), Cut: Forever, Until: clock + int64(i)*1000})
	}
	if table.Sweep(clock+50_000) != table {
		t.Error("a table is made anew for a sixth of it")
	}
	swept := table.Sweep(clock + 200_000)
	if swept.Len() != 100 || swept.Dead(0, []uint64{bits.Reverse64(200)}) || !swept.Dead(0, []uint64{bits.Reverse64(201)}) {
		t.Errorf("%d entries are left of 100", swept.Len())
	}
	if table.Len() != 300 || !table.Dead(0, []uint64{bits.Reverse64(1)}) {
		t.Error("the old table changed under its readers")
	}
}

func TestReadersSeeWholeEntriesWhileOneGoroutineWrites(t *testing.T) {
	const n = 20_000
	table := NewTable(n, clock)
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for seen := uint64(0); ; {
				for seen < n && table.Dead(clock, []uint64{bits.Reverse64(seen + 1)}) {
					seen++ // entries arrive in this order, so none before it may be missing
				}
				for i := range seen {
					if !table.Dead(clock, []uint64{bits.Reverse64(i + 1)}) {
						t.Errorf("entry %d vanished", i)
						return
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range uint64(n) {
		table.Put(Entry{Name: bits.Reverse64(i + 1), Cut: clock + 1, Until: Forever})
	}
	close(done)
	readers.Wait()
}

func TestARecordReadsBackOnTheDeadSide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{
			Name: rapid.Uint64().Draw(t, "name"), Cut: rapid.OneOf(rapid.Int64Min(0), rapid.Int64Range(clock, clock+1e10)).Draw(t, "cut"),
			Until: rapid.Int64Range(clock, clock+1e9).Draw(t, "until"),
		}
		b := AppendRecord(nil, clock, e)
		back := ReadRecord(b, clock)
		if len(b) != RecordSize || back.Name != e.Name || back.Cut < e.Cut || back.Until < e.Until || back.Until >= e.Until+1000 {
			t.Fatalf("%+v reads back as %+v", e, back)
		}
		if inRange := e.Cut >= clock && e.Cut < clock+math.MaxUint32; inRange && back.Cut != e.Cut {
			t.Fatalf("%+v reads back as %+v", e, back)
		}
	})
}

func TestTenMillionEntriesTakeAtMost210MB(t *testing.T) {
	const n = 10_000_000
	table := NewTable(n, clock) // memory that nobody writes to is not taken
	if table.Bytes() > 210_000_000 {
		t.Errorf("%d bytes", table.Bytes())
	}
	if len(table.slots)*fullAt < n*100 {
		t.Errorf("%d slots do not hold them", len(table.slots))
	}
}

func TestNamingATargetAllocatesNothing(t *testing.T) {
	key := FeedKey{1}
	target := ForConsent("AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA")
	if n := testing.AllocsPerRun(100, func() { key.Name(target) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNamingManyTargetsAllocatesOnce(t *testing.T) {
	namer, target, room := FeedKey{1}.Namer(), ForSub("AAAAAAAAAAAAAAAAAAAAAA"), make([]uint64, 0, 5)
	if n := testing.AllocsPerRun(100, func() { namer.Append(room, target, target, target, target, target) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// filled is a table of n names that look like the output of a MAC.
func filled(n int) *Table {
	table := NewTable(n, clock)
	for i := range uint64(n) {
		if !table.Put(Entry{Name: spread(i), Cut: clock, Until: Forever}) {
			panic("no room")
		}
	}
	return table
}

func spread(i uint64) uint64 {
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return i ^ i>>31
}

func benchmarkEightTargets(b *testing.B, n int) {
	table := filled(n)
	names := make([]uint64, 8)
	b.ReportAllocs()
	b.ReportMetric(float64(table.Bytes())/1e6, "MB")
	i := uint64(1) << 40
	for b.Loop() {
		for j := range names {
			i++
			names[j] = spread(i)
		}
		if table.Dead(clock, names) {
			b.Fatal("a name that was never added is dead")
		}
	}
}

func BenchmarkEightTargetsAt100k(b *testing.B) { benchmarkEightTargets(b, 100_000) }

func BenchmarkEightTargetsAt10M(b *testing.B) { benchmarkEightTargets(b, 10_000_000) }

func BenchmarkLoading10MRecords(b *testing.B) {
	records := make([]byte, 0, 10_000_000*RecordSize)
	for i := range uint64(10_000_000) {
		records = binary.BigEndian.AppendUint64(records, spread(i))
		records = binary.BigEndian.AppendUint64(records, 1<<32|1)
	}
	for b.Loop() {
		table := NewTable(len(records)/RecordSize, clock)
		for at := 0; at < len(records); at += RecordSize {
			table.Put(ReadRecord(records[at:], clock))
		}
	}
}

func BenchmarkNamingATarget(b *testing.B) {
	key := FeedKey{1}
	target := ForConsent("AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA")
	b.ReportAllocs()
	for b.Loop() {
		key.Name(target)
	}
}
