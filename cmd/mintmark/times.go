package main

import (
	"strconv"
	"time"
)

// moment is a time for people: absolute in UTC, and how far it is from now.
func moment(at time.Time) string {
	return at.UTC().Format("2006-01-02 15:04:05 UTC") + " (" + fromNow(at) + ")"
}

// fromNow says how far a time is from now: "in 12 minutes", "3 days ago".
func fromNow(at time.Time) string {
	d := time.Until(at).Round(time.Second)
	switch {
	case d > 0:
		return "in " + span(d)
	case d < 0:
		return span(-d) + " ago"
	}
	return "now"
}

// span says a duration in its largest unit, rounded; two units would be noise.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		size, upTo time.Duration
		name       string
	}{
		{time.Second, 2 * time.Minute, "second"},
		{time.Minute, 2 * time.Hour, "minute"},
		{time.Hour, 2 * day, "hour"},
		{day, 1 << 62, "day"},
	} {
		if n := int64(d.Round(unit.size) / unit.size); d < unit.upTo {
			if n == 1 {
				return "1 " + unit.name
			}
			return strconv.FormatInt(n, 10) + " " + unit.name + "s"
		}
	}
	return d.String()
}

// date is a time in a table.
func date(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04")
}
