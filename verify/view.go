package verify

import (
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// State is how much a verifier knows of what was revoked.
type State int

// The states, as the package's documentation describes them.
const (
	Init State = iota
	Live
	Stale
	Expired
)

// String is the state's name, as receipts carry it.
func (s State) String() string {
	switch s {
	case Live:
		return "live"
	case Stale:
		return "stale"
	case Expired:
		return "expired"
	default:
		return "init"
	}
}

const (
	liveFor    = 10 * time.Second // give or take 30 %, drawn once for each verifier
	expiredAt  = 55 * time.Second
	clockSlack = 5 * time.Second // between the issuer's clock and ours, and on the way
)

// view is the table and the head that vouches for it, published as one pointer.
// The follower puts entries into the table first and publishes then; a reader
// loads the view first and probes then, so what it remembers is never newer than
// what it looked at. A view never changes.
type view struct {
	table *revocation.Table
	names revocation.Namer // under the log's key
	epoch uint64           // which log, as this process counts them: names belong to one
	gen   uint64           // moves with every entry and every table: verdicts belong to one
	at    time.Time
	t     int64 // the issuer's clock at the head, unix ms
	stale bool  // something did not fit, whatever the age
}

// age is how old the news is: by the monotonic clock since the head arrived, or
// by the wall clocks since it was signed, whichever is worse.
func (w *view) age(now time.Time) time.Duration {
	return max(now.Sub(w.at), time.Duration(now.UnixMilli()-w.t)*time.Millisecond-clockSlack)
}

// clock is the time for exp and nbf, in unix ms: ours, or the issuer's as far as
// it must have come, whichever is later. The issuer drops a revocation when by
// its own clock no token is left that it could match; a clock of ours that runs
// behind must not bring such a token back.
func (w *view) clock(now time.Time) int64 {
	return max(now.UnixMilli(), w.t+now.Sub(w.at).Milliseconds())
}

// over reports whether a token has expired (RFC 7519 §4.1.4), leeway included.
func (w *view) over(r *remembered, now time.Time) bool { return w.clock(now) >= r.ends }

// state is judged anew at every call: nothing has to happen for it to change.
func (v *Verifier) state(w *view, now time.Time) State {
	if w == nil {
		return Init
	}
	switch age := w.age(now); {
	case age >= expiredAt:
		return Expired
	case age >= v.liveFor || w.stale:
		return Stale
	default:
		return Live
	}
}

// dead reports whether a token is revoked as far as the view knows.
func (v *Verifier) dead(w *view, r *remembered) bool {
	if r.clean.Load() == w.gen {
		return false
	}
	n := r.named.Load()
	if n == nil || n.epoch != w.epoch {
		n = &named{epoch: w.epoch}
		n.names = v.names(n.room[:0], &r.claims, w)
		r.named.Store(n)
	}
	if w.table.Dead(r.claims.rvs, n.names) {
		return true
	}
	r.clean.Store(w.gen)
	return false
}
