package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
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

// Why a database is not taken.
var (
	errForeign = errors.New("it holds tables of something else: give Mintmark a database of its own")
	errNewer   = errors.New("its schema is of a later release that this one cannot run on: start that release, or a later one")
)

// columnOfText finds the type of a column in a migration.
var columnOfText = regexp.MustCompile(`\bTEXT\b`)

// MigrationStatus lists the steps of the schema, oldest first, and which of them
// the database has. It changes nothing.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	provider, err := s.newProvider()
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
	if err := s.checkFloor(ctx, steps); err != nil {
		return nil, unavailable("reading the schema's version", err)
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
	if _, err := s.MigrationStatus(ctx); err != nil { // it is ours
		return err
	}
	provider, err := s.newProvider()
	if err != nil {
		return err
	}
	err = s.alone(ctx, whileMigrating, "0", func() error {
		if err := up(ctx, provider); err != nil {
			return unavailable("migrating the schema", err)
		}
		if err := s.makeLog(ctx); err != nil {
			return unavailable("making the revocation log", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.start(ctx)
}

// up takes the steps that are missing. One that has met other nodes' statements in a
// deadlock is taken again: it takes tables in its own order, and they in theirs.
func up(ctx context.Context, provider *goose.Provider) (err error) {
	const tries = 10
	for range tries {
		if _, err = provider.Up(ctx); err == nil || !isCollision(err) {
			return err
		}
	}
	return err
}

func (s *Store) newProvider() (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, unavailable("reading the migrations", err)
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.writer, typed{steps, s.dialect.typeText}, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, unavailable("reading the migrations", err)
	}
	return provider, nil
}

// The first step made the one, goose the other.
const (
	firstTable = "revlog_head"
	stepsTable = "goose_db_version"
)

// applied names the steps that the database has.
func (s *Store) applied(ctx context.Context) (map[int64]bool, error) {
	tables, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(tables, firstTable) {
		others := slices.DeleteFunc(tables, func(name string) bool { return name == stepsTable })
		if len(others) > 0 {
			return nil, fmt.Errorf("%w (%s)", errForeign, strings.Join(others[:min(3, len(others))], ", "))
		}
		return nil, nil
	}
	versions := map[int64]bool{}
	err = s.each(ctx, s.dialect.migrated, nil, func(rows *sql.Rows) error {
		var version int64
		err := rows.Scan(&version)
		versions[version] = true
		return err
	})
	return versions, err
}

func (s *Store) tables(ctx context.Context) (names []string, err error) {
	err = s.each(ctx, s.dialect.tables, nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	slices.Sort(names)
	return names, err
}

const (
	floorTable = "schema_floor"
	readFloor  = `SELECT step FROM schema_floor WHERE one = 1`
)

// checkFloor refuses a schema that has moved on from this release. One with steps
// that it does not know may do: the code of release N runs on the schemas N and N+1.
func (s *Store) checkFloor(ctx context.Context, known []Migration) error {
	tables, err := s.tables(ctx)
	if err != nil || !slices.Contains(tables, floorTable) {
		return err
	}
	var floor int64
	if err := s.one(ctx, readFloor, nil, []any{(*number)(&floor)}); err != nil {
		return err
	}
	if last := known[len(known)-1].Version; floor > last {
		return fmt.Errorf("%w (it asks for step %d, and the last that is known is %d)", errNewer, floor, last)
	}
	return nil
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
