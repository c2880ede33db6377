package store

import (
	"context"
	"math"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// TokenQuery says what an access token names, and who asks about it.
type TokenQuery struct {
	CallerID  string // the client that asks; empty at userinfo
	Subject   string // the sub, a user's or a client's id
	ClientID  string
	SID       string
	GID       string
	JTI       string
	KID       string   // of the key that signed; empty for an opaque token
	Audience  []string // all of it
	Resources []string // the audiences that are resources, if we know them
	WithUser  bool
}

// user is the user above the token; client_credentials has none.
func (q *TokenQuery) user() string {
	if q.Subject == q.ClientID {
		return ""
	}
	return q.Subject
}

// TokenState gives what the fate of an access token is decided from: the log at a
// head that is confirmed for the caller, and rows that are not older. All of it
// is in memory once it was asked for, except for that head.
func (s *Store) TokenState(ctx context.Context, q TokenQuery) (*record.TokenState, error) {
	log, err := s.confirm(ctx)
	if err == nil {
		err = s.cache.reach(ctx, log.lc)
	}
	if err != nil {
		return nil, unavailable("confirming the head of the log", err)
	}
	state := &record.TokenState{}
	if state.ClientState, err = s.clientState(ctx, log.view, q.CallerID, q.Resources); err != nil {
		return nil, err
	}
	if state.Subject, err = s.client(ctx, q.ClientID); err != nil {
		return nil, err
	}
	if q.WithUser {
		if state.User, err = s.user(ctx, q.user()); err != nil {
			return nil, err
		}
	}
	state.Parents = log.parents(&q)
	addRows(&state.Parents, &q, state)
	return state, nil
}

// parents is what the log says of all that is above a token. Whoever is disabled,
// deleted or ended has an entry there, for as long as a token of before could
// live (tokens.md I5, I9); so what has none is alive.
func (c *confirmed) parents(q *TokenQuery) record.Parents {
	p := record.Parents{
		LC: c.lc, AllCut: max(c.allCut, c.cut(revocation.ForAll())),
		ClientID: q.ClientID, ClientEnabled: true, ClientCut: c.cut(revocation.ForClient(q.ClientID)),
		SID: q.SID, SessionEndedAt: c.endOf(q.SID, revocation.ForSID), SessionAbsUntil: math.MaxInt64, // which exp is within
		GID: q.GID, GrantEndedAt: c.endOf(q.GID, revocation.ForGID),
		JTIRevoked: c.endOf(q.JTI, revocation.ForJTI) != 0,
	}
	if q.KID != "" {
		p.KeyStatus = record.KeyActive
	}
	if c.endOf(q.KID, revocation.ForKID) != 0 {
		p.KeyStatus = record.KeyCompromised
	}
	if p.UserID = q.user(); p.UserID != "" {
		p.UserStatus, p.UserCut = record.UserActive, c.cut(revocation.ForSub(p.UserID))
		p.ConsentCut = c.cut(revocation.ForConsent(p.UserID, q.ClientID))
	}
	for _, aud := range q.Audience {
		if at := c.cut(revocation.ForAud(aud)); at != 0 {
			p.ResourceCuts = append(p.ResourceCuts, at)
		}
	}
	return p
}

// endOf is gone if what is named has ended for good.
func (c *confirmed) endOf(name string, target func(string) revocation.Target) int64 {
	if name != "" && c.cut(target(name)) != 0 {
		return gone
	}
	return 0
}

// addRows adds what rows say that are in memory anyway: of two cutoffs the larger
// holds, and a row that is gone is disabled.
func addRows(p *record.Parents, q *TokenQuery, state *record.TokenState) {
	p.ClientEnabled = state.Subject != nil && state.Subject.Enabled
	if state.Subject != nil {
		p.ClientCut = max(p.ClientCut, state.Subject.Cut)
	}
	for _, r := range state.Resources {
		p.ResourceCuts = append(p.ResourceCuts, r.Cut)
	}
	switch {
	case !q.WithUser || p.UserID == "":
	case state.User == nil:
		p.UserStatus = ""
	default:
		p.UserStatus, p.UserCut = state.User.Status, max(p.UserCut, state.User.Cut)
	}
}
