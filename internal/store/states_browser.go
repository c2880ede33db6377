package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
)

// browser is a session with its user, as most pages need them.
type browser struct {
	session sessionRow
	user    userRow
}

const (
	browserColumns = sessionColumns + `, ` + userColumns
	browserJoins   = ` LEFT JOIN users u ON u.id = s.user_id` + userIdentifiers
)

func (b *browser) into() []any { return slices.Concat(b.session.into(), b.user.into()) }

// parents gives what is above the session: its user and everything. The session
// stands among them for its own end.
func (b *browser) parents(at view) record.Parents {
	p := record.Parents{LC: at.lc, AllCut: at.allCut}
	s, u := &b.session.session, &b.user.user
	p.UserID, p.UserStatus, p.UserCut = s.UserID, u.Status, u.Cut
	p.SID, p.SessionEndedAt, p.SessionIdleUntil, p.SessionAbsUntil = s.ID, s.EndedAt, s.IdleUntil, s.AbsUntil
	return p
}

const readAuthorizeState = `SELECT ` + headColumns + `, ` + browserColumns + `, ` + consentColumns + `
	FROM revlog_head h
	LEFT JOIN sessions s ON s.cookie_hash = $1` + browserJoins + `
	LEFT JOIN consents co ON co.user_id = s.user_id AND co.client_id = $2
	WHERE h.one = 1`

// AuthorizeState loads what an authorization request of a browser is decided from.
func (s *Store) AuthorizeState(
	ctx context.Context, clientID string, cookieHash []byte, auds []string,
) (*record.AuthorizeState, error) {
	var by browser
	var consent consentRow
	at, err := s.load(ctx, query{"an authorization", readAuthorizeState, []any{probe(cookieHash), clientID}},
		by.into(), consent.into())
	if err != nil {
		return nil, err
	}
	state := &record.AuthorizeState{
		Session: by.session.get(), User: by.user.get(), Consent: consent.get(), Parents: by.parents(at),
	}
	state.ClientState, err = s.askedState(ctx, at, clientID, auds)
	return state, err
}

const readInteractionState = `SELECT ` + headColumns + `, ` + interactionColumns + `, ` + browserColumns + `, ` +
	consentColumns + `
	FROM revlog_head h
	LEFT JOIN interactions i ON i.id_hash = $1
	LEFT JOIN sessions s ON s.cookie_hash = $2` + browserJoins + `
	LEFT JOIN consents co ON co.user_id = s.user_id AND co.client_id = i.client_id
	WHERE h.one = 1`

// InteractionState loads a pending page with the browser's session; client and
// resources are those of the stored request.
func (s *Store) InteractionState(
	ctx context.Context, interactionHash, cookieHash []byte,
) (*record.InteractionState, error) {
	var page interactionRow
	var by browser
	var consent consentRow
	at, err := s.load(ctx, query{"a page", readInteractionState, []any{probe(interactionHash), probe(cookieHash)}},
		page.into(), by.into(), consent.into())
	if err != nil {
		return nil, err
	}
	state := &record.InteractionState{Interaction: page.get()}
	state.Session, state.User, state.Consent = by.session.get(), by.user.get(), consent.get()
	state.Parents = by.parents(at)
	request := &page.interaction.Request
	state.ClientState, err = s.askedState(ctx, at, request.ClientID, request.Resources)
	return state, err
}

// LoginQuery names the page, the browser and the identifier of a sign-in.
type LoginQuery struct {
	InteractionHash []byte
	BrowserHash     []byte
	CookieHash      []byte // of the session cookie that the browser has
	Kind            string
	Identifier      string
	Counters        []string
}

const (
	signInColumns = `SELECT ` + headColumns + `, ` + interactionColumns + `, ` + userColumns + `, ` +
		passwordColumns + `,
	EXISTS (SELECT 1 FROM sessions b WHERE b.user_id = u.id AND b.browser_hash = $4),
	` + sessionColumns + `, w.status, w.cut, ` + consentColumns + `
	FROM revlog_head h
	LEFT JOIN interactions i ON i.id_hash = $1`

	signInJoins = `
	LEFT JOIN users u ON u.id = n.user_id` + userIdentifiers + userPassword + `
	LEFT JOIN sessions s ON s.cookie_hash = $5
	LEFT JOIN users w ON w.id = s.user_id
	LEFT JOIN consents co ON co.user_id = u.id AND co.client_id = i.client_id
	WHERE h.one = 1`

	readLoginState = signInColumns + `
	LEFT JOIN identifiers n ON n.kind = $2 AND n.value = $3` + signInJoins

	readArrivalState = signInColumns + `
	LEFT JOIN links n ON n.issuer = $2 AND n.subject = $3` + signInJoins
)

// LoginState loads what a sign-in with a password is decided from. It is read
// before the password is checked, so its LC becomes the session's rvs.
func (s *Store) LoginState(ctx context.Context, q LoginQuery) (*record.LoginState, error) {
	return s.signInState(ctx, query{"a sign-in", readLoginState, []any{
		probe(q.InteractionHash), q.Kind, q.Identifier, probe(q.BrowserHash), probe(q.CookieHash),
	}}, q.Counters)
}

// signInState loads what a sign-in is decided from, however its user is found.
func (s *Store) signInState(ctx context.Context, asked query, counters []string) (*record.LoginState, error) {
	var page interactionRow
	var user userRow
	var password factorRow
	var current browser
	var consent consentRow
	state := &record.LoginState{}
	at, err := s.load(ctx, asked,
		page.into(), user.into(), password.into(), []any{(*flag)(&state.Known)}, current.session.into(),
		[]any{(*text)(&current.user.user.Status), (*number)(&current.user.user.Cut)}, consent.into())
	if err != nil {
		return nil, err
	}
	if state.Counters, err = s.counters(ctx, counters); err != nil {
		return nil, err
	}
	state.Interaction, state.User, state.Password = page.get(), user.get(), password.get()
	state.Current, state.CurrentParents = current.session.get(), current.parents(at)
	state.Consent = consent.get()
	request := &page.interaction.Request
	state.ClientState, err = s.askedState(ctx, at, request.ClientID, request.Resources)
	return state, err
}

// SignUpQuery names the page, the identifier and the limits of a sign-up.
type SignUpQuery struct {
	InteractionHash []byte
	Kind            string
	Identifier      string
	Counters        []string
}

const readSignUpState = `SELECT ` + headColumns + `, ` + interactionColumns + `, n.user_id
	FROM revlog_head h
	LEFT JOIN interactions i ON i.id_hash = $1
	LEFT JOIN identifiers n ON n.kind = $2 AND n.value = $3
	WHERE h.one = 1`

// SignUpState loads what a sign-up is decided from.
func (s *Store) SignUpState(ctx context.Context, q SignUpQuery) (*record.SignUpState, error) {
	var page interactionRow
	state := &record.SignUpState{}
	_, err := s.load(ctx, query{"a sign-up", readSignUpState, []any{probe(q.InteractionHash), q.Kind, q.Identifier}},
		page.into(), []any{(*text)(&state.UserID)})
	if err != nil {
		return nil, err
	}
	state.Interaction = page.get()
	state.Counters, err = s.counters(ctx, q.Counters)
	return state, err
}

const readSessionState = `SELECT ` + headColumns + `, ` + browserColumns + `, ` + passwordColumns + `
	FROM revlog_head h
	LEFT JOIN sessions s ON s.cookie_hash = $1` + browserJoins + userPassword + `
	WHERE h.one = 1`

// SessionState loads what ending a session or acting on the account is decided from.
func (s *Store) SessionState(
	ctx context.Context, cookieHash []byte, counters []string,
) (*record.SessionState, error) {
	var by browser
	var password factorRow
	at, err := s.load(ctx, query{"an account", readSessionState, []any{probe(cookieHash)}},
		by.into(), password.into())
	if err != nil {
		return nil, err
	}
	state := &record.SessionState{
		LC: at.lc, Session: by.session.get(), User: by.user.get(), Password: password.get(), Parents: by.parents(at),
	}
	state.Counters, err = s.counters(ctx, counters)
	return state, err
}

// LogoutState loads what a logout is decided from; the client is the one that
// the request or its ID token names.
func (s *Store) LogoutState(ctx context.Context, cookieHash []byte, clientID string) (*record.LogoutState, error) {
	account, err := s.SessionState(ctx, cookieHash, nil)
	if err != nil {
		return nil, err
	}
	state := &record.LogoutState{SessionState: *account}
	state.Client, err = s.client(ctx, clientID)
	return state, err
}

// readCounters reads four at a time, which is more than a decision has.
const readCounters = `SELECT name, n, window_ends FROM counters WHERE name IN ($1, $2, $3, $4)`

// counters reads limits apart from the state: CountAttempt guards what was read.
func (s *Store) counters(ctx context.Context, names []string) (map[string]record.Counter, error) {
	found := make(map[string]record.Counter, len(names))
	for some := range slices.Chunk(names, 4) {
		args := []any{"", "", "", ""}
		for i, name := range some {
			args[i] = name
		}
		err := s.each(ctx, readCounters, args, func(rows *sql.Rows) error {
			var c record.Counter
			if err := rows.Scan((*text)(&c.Name), (*number)(&c.N), (*number)(&c.WindowEnds)); err != nil {
				return err
			}
			found[c.Name] = c
			return nil
		})
		if err != nil {
			return nil, unavailable("reading counters", err)
		}
	}
	return found, nil
}
