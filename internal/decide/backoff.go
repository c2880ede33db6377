package decide

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// The figures of the back-off. It slows guessing down without letting anybody
// lock out anybody else: a browser that its user has signed in with before is
// counted by itself, and nothing that others do can hold it up.
const (
	quietAfter     = 15 * minute // without an attempt: a counter is forgotten
	freeTries      = 5           // before there is any waiting
	firstWait      = second      // after them; doubles with each attempt
	longestWait    = quietAfter
	accountTries   = 100 // NIST SP 800-63B-4 §3.2.2, from all browsers that are not known
	networkMisses  = 300 // of one network, whatever the accounts
	networkWindow  = 15 * minute
	uncountedLimit = int64(1) << 62 // a counter that only counts
)

// slowed reserves an attempt on a counter that makes each attempt after the free
// tries wait twice as long as the one before. The reservation is strict: past
// the free tries its guard is that nobody else has tried meanwhile. wait is how
// long to come back after, zero if the attempt may be made.
func slowed(counter record.Counter, name string, now int64) (reserve record.CountAttempt, wait int64) {
	n := counted(counter, now)
	reserve = record.CountAttempt{Name: name, Limit: freeTries, At: now, WindowEnds: now + quietAfter}
	if n < freeTries {
		return reserve, 0
	}
	reserve.Limit = n + 1
	last := counter.WindowEnds - quietAfter
	return reserve, max(0, last+waitAfter(n)-now)
}

// waitAfter is how long the next attempt waits after n of them.
func waitAfter(n int64) int64 {
	wait := firstWait
	for ; n > freeTries && wait < longestWait; n-- {
		wait *= 2
	}
	return min(wait, longestWait)
}

// bounded reserves an attempt on a counter that allows so many in a row and then
// none until it has been quiet.
func bounded(counter record.Counter, name string, limit, now int64) (reserve record.CountAttempt, wait int64) {
	reserve = record.CountAttempt{Name: name, Limit: limit, At: now, WindowEnds: now + quietAfter}
	if counted(counter, now) < limit {
		return reserve, 0
	}
	return reserve, counter.WindowEnds - now
}

// counted is what a counter stands at; it stands at zero once its window has ended.
func counted(counter record.Counter, now int64) int64 {
	if now >= counter.WindowEnds {
		return 0
	}
	return counter.N
}

// miss counts a failed attempt of a network. Its window is fixed, not moved by
// each miss: a large network always makes some. It is counted when the attempt
// has failed, so that those who know their passwords use nothing up.
func miss(counter record.Counter, name string, now int64) record.CountAttempt {
	ends := counter.WindowEnds
	if now >= ends {
		ends = now + networkWindow
	}
	return record.CountAttempt{Name: name, Limit: uncountedLimit, At: now, WindowEnds: ends}
}

// late counts an attempt that failed on a counter that stood at zero.
func late(name string, now int64) record.CountAttempt {
	return record.CountAttempt{Name: name, Limit: uncountedLimit, At: now, WindowEnds: now + quietAfter}
}

// counterName names a counter without saying whom it counts.
func counterName(kind string, parts ...string) string {
	return kind + " " + base64.RawURLEncoding.EncodeToString(secret.Hash(strings.Join(parts, "\x00")))
}

// tooMany refuses an attempt until wait milliseconds have passed.
func tooMany(wait int64) *oauth.Error {
	seconds := (wait + second - 1) / second // Retry-After has whole seconds (RFC 9110 §10.2.3)
	return oauth.Refuse(oauth.ReasonTooManyAttempts).After(time.Duration(seconds) * time.Second)
}
