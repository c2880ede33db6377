package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ParseDuration is time.ParseDuration with days before the rest: 30d, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	number, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		return time.ParseDuration(text)
	}
	days, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return 0, errors.New("a duration is a number and a unit, as in 30d")
	}
	d := time.Duration(days) * day
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 {
		return 0, errors.New("a duration is a number and a unit, as in 1d12h")
	}
	return d + more, nil
}

// FormatDuration writes a duration the way ParseDuration reads it, without the
// units that are zero.
func FormatDuration(d time.Duration) string {
	var text strings.Builder
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			text.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d %= unit.size
		}
	}
	if text.Len() == 0 {
		return "0s"
	}
	return text.String()
}
