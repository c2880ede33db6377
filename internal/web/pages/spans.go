package pages

import (
	"math"
	"strconv"
	"time"
)

const dayLong = 24 * time.Hour

// span is a length of time in its largest fitting unit, rounded up.
func (l *tongue) span(d time.Duration) string {
	units := []struct {
		length time.Duration
		key    string
	}{{dayLong, "span.days"}, {time.Hour, "span.hours"}, {time.Minute, "span.minutes"}}
	for _, unit := range units {
		// A unit fits from two of it on, or when it is met exactly.
		if d >= 2*unit.length || d == unit.length {
			return l.text(unit.key, "n", int(math.Ceil(float64(d)/float64(unit.length))))
		}
	}
	return l.text("span.seconds", "n", max(1, int(math.Ceil(d.Seconds()))))
}

// ago is how far t lies back, as seen at now.
func (l *tongue) ago(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return l.text("ago.now")
	case d < time.Hour:
		return l.text("ago.minutes", "n", int(d/time.Minute))
	case d < dayLong:
		return l.text("ago.hours", "n", int(d/time.Hour))
	case d < 30*dayLong:
		return l.text("ago.days", "n", int(d/dayLong))
	}
	return l.text("ago.on", "date", l.day(t))
}

// day is a date in words. The year is written without grouping.
func (l *tongue) day(t time.Time) string {
	t = t.UTC()
	return l.text("date", "day", strconv.Itoa(t.Day()), "month", l.text("month."+strconv.Itoa(int(t.Month()))), "year", strconv.Itoa(t.Year()))
}
