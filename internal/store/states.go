package store

import (
	"context"
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
)

// Each state is one statement, hence one snapshot, whose logical clock is its LC.
// Clients and resources are added from the cache, once that has reached the
// snapshot's clock; so nothing in a state is older than its LC.

const headColumns = `h.lc, h.all_cut`

func (v *view) into() []any { return []any{&v.lc, &v.allCut} }

// query is a statement that reads a state.
type query struct {
	what string // is decided from it
	text string // its first columns are headColumns
	args []any
}

// load reads one snapshot, gives its clock, and waits for the cache to have
// reached it too.
func (s *Store) load(ctx context.Context, q query, into ...[]any) (view, error) {
	if err := s.Fit(); err != nil {
		return view{}, err
	}
	var at view
	err := s.one(ctx, q.text, q.args, slices.Concat(at.into(), slices.Concat(into...)))
	if err == nil {
		err = s.reach(ctx, at.lc)
	}
	if err != nil {
		return view{}, unavailable("reading the state for "+q.what, err)
	}
	return at, nil
}

// gone stands for the time at which something ended whose row is not there.
const gone = 1

// parentRow is what Alive wants to know of user, consent and session.
type parentRow struct {
	userStatus record.UserStatus
	userCut    int64
	consentCut int64
	sid        string
	endedAt    int64
	idleUntil  int64
	absUntil   int64
}

const parentColumns = `u.status, u.cut, co.cut, s.id, s.ended_at, s.idle_until, s.abs_until`

func (r *parentRow) into() []any {
	return []any{
		(*text)(&r.userStatus), (*number)(&r.userCut), (*number)(&r.consentCut), (*text)(&r.sid),
		(*number)(&r.endedAt), (*number)(&r.idleUntil), (*number)(&r.absUntil),
	}
}

// parents gives what is above something of the user userID in the session sid;
// both may be empty.
func (r *parentRow) parents(at view, userID, sid string) record.Parents {
	p := record.Parents{LC: at.lc, AllCut: at.allCut, UserID: userID, SID: sid, ConsentCut: r.consentCut}
	if userID != "" {
		p.UserStatus, p.UserCut = r.userStatus, r.userCut
	}
	switch {
	case sid == "":
	case r.sid == "":
		p.SessionEndedAt = gone
	default:
		p.SessionEndedAt, p.SessionIdleUntil, p.SessionAbsUntil = r.endedAt, r.idleUntil, r.absUntil
	}
	return p
}

// addClient puts the client and the resources above p. An audience that is no
// resource (the issuer, a client) has no cutoff of its own.
func (s *Store) addClient(ctx context.Context, p *record.Parents, clientID string, state *record.ClientState) error {
	if clientID == "" {
		return nil
	}
	client := state.Client
	if client == nil || client.ID != clientID { // somebody else's credential
		var err error
		if client, err = s.client(ctx, clientID); err != nil {
			return err
		}
	}
	p.ClientID = clientID
	if client != nil {
		p.ClientEnabled, p.ClientCut = client.Enabled, client.Cut
	}
	for _, r := range state.Resources {
		p.ResourceCuts = append(p.ResourceCuts, r.Cut)
	}
	return nil
}

const readRefreshState = `SELECT ` + headColumns + `, ` + grantColumns + `, ` + parentColumns + `
	FROM revlog_head h
	LEFT JOIN grants g ON g.id = $1
	LEFT JOIN users u ON u.id = g.user_id
	LEFT JOIN consents co ON co.user_id = g.user_id AND co.client_id = g.client_id
	LEFT JOIN sessions s ON s.id = g.sid
	WHERE h.one = 1`

// RefreshState loads what a refresh of the grant gid by a client is decided from.
func (s *Store) RefreshState(ctx context.Context, gid, clientID string) (*record.RefreshState, error) {
	var grant grantRow
	var above parentRow
	at, err := s.load(ctx, query{"a refresh", readRefreshState, []any{gid}},
		grant.into(), above.into())
	if err != nil {
		return nil, err
	}
	g := &grant.grant
	state := &record.RefreshState{Grant: grant.get()}
	if state.User, err = s.userToldOf(ctx, g.Claims, g.UserID); err != nil {
		return nil, err
	}
	if state.ClientState, err = s.clientState(ctx, at, clientID, g.Resources); err != nil {
		return nil, err
	}
	state.Parents = above.parents(at, g.UserID, g.SID)
	state.Parents.GID, state.Parents.GrantEndedAt = g.ID, g.EndedAt
	return state, s.addClient(ctx, &state.Parents, g.ClientID, &state.ClientState)
}

// userToldOf is the user where an ID token is to tell of them, from the cache: not
// older than the snapshot, like clients.
func (s *Store) userToldOf(ctx context.Context, asked record.AskedClaims, userID string) (*record.User, error) {
	if len(asked.IDToken) == 0 {
		return nil, nil //nolint:nilnil // nobody asks
	}
	return s.user(ctx, userID)
}

// The grant of a code that was not used is not there yet, and not looked for.
const readCodeState = `SELECT ` + headColumns + `, ` + codeColumns + `, ` + parentColumns + `,
	g.ended_at
	FROM revlog_head h
	LEFT JOIN codes c ON c.hash = $1
	LEFT JOIN grants g ON g.id = CASE WHEN c.used_at > 0 THEN c.gid END
	LEFT JOIN users u ON u.id = c.user_id
	LEFT JOIN consents co ON co.user_id = c.user_id AND co.client_id = c.client_id
	LEFT JOIN sessions s ON s.id = c.sid
	WHERE h.one = 1`

// CodeState loads what a code's exchange by a client is decided from. Above a
// code stands its session; the grant is what it will give, or what it has given,
// and then whether that has ended.
func (s *Store) CodeState(ctx context.Context, codeHash []byte, clientID string) (*record.CodeState, error) {
	var code codeRow
	var above parentRow
	var grantEndedAt int64
	at, err := s.load(ctx, query{"an exchange", readCodeState, []any{probe(codeHash)}},
		code.into(), above.into(), []any{(*number)(&grantEndedAt)})
	if err != nil {
		return nil, err
	}
	c := &code.code
	state := &record.CodeState{Code: code.get()}
	if state.User, err = s.userToldOf(ctx, c.Request.Claims, c.UserID); err != nil {
		return nil, err
	}
	if state.ClientState, err = s.clientState(ctx, at, clientID, c.Request.Resources); err != nil {
		return nil, err
	}
	state.Parents = above.parents(at, c.UserID, c.SID)
	state.Parents.GID, state.Parents.GrantEndedAt = c.GID, grantEndedAt
	return state, s.addClient(ctx, &state.Parents, c.ClientID, &state.ClientState)
}
