package outbox

import (
	"math"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
)

func TestPausesGrowAndDiffer(t *testing.T) {
	for tries, whole := range map[int64]time.Duration{
		0: firstPause, 1: firstPause, 2: 2 * firstPause, 5: 16 * firstPause, 9: 256 * firstPause,
		10: time.Hour, 11: time.Hour, 1000: time.Hour, math.MaxInt64: time.Hour,
	} {
		least, most := pause(tries, 0), pause(tries, math.MaxUint32)
		if least != whole/2 || most > whole || most < whole-time.Second {
			t.Errorf("after %d attempts it waits %v to %v, want up to %v", tries, least, most, whole)
		}
		if middle := pause(tries, math.MaxUint32/2); middle <= least || middle >= most {
			t.Errorf("after %d attempts chance %v is between %v and %v", tries, middle, least, most)
		}
	}
}

func TestTheVerdictOnAnAttempt(t *testing.T) {
	const now = int64(1_800_000_000_000)
	day := patience.Milliseconds()
	row := func(age int64) record.Delivery {
		return record.Delivery{ID: "d", MadeAt: now - age, DueAt: now - 5, Tries: 2, LeasedUntil: now}
	}
	for name, c := range map[string]struct {
		age  int64
		r    result
		want func(*record.Delivery)
	}{
		"delivered":          {5, result{outcome: record.Delivered, answer: "a"}, func(d *record.Delivery) { d.Outcome, d.DoneAt = record.Delivered, now }},
		"withdrawn":          {5, result{outcome: record.Withdrawn, answer: "a"}, func(d *record.Delivery) { d.Outcome, d.DoneAt = record.Withdrawn, now }},
		"delivered, late":    {day + 5, result{outcome: record.Delivered, answer: "a"}, func(d *record.Delivery) { d.Outcome, d.DoneAt = record.Delivered, now }},
		"to be tried again":  {5, result{answer: "a"}, func(d *record.Delivery) { d.DueAt = now + 5000 }},
		"for the last time":  {day - 1, result{answer: "a"}, func(d *record.Delivery) { d.DueAt = now + 5000 }},
		"for too long tried": {day, result{answer: "a"}, func(d *record.Delivery) { d.Outcome, d.DoneAt = record.GivenUp, now }},
	} {
		want := row(c.age)
		want.Answer = "a"
		c.want(&want)
		if got := verdict(row(c.age), c.r, now, 0); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
