package revocation

import (
	"encoding/hex"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestATokenIsDeadOnlyIfItIsOlderThanTheCutoff(t *testing.T) {
	for _, c := range []struct {
		rvs, cut int64
		dead     bool
	}{
		{99, 100, true},
		{100, 100, false}, // the next sign-in works in the same millisecond
		{101, 100, false},
		{0, 0, false}, // nothing was ever revoked
		{math.MaxInt64 - 1, Forever, true},
		{math.MaxInt64, Forever, true},
	} {
		if Dead(c.rvs, c.cut) != c.dead {
			t.Errorf("rvs %d, cutoff %d: dead is %v", c.rvs, c.cut, !c.dead)
		}
	}
}

// Computed by another program; every verifier computes the same.
func TestTheChainIsFixed(t *testing.T) {
	var chain Chain
	for _, c := range []struct {
		entry Entry
		want  string
	}{
		{Entry{Seq: 1, Name: 0x0123456789abcdef, Cut: 1700000000000, Until: 1700000900000}, "0614eaaef7a611a2509f835f7b5a4cd47044c105a2584412687533e7bd5d4f32"},
		{Entry{Seq: 2, Name: math.MaxUint64, Cut: Forever, Until: 1700000900001}, "b0083b2fe2a1ce3236e498fe379e230db933fcbcd7f5a586f0568fbac6d4d16d"},
	} {
		chain = chain.Next(c.entry)
		if got := hex.EncodeToString(chain[:]); got != c.want {
			t.Errorf("after entry %d the chain is %s, want %s", c.entry.Seq, got, c.want)
		}
	}
}

func TestTheChainTellsApartWhateverTwoReadersSaw(t *testing.T) {
	entry := rapid.Custom(func(t *rapid.T) Entry {
		n := rapid.Int64Range(0, 2)
		return Entry{Seq: n.Draw(t, "seq"), Name: uint64(n.Draw(t, "name")), Cut: n.Draw(t, "cut"), Until: n.Draw(t, "until")}
	})
	rapid.Check(t, func(t *rapid.T) {
		logs := rapid.SliceOfN(rapid.SliceOfN(entry, 0, 3), 2, 2).Draw(t, "logs")
		var chains [2]Chain
		same := len(logs[0]) == len(logs[1])
		for i, log := range logs {
			for j, e := range log {
				chains[i] = chains[i].Next(e)
				same = same && e == logs[1-i][j]
			}
		}
		if same != (chains[0] == chains[1]) {
			t.Fatalf("same log: %v, same chain: %v", same, chains[0] == chains[1])
		}
	})
}

func TestALogIsNamedBySixteenCharacters(t *testing.T) {
	if got := NewLogID([12]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}); got != "AAECAwQFBgcICQoL" {
		t.Errorf("%s", got)
	}
}
