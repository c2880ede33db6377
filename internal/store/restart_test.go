package store

import (
	"errors"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// tokens.md, part 2, I8: nothing that the old log promised reaches into the new one.
func TestARestartedLogBeginsAnewADayLater(t *testing.T) {
	for name, at := range map[string]int64{"with the clock": noon + 5, "with a clock that was put back": noon - day} {
		clock := &stoppable{}
		clock.ms.Store(noon)
		s := open(t, clock.option)
		for range 3 {
			commit(t, s, record.Append{Target: revocation.ForSub("ana")})
		}
		clock.ms.Store(at)
		old := head(t, s)
		restart := record.RestartLog{From: old.LogID, LogID: revocation.NewLogID([12]byte{9}), FeedKey: revocation.FeedKey{8}}
		commit(t, s, restart, record.Append{Target: revocation.ForAll()}, record.CutAll{}, record.Append{Target: revocation.ForKID("k")})

		now := head(t, s)
		if now.LogID != restart.LogID || now.FeedKey != restart.FeedKey || now.Seq != 2 {
			t.Errorf("%s: the head is %+v", name, now)
		}
		if want := max(old.LC, at) + day; now.LC != want || now.AllCut != want {
			t.Errorf("%s: the clock stands at %d, cut at %d, want %d", name, now.LC, now.AllCut, want)
		}
		if log := checkLog(t, s); log[0].target != revocation.ForAll() || log[0].lc != now.LC {
			t.Errorf("%s: it begins with %+v", name, log[0])
		}
	}
}

// Whoever proves something about the old log comes too late, and changes nothing.
func TestALogIsRestartedOnce(t *testing.T) {
	s := world(t)
	commit(t, s, record.Append{Target: revocation.ForSub("ana")})
	restart := record.RestartLog{From: head(t, s).LogID, LogID: revocation.NewLogID([12]byte{9}), FeedKey: revocation.FeedKey{8}}
	results := make(chan error)
	for range 2 {
		go func() { results <- s.Commit(t.Context(), []record.Change{restart, record.CutAll{}}) }()
	}
	first, second := <-results, <-results
	if (first == nil) == (second == nil) || !errors.Is(errors.Join(first, second), ErrConflict) {
		t.Errorf("%v, %v", first, second)
	}
	before := dump(t, s)
	if err := s.Commit(t.Context(), []record.Change{restart}); !errors.Is(err, ErrConflict) {
		t.Errorf("once more: %v", err)
	}
	if dump(t, s) != before {
		t.Error("it was restarted once more")
	}
}
