package store

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func logAfter(t *testing.T, s *Store, seq int64, most int) record.LogPart {
	t.Helper()
	part, err := s.LogAfter(t.Context(), seq, most)
	if err != nil {
		t.Fatal(err)
	}
	return part
}

func targeted(target revocation.Target) record.Append {
	return record.Append{Target: target, Reason: "test", Actor: "test", At: noon}
}

// The chain of the head is that of the entries, and touches are in neither
// (docs/decisions/0003).
func TestTheFeedReadsWhatTheChainRunsOver(t *testing.T) {
	s := world(t) // with touches
	commit(t, s, targeted(revocation.ForSID("sid")))
	commit(t, s, targeted(revocation.ForSub("ana")), record.CutClient{ClientID: "app"}, targeted(revocation.ForAll()))
	whole := logAfter(t, s, 0, 1000)
	var chain revocation.Chain
	for _, e := range whole.Entries {
		chain = chain.Next(e)
	}
	if len(whole.Entries) != 3 || whole.Head.Chain != chain || whole.Gap || whole.Seq != whole.Head.Seq {
		t.Errorf("%+v", whole)
	}
	if diff := gocmp.Diff(head(t, s), whole.Head); diff != "" {
		t.Errorf("the head (-Head +LogAfter):\n%s", diff)
	}
	var pieces []revocation.Entry
	for seq := int64(0); seq < whole.Seq; {
		part := logAfter(t, s, seq, 2)
		if part.Gap || part.Seq <= seq {
			t.Fatalf("after %d: %+v", seq, part)
		}
		pieces, seq = append(pieces, part.Entries...), part.Seq
	}
	if diff := gocmp.Diff(whole.Entries, pieces); diff != "" {
		t.Errorf("in pieces (-whole +pieces):\n%s", diff)
	}
	if end := logAfter(t, s, whole.Seq, 2); len(end.Entries) != 0 || end.Gap || end.Seq != whole.Seq {
		t.Errorf("after the end: %+v", end)
	}
}

func TestAReaderWhoMissedWhatWasPurgedIsTold(t *testing.T) {
	s := world(t)
	last := head(t, s).Seq
	commit(t, s, targeted(revocation.ForSID("sid")))
	if err := s.Purge(t.Context(), noon+3*day, 10); err != nil {
		t.Fatal(err)
	}
	if part := logAfter(t, s, last, 10); !part.Gap {
		t.Errorf("an entry was purged: %+v", part)
	}
	if part := logAfter(t, s, last+1, 10); part.Gap {
		t.Errorf("nothing was purged after this: %+v", part)
	}
	commit(t, s, targeted(revocation.ForSID("sid")))
	if part := logAfter(t, s, last, 10); !part.Gap {
		t.Errorf("an entry in between was purged: %+v", part)
	}
}

func TestALogWithoutEntriesHasAHead(t *testing.T) {
	s := open(t)
	part, err := s.LiveLog(t.Context(), noon)
	if err != nil || len(part.Entries) != 0 || part.Head != head(t, s) {
		t.Errorf("%+v, %v", part, err)
	}
	if part := logAfter(t, s, 0, 10); part.Gap || part.Head != head(t, s) {
		t.Errorf("%+v", part)
	}
}

// A snapshot says of every target what a reader of the whole log would know.
func TestTheLiveLogIsTheReplayOfTheLog(t *testing.T) {
	s := world(t)
	targets := []revocation.Target{
		revocation.ForJTI("a"), revocation.ForSID("a"), revocation.ForSub("a"), revocation.ForSub("b"),
		revocation.ForConsent("a", "b"), revocation.ForAud("a"), revocation.ForAll(),
	}
	rapid.Check(t, func(r *rapid.T) {
		var plan []record.Change
		for _, target := range rapid.SliceOfN(rapid.SampledFrom(targets), 1, 5).Draw(r, "targets") {
			plan = append(plan, targeted(target))
		}
		if err := s.Commit(t.Context(), plan); err != nil {
			r.Fatal(err)
		}
		replayed := map[uint64][2]int64{}
		for _, e := range logAfter(t, s, 0, 1<<20).Entries {
			was := replayed[e.Name]
			replayed[e.Name] = [2]int64{max(was[0], e.Cut), max(was[1], e.Until)}
		}
		live, err := s.LiveLog(t.Context(), noon)
		if err != nil {
			r.Fatal(err)
		}
		taken := map[uint64][2]int64{}
		for _, e := range live.Entries {
			taken[e.Name] = [2]int64{e.Cut, e.Until}
		}
		if diff := gocmp.Diff(replayed, taken); diff != "" || len(taken) != len(live.Entries) {
			r.Fatalf("(-replayed +snapshot):\n%s", diff)
		}
		if live.Head != head(t, s) || live.Seq != live.Head.Seq {
			r.Fatalf("%+v", live.Head)
		}
	})
	late, err := s.LiveLog(t.Context(), noon+3*day)
	if err != nil || len(late.Entries) != 0 {
		t.Errorf("after their time there are %d entries, %v", len(late.Entries), err)
	}
	if !slices.IsSortedFunc(logAfter(t, s, 0, 1<<20).Entries, func(a, b revocation.Entry) int { return cmp.Compare(a.Seq, b.Seq) }) {
		t.Error("the log is not in order")
	}
}

func TestACommitThatMovesTheLogIsToldBeforeItIsAnswered(t *testing.T) {
	s := world(t)
	for range 100 {
		moved := s.Moved()
		commit(t, s, targeted(revocation.ForSID("sid")))
		select {
		case <-moved:
		default:
			t.Fatal("the commit was answered, and nobody was told of it")
		}
	}
}
