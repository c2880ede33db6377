package store

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	putAdminToken = `INSERT INTO admin_tokens (name, token_hash, scopes, made_at, ends_at, used_at)
	VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`

	seeAdminToken = `UPDATE admin_tokens SET used_at = $1 WHERE name = $2`

	deleteAdminToken = `DELETE FROM admin_tokens WHERE name = $1`

	dropAdminTokens = `DELETE FROM admin_tokens`
)

func (p *plan) putAdminToken(t record.AdminToken) {
	p.guard(putAdminToken, t.Name, bytesOf(t.Hash), p.words(t.Scopes), t.MadeAt, t.EndsAt, t.UsedAt)
}

const (
	adminTokenColumns = `t.name, t.token_hash, t.scopes, t.made_at, t.ends_at, t.used_at`

	readAdminToken = `SELECT ` + adminTokenColumns + ` FROM admin_tokens t WHERE t.name = $1`

	readShownAdminToken = `SELECT ` + adminTokenColumns + ` FROM admin_tokens t WHERE t.token_hash = $1`

	listAdminTokens = `SELECT ` + adminTokenColumns + ` FROM admin_tokens t WHERE t.name > $1 ORDER BY t.name LIMIT $2`
)

// adminTokenRow is a row of admin_tokens.
type adminTokenRow struct{ token record.AdminToken }

func (r *adminTokenRow) into() []any {
	t := &r.token
	return []any{
		(*text)(&t.Name), (*blob)(&t.Hash), (*words)(&t.Scopes), (*number)(&t.MadeAt), (*number)(&t.EndsAt), (*number)(&t.UsedAt),
	}
}

func (r *adminTokenRow) get() *record.AdminToken {
	if r.token.Name == "" {
		return nil
	}
	return &r.token
}

// AdminState loads what a request with an admin token is decided from: the token
// with this hash. It is read anew for each request, so that one which was deleted is
// of no use from then on, on every node.
func (s *Store) AdminState(ctx context.Context, tokenHash []byte, counters []string) (*record.AdminState, error) {
	token, err := oneOf(ctx, s, readShownAdminToken, []any{probe(tokenHash)}, new(adminTokenRow))
	if err != nil {
		return nil, err
	}
	found, err := s.counters(ctx, counters)
	return &record.AdminState{Token: token, Counters: found}, err
}

// AdminToken reads an admin token by its name.
func (s *Store) AdminToken(ctx context.Context, name string) (*record.AdminToken, error) {
	return oneOf(ctx, s, readAdminToken, []any{name}, new(adminTokenRow))
}

// AdminTokenList lists admin tokens in the order of their names.
func (s *Store) AdminTokenList(ctx context.Context, after string, limit int) ([]record.AdminToken, error) {
	return listOf(ctx, s, listAdminTokens, []any{after, limit}, func() row[record.AdminToken] { return new(adminTokenRow) })
}
