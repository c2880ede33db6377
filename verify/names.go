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
	add := func(t revocation.Target) { names = append(names, w.names.Name(t)) }
	add(revocation.ForJTI(c.ID))
	if c.SessionID != "" {
		add(revocation.ForSID(c.SessionID))
	}
	if c.GrantID != "" {
		add(revocation.ForGID(c.GrantID))
	}
	add(revocation.ForSub(c.Subject))
	add(revocation.ForConsent(c.Subject, c.ClientID))
	return append(names, v.recurring.of(c, w)...)
}

func (rr *recurringNames) of(c *Claims, w *view) []uint64 {
	place := &rr[int(c.ClientID[0])%len(rr)] // it is not empty
	r := place.Load()
	if r == nil || r.epoch != w.epoch || r.kid != c.kid || r.clientID != c.ClientID || !slices.Equal(r.audience, c.Audience) {
		r = &recurring{epoch: w.epoch, kid: c.kid, clientID: c.ClientID, audience: c.Audience}
		r.names = []uint64{
			w.names.Name(revocation.ForKID(c.kid)), w.names.Name(revocation.ForClient(c.ClientID)), w.names.Name(revocation.ForAll()),
		}
		for _, aud := range c.Audience {
			r.names = append(r.names, w.names.Name(revocation.ForAud(aud)))
		}
		place.Store(r)
	}
	return r.names
}
