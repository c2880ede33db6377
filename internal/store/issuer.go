package store

import (
	"context"
	"slices"
)

const readIssuer = `SELECT issuer FROM revlog_head WHERE one = 1`

// Issuer is the one that the database was made for. Under another, every token
// and every link that was given out would be wrong; "" before the first migration.
func (s *Store) Issuer(ctx context.Context) (string, error) {
	tables, err := s.tables(ctx)
	if err != nil {
		return "", unavailable("reading the issuer", err)
	}
	if !slices.Contains(tables, firstTable) {
		return "", nil
	}
	var issuer string
	if err := s.one(ctx, readIssuer, nil, []any{(*text)(&issuer)}); err != nil {
		return "", unavailable("reading the issuer", err)
	}
	return issuer, nil
}
