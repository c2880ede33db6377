package inspect

import (
	"fmt"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// timeWords puts a claim that is a time into words; "" for any other.
func timeWords(claims jose.Object, name string, now time.Time) string {
	at, ok := timeOf(claims, name)
	if !ok {
		return ""
	}
	return When(at, now) + ", " + Relative(at, now)
}

func timeOf(claims jose.Object, name string) (time.Time, bool) {
	switch name {
	case "exp", "iat", "nbf", "auth_time", "updated_at", "toe":
		seconds, err := claims.NumericDate(name)
		return time.Unix(seconds, 0), err == nil && inCalendar(seconds)
	case "rvs":
		ms, err := claims.Int64(name)
		return time.UnixMilli(ms), err == nil && inCalendar(ms/1000)
	}
	return time.Time{}, false
}

// inCalendar: years of four digits, which is what people can read.
func inCalendar(seconds int64) bool {
	year := time.Unix(seconds, 0).UTC().Year()
	return 1000 <= year && year <= 9999
}

// When writes a moment so that it cannot be misread: the date is left out where
// it is today's, in UTC.
func When(at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return at.Format("today 15:04:05 UTC")
	}
	return at.Format("Monday 2 January 2006, 15:04:05 UTC")
}

// Relative says how far away a moment is.
func Relative(at, now time.Time) string {
	switch d := at.Sub(now); {
	case d > -time.Second && d < time.Second:
		return "just now"
	case d < 0:
		return Span(-d) + " ago"
	default:
		return "in " + Span(d)
	}
}

// Span puts a duration into words, exact enough for people.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 2*time.Minute:
		return count(d, time.Second, "second")
	case d < 2*time.Hour:
		return count(d, time.Minute, "minute")
	case d < 2*day:
		return count(d, time.Hour, "hour")
	case d < 730*day:
		return count(d, day, "day")
	}
	return count(d, 365*day, "year")
}

func count(d, unit time.Duration, word string) string {
	n := int64((d + unit/2) / unit)
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// life says from when to when a token may be used.
func life(claims jose.Object, now time.Time) string {
	ends, ok := timeOf(claims, "exp")
	if !ok {
		return ""
	}
	left := "expires " + Relative(ends, now)
	if !now.Before(ends) {
		left = "expired " + Relative(ends, now)
	}
	made, ok := timeOf(claims, "iat")
	if !ok || made.After(ends) {
		return left
	}
	return fmt.Sprintf("%s; made to live %s", left, Span(ends.Sub(made)))
}
