package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"io/fs"
	"path"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// MigrationStatus lists the steps of the schema, oldest first, and which of them
// the database has. It changes nothing.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	provider, err := newProvider(s.writer)
	if err != nil {
		return nil, err
	}
	applied, err := s.applied(ctx)
	if err != nil {
		return nil, unavailable("reading the schema's version", err)
	}
	var steps []Migration
	for _, source := range provider.ListSources() {
		steps = append(steps, Migration{source.Version, path.Base(source.Path), applied[source.Version]})
	}
	return steps, nil
}

// Migrate brings the schema to the one that this release knows, and makes a new
// database's log. A store whose schema was behind can be used from then on.
func (s *Store) Migrate(ctx context.Context) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.committer.Load() != nil {
		return nil // it started, so nothing was pending
	}
	provider, err := newProvider(s.writer)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return unavailable("migrating the schema", err)
	}
	if err := s.makeLog(ctx); err != nil {
		return unavailable("making the revocation log", err)
	}
	return s.start(ctx)
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, unavailable("reading the migrations", err)
	}
	provider, err := goose.NewProvider(migrationDialect, db, steps, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, unavailable("reading the migrations", err)
	}
	return provider, nil
}

// applied names the steps that the database has. A schema newer than this
// release is fine: the code of release N runs on the schemas N and N+1.
func (s *Store) applied(ctx context.Context) (map[int64]bool, error) {
	var tables int
	if err := s.readers.QueryRowContext(ctx, anyMigration).Scan(&tables); err != nil || tables == 0 {
		return nil, err
	}
	rows, err := s.readers.QueryContext(ctx, migrated)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
	versions := map[int64]bool{}
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return nil, err
		}
		versions[version] = true
	}
	return versions, rows.Err()
}

// firstLongestTTL is the longest lifetime of a token until RaiseLongest says
// another: the server's own limit, so that nothing is dropped early.
const firstLongestTTL = 24 * time.Hour

const insertHead = `INSERT INTO revlog_head (one, issuer, log_id, feed_key, seq, lc, all_cut, chain, longest_ttl, longest_until)
	VALUES (1, $1, $2, $3, 0, $4, 0, $5, $6, 0) ON CONFLICT DO NOTHING`

// makeLog makes the head of a new database's log. It is the one place where
// store draws randomness: a log's name and key belong to the database.
func (s *Store) makeLog(ctx context.Context) error {
	var id [12]byte
	var key revocation.FeedKey
	_, _ = rand.Read(id[:])  // never fails
	_, _ = rand.Read(key[:]) // never fails
	var chain revocation.Chain
	_, err := s.writer.ExecContext(ctx, insertHead,
		s.issuer, string(revocation.NewLogID(id)), key[:], s.now(), chain[:], firstLongestTTL.Milliseconds())
	return err
}
