package main

import (
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

func TestAServerHasRecoveredWhenNobodyIsRefusedOrSlow(t *testing.T) {
	quick, slow, refused := load.Arrival{Took: time.Millisecond}, load.Arrival{Took: time.Second}, load.Arrival{Refused: true}
	at := func(a load.Arrival, sent time.Duration) load.Arrival {
		a.Sent = sent
		return a
	}
	for name, c := range map[string]struct {
		arrivals []load.Arrival
		want     time.Duration
	}{
		"at once": {[]load.Arrival{at(quick, 0), at(quick, time.Second)}, 0},
		"refused": {[]load.Arrival{at(refused, 0), at(quick, time.Second), at(refused, 1100*time.Millisecond), at(quick, 2*time.Second)}, 1250 * time.Millisecond},
		"slow":    {[]load.Arrival{at(slow, 600*time.Millisecond), at(quick, time.Second)}, 750 * time.Millisecond},
	} {
		if got := recovered(c.arrivals, 10*time.Millisecond); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOnlyWhatIsAnsweredDuringTheFloodCounts(t *testing.T) {
	flood := []load.Arrival{
		{Sent: time.Second, Took: time.Second}, {Sent: overloadLength, Took: time.Millisecond}, {Sent: time.Second, Refused: true},
	}
	if got := inTime(flood); got != 1 {
		t.Errorf("%d are counted", got)
	}
	if accepted, refused := parted(flood); len(accepted) != 2 || len(refused) != 1 {
		t.Errorf("%v accepted, %v refused", accepted, refused)
	}
}
