package store

import (
	"context"
	"math"

	"github.com/mintmark-id/mintmark/internal/record"
)

// TokenQuery says which access token is asked about, and by whom.
type TokenQuery struct {
	CallerID  string                // the client that asks; empty at userinfo
	Token     *record.VerifiedToken // nil: what was presented is none
	Resources []string              // the audiences that are resources, if we know them
	WithUser  bool
	// UserOf gives the user of the token, whose sub its client may know by a name of
	// its own. Nil: the sub is the user's id.
	UserOf func(client *record.Client) string
}

// TokenState gives what the fate of an access token is decided from: the log at a
// head that is confirmed for the caller, and rows that are not older. All of it
// is in memory once it was asked for, except for that head.
func (s *Store) TokenState(ctx context.Context, q TokenQuery) (*record.TokenState, error) {
	log, err := s.confirm(ctx)
	if err == nil {
		err = s.reach(ctx, log.lc)
	}
	if err != nil {
		return nil, unavailable("confirming the head of the log", err)
	}
	state := &record.TokenState{}
	if state.ClientState, err = s.clientState(ctx, log.view, q.CallerID, q.Resources); err != nil {
		return nil, err
	}
	if q.Token == nil {
		return state, nil
	}
	if state.Subject, err = s.client(ctx, q.Token.ClientID); err != nil {
		return nil, err
	}
	if q.WithUser {
		userID := q.Token.UserID()
		if q.UserOf != nil && state.Subject != nil && userID != "" {
			userID = q.UserOf(state.Subject)
		}
		if state.User, err = s.user(ctx, userID); err != nil {
			return nil, err
		}
	}
	state.Parents = log.parents(q.Token)
	addRows(&state.Parents, q.WithUser, state)
	return state, nil
}

// parents is what the log says of all that is above a token. Whoever is disabled,
// deleted or ended has an entry there, for as long as a token of before could
// live (tokens.md I5, I9); so what has none is alive.
func (c *confirmed) parents(t *record.VerifiedToken) record.Parents {
	names := t.Names(c.key)
	p := record.Parents{
		LC: c.lc, AllCut: max(c.allCut, c.cut(names.All)),
		ClientID: t.ClientID, ClientEnabled: true, ClientCut: c.cut(names.Client),
		SID: t.SID, SessionEndedAt: c.endOf(names.SID), SessionAbsUntil: math.MaxInt64, // which exp is within
		GID: t.GID, GrantEndedAt: c.endOf(names.GID),
		JTIRevoked: c.endOf(names.JTI) != 0,
	}
	if t.KID != "" {
		p.KeyStatus = record.KeyActive
	}
	if c.endOf(names.KID) != 0 {
		p.KeyStatus = record.KeyCompromised
	}
	if p.UserID = t.UserID(); p.UserID != "" {
		p.UserStatus, p.UserCut, p.ConsentCut = record.UserActive, c.cut(names.Sub), c.cut(names.Consent)
	}
	for _, name := range names.Audience {
		if at := c.cut(name); at != 0 {
			p.ResourceCuts = append(p.ResourceCuts, at)
		}
	}
	return p
}

// cut is the largest cutoff of a target that the log has; zero if none.
func (c *confirmed) cut(name uint64) int64 {
	if name == 0 {
		return 0
	}
	return c.table.Cut(name)
}

// endOf is gone if what is named has ended for good.
func (c *confirmed) endOf(name uint64) int64 {
	if c.cut(name) != 0 {
		return gone
	}
	return 0
}

// addRows adds what rows say that are in memory anyway: of two cutoffs the larger
// holds, and a row that is gone is disabled.
func addRows(p *record.Parents, withUser bool, state *record.TokenState) {
	p.ClientEnabled = state.Subject != nil && state.Subject.Enabled
	if state.Subject != nil {
		p.ClientCut = max(p.ClientCut, state.Subject.Cut)
	}
	for _, r := range state.Resources {
		p.ResourceCuts = append(p.ResourceCuts, r.Cut)
	}
	switch {
	case !withUser || p.UserID == "":
	case state.User == nil:
		p.UserStatus = ""
	default:
		p.UserStatus, p.UserCut = state.User.Status, max(p.UserCut, state.User.Cut)
	}
}

const readSpent = `SELECT count(*) FROM spent WHERE key_hash = $1`

// Spent reports whether a one-time secret was used. That it is not says nothing of
// the next moment: record.Spend is the guard.
func (s *Store) Spent(ctx context.Context, keyHash []byte) (bool, error) {
	var n int64
	if err := s.one(ctx, readSpent, []any{probe(keyHash)}, []any{&n}); err != nil {
		return false, unavailable("reading what is spent", err)
	}
	return n > 0, nil
}
