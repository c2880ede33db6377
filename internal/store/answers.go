package store

import (
	"context"
	"database/sql"
)

const (
	// An answer that has ended gives its place to another, purged or not.
	putAnswer = `INSERT INTO answers (key_hash, sealed, ends_at) VALUES ($1, $2, $3)
	ON CONFLICT (key_hash) DO UPDATE SET sealed = excluded.sealed, ends_at = excluded.ends_at WHERE answers.ends_at <= $4`

	readAnswer = `SELECT sealed FROM answers WHERE key_hash = $1 AND ends_at > $2`
)

// Answer reads what was answered under a key, sealed; nil if nothing was, or that
// has ended at now (Unix milliseconds).
func (s *Store) Answer(ctx context.Context, keyHash []byte, now int64) ([]byte, error) {
	var sealed []byte
	err := s.each(ctx, readAnswer, []any{keyHash, now}, func(rows *sql.Rows) error { return rows.Scan((*blob)(&sealed)) })
	if err != nil {
		return nil, unavailable("reading an answer", err)
	}
	return sealed, nil
}
