package store

import (
	"context"
	"database/sql"

	"github.com/mintmark-id/mintmark/internal/record"
)

const initialTokenColumns = `t.id, t.token_hash, t.name, t.made_at, t.ends_at, t.most, t.used`

// initialTokenRow is a row of initial_tokens.
type initialTokenRow struct{ token record.InitialToken }

func (r *initialTokenRow) into() []any {
	t := &r.token
	return []any{
		(*text)(&t.ID), (*blob)(&t.Hash), (*text)(&t.Name), (*number)(&t.MadeAt), (*number)(&t.EndsAt), (*number)(&t.Most), (*number)(&t.Used),
	}
}

func (r *initialTokenRow) get() *record.InitialToken {
	if r.token.ID == "" {
		return nil
	}
	return &r.token
}

const (
	readRegistrationState = `SELECT ` + headColumns + `, ` + initialTokenColumns + `
	FROM revlog_head h LEFT JOIN initial_tokens t ON t.token_hash = $1 WHERE h.one = 1`

	listInitialTokens = `SELECT ` + initialTokenColumns + ` FROM initial_tokens t WHERE t.id > $1 ORDER BY t.id LIMIT $2`

	readInitialToken = `SELECT ` + initialTokenColumns + ` FROM initial_tokens t WHERE t.id = $1`

	listForgotten = `SELECT client_id FROM registrations WHERE ends_at > 0 AND ends_at <= $1 ORDER BY ends_at LIMIT $2`
)

// RegistrationState loads what a registration is decided from: the initial access
// token with this hash, if one was shown, and the client that has the id already,
// if the id is known before.
func (s *Store) RegistrationState(
	ctx context.Context, tokenHash []byte, clientID string, counters []string,
) (*record.RegistrationState, error) {
	var token initialTokenRow
	at, err := s.load(ctx, query{"a registration", readRegistrationState, []any{probe(tokenHash)}}, token.into())
	if err != nil {
		return nil, err
	}
	state := &record.RegistrationState{LC: at.lc, Token: token.get()}
	if state.Client, err = s.client(ctx, clientID); err != nil {
		return nil, err
	}
	state.Counters, err = s.counters(ctx, counters)
	return state, err
}

// InitialTokenList lists initial access tokens in the order of their ids.
func (s *Store) InitialTokenList(ctx context.Context, after string, limit int) ([]record.InitialToken, error) {
	return listOf(ctx, s, listInitialTokens, []any{after, limit}, func() row[record.InitialToken] { return new(initialTokenRow) })
}

// InitialToken reads an initial access token by its id.
func (s *Store) InitialToken(ctx context.Context, id string) (*record.InitialToken, error) {
	return oneOf(ctx, s, readInitialToken, []any{id}, new(initialTokenRow))
}

// ForgottenClients names clients that registered themselves, were never let in, and
// whose time has come at now (Unix milliseconds).
func (s *Store) ForgottenClients(ctx context.Context, now int64, limit int) ([]string, error) {
	var ids []string
	err := s.each(ctx, listForgotten, []any{now, limit}, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan((*text)(&id))
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, unavailable("listing forgotten clients", err)
	}
	return ids, nil
}
