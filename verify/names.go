package verify

import (
	"slices"
	"sync/atomic"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// recurring remembers the names that the tokens of one client have in common: to
// make them again for each token would take longer than to read its claims.
type recurring struct {
	epoch         uint64
	kid, clientID string
	audience      []string
	names         []uint64
}

// recurringNames has a place for each of some clients.
type recurringNames [16]atomic.Pointer[recurring]

// names appends the names of a token's targets in the log of a view.
func (v *Verifier) names(names []uint64, c *Claims, w *view) []uint64 {
	var room [5]revocation.Target
	own := append(room[:0], revocation.ForJTI(c.ID), revocation.ForSub(c.Subject), revocation.ForConsent(c.Subject, c.ClientID))
	if c.SessionID != "" {
		own = append(own, revocation.ForSID(c.SessionID))
	}
	if c.GrantID != "" {
		own = append(own, revocation.ForGID(c.GrantID))
	}
	return append(w.names.Append(names, own...), v.recurring.of(c, w)...)
}

func (rr *recurringNames) of(c *Claims, w *view) []uint64 {
	place := &rr[int(c.ClientID[0])%len(rr)] // it is not empty
	r := place.Load()
	if r == nil || r.epoch != w.epoch || r.kid != c.kid || r.clientID != c.ClientID || !slices.Equal(r.audience, c.Audience) {
		r = &recurring{epoch: w.epoch, kid: c.kid, clientID: c.ClientID, audience: c.Audience}
		shared := []revocation.Target{revocation.ForKID(c.kid), revocation.ForClient(c.ClientID), revocation.ForAll()}
		for _, aud := range c.Audience {
			shared = append(shared, revocation.ForAud(aud))
		}
		r.names = w.names.Append(nil, shared...)
		place.Store(r)
	}
	return r.names
}
