package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// sqliteDialect is SQLite: one process, one writer.
var sqliteDialect = dialect{
	goose:    goose.DialectSQLite3,
	tables:   `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`,
	columns:  `SELECT name FROM pragma_table_info($1) ORDER BY cid`,
	migrated: `SELECT version_id FROM goose_db_version WHERE is_applied = 1`,
	typeText: "TEXT",
}

// oldestSQLite has the corruption fixes of 2026.
const oldestSQLite = "3.53.4"

// Statements of the committer's transaction. IMMEDIATE takes the write lock at
// the start: a transaction that read first and wrote later could fail as busy.
const (
	beginGroup  = `BEGIN IMMEDIATE`
	commitGroup = `COMMIT`
	undoGroup   = `ROLLBACK`
	beginPlan   = `SAVEPOINT plan`
	keepPlan    = `RELEASE plan`
	undoPlan    = `ROLLBACK TO plan`
)

// openSQLite opens a file, for one process.
func (s *Store) openSQLite(ctx context.Context, o *Options) error {
	writer, err := openWriter(ctx, o.Path, o.Unsafe)
	if err != nil {
		return unavailable("opening "+o.Path, err)
	}
	readers, err := openReaders(o.Path, o.Readers)
	if err != nil {
		return unavailable("opening "+o.Path, errors.Join(err, writer.Close()))
	}
	s.dialect, s.writer, s.readers = &sqliteDialect, writer, readers
	return nil
}

// openWriter opens the one connection that writes, making file and directory
// when they are missing. The directory is for its owner alone, and so is the
// file, from which SQLite copies the mode of its log.
func openWriter(ctx context.Context, path string, unsafe bool) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	synchronous := "synchronous(FULL)" // an acknowledged commit survives a power cut
	if unsafe {
		synchronous = "synchronous(OFF)"
	}
	db, err := openFile(path, "journal_mode(WAL)", synchronous, "journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := checkVersion(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openReaders opens a pool that cannot write. In WAL mode a reader sees the last
// commit before its statement, waits for no writer and makes none wait.
func openReaders(path string, n int) (*sql.DB, error) {
	db, err := openFile(path, "query_only(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// openFile leaves foreign keys off, as they are in SQLite: the schema has
// none (migrations/00001_first.sql says why).
func openFile(path string, pragmas ...string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the database file: %w", err)
	}
	options := url.Values{
		"_pragma":    append([]string{"busy_timeout(5000)"}, pragmas...),
		"_defensive": {"1"},
		"_dqs":       {"0"}, // "name" is never a string
	}
	file := url.URL{Scheme: "file", Path: absolute, RawQuery: options.Encode()}
	connector, err := sqlite.NewConnector(file.String())
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return sql.OpenDB(connector), nil
}

func checkVersion(ctx context.Context, db *sql.DB) error {
	var version string
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	if versionNumber(version) < versionNumber(oldestSQLite) {
		return fmt.Errorf("SQLite %s is older than %s, which has the fixes of 2026 against corruption", version, oldestSQLite)
	}
	return nil
}

// versionNumber is SQLite's own way to make a number of a version: 3.53.4 is 3053004.
func versionNumber(version string) int {
	number := 0
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		number = number*1000 + n
	}
	return number
}

// isConflict reports whether an error says that somebody else has what a unique
// column would have got.
func isConflict(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) &&
		(e.Code() == codes.SQLITE_CONSTRAINT_UNIQUE || e.Code() == codes.SQLITE_CONSTRAINT_PRIMARYKEY)
}
