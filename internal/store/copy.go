package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	goose "github.com/pressly/goose/v3/database"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// A copy is made while no server runs, from one place into another that is empty,
// and there in one transaction: schema, rows, and the comparison of what was read
// with what has been written. Log, clock, chain and key of the feed are rows like
// any other, so that a verifier finds the log which it knows and goes on in it.

// Why a database is not copied, or nothing is copied into one.
var (
	errInUse     = errors.New("a server runs on it, or something else has it open: stop that first")
	errTaken     = errors.New("nothing is copied over a database: move it away, or name another place")
	errNoneHere  = errors.New("there is no database of Mintmark's to copy")
	errOldSchema = errors.New("its schema is older than that of this release: run mintmark migrate up on it first")
	errNewSchema = errors.New("its schema is newer than that of this release: copy it with the release that it is of")
	errDiffers   = errors.New("what was written is not what was read")
)

// Original is a database that is copied. While it is open no server works on it.
type Original struct {
	Issuer string
	LogID  revocation.LogID
	Seq    int64

	s *copySession
}

// CopiedTable is what a table has, counted and summed up on both sides.
type CopiedTable struct {
	Name string
	Rows int64
	Sum  string // of the SHA-256 of its rows, in hex
}

// CopyProgress is told now and then how many rows of a table are written, of how
// many.
type CopyProgress func(table string, rows, of int64)

// copySession is a connection with a transaction that is open as long as it is, and
// the statements that differ.
type copySession struct {
	*sql.Conn
	dialect *dialect
	put     func(ctx context.Context, table string, columns []string, from *tableRows) error
	run     func(ctx context.Context, script string) error
	finish  func(ctx context.Context) error
	closers []func() error // what was opened last is closed first; what is not finished is undone
}

// Close ends the session. Nothing of one that has not finished is left.
func (s *copySession) Close() error {
	var errs []error
	for _, closer := range slices.Backward(s.closers) {
		errs = append(errs, closer())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// OpenOriginal opens a database to copy it, and keeps servers away from it. It
// changes nothing.
func OpenOriginal(ctx context.Context, o Options) (_ *Original, err error) {
	var s *copySession
	if o.URL != "" {
		s, err = originalPostgres(ctx, o.URL)
	} else {
		s, err = originalSQLite(ctx, o.Path)
	}
	if err != nil {
		return nil, unavailable("opening what is to be copied", err)
	}
	from := &Original{s: s}
	if err := s.checkSchema(ctx); err != nil {
		return nil, unavailable("opening what is to be copied", errors.Join(err, s.Close()))
	}
	err = s.QueryRowContext(ctx, whichLog).Scan(&from.Issuer, (*string)(&from.LogID), &from.Seq)
	if err != nil {
		return nil, unavailable("opening what is to be copied", errors.Join(err, s.Close()))
	}
	return from, nil
}

// Close lets servers at the database again.
func (o *Original) Close() error { return o.s.Close() }

const everyRoot = `SELECT key_id, use, sealed, made_at FROM roots ORDER BY key_id`

// Roots are what the key-encryption key must open.
func (o *Original) Roots(ctx context.Context) (roots []record.SealedRoot, err error) {
	rows, err := o.s.QueryContext(ctx, everyRoot)
	if err != nil {
		return nil, unavailable("reading roots", err)
	}
	err = scanAll(rows, func(rows *sql.Rows) error {
		var r record.SealedRoot
		err := rows.Scan(&r.KeyID, &r.Use, &r.Sealed, &r.MadeAt)
		roots = append(roots, r)
		return err
	})
	if err != nil {
		return nil, unavailable("reading roots", err)
	}
	return roots, nil
}

// CopyInto copies everything into a place that is empty, and compares. Before it
// has returned without an error there is nothing in that place that a server would
// start on, whatever happens.
func (o *Original) CopyInto(ctx context.Context, to Options, watch CopyProgress) (copied []CopiedTable, err error) {
	var s *copySession
	if to.URL != "" {
		s, err = blankPostgres(ctx, to.URL)
	} else {
		s, err = blankSQLite(ctx, to.Path)
	}
	if err != nil {
		return nil, unavailable("opening the place to copy to", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.makeSchema(ctx); err != nil {
		return nil, unavailable("making the schema of the copy", err)
	}
	tables, err := s.rowTables(ctx)
	if err != nil {
		return nil, unavailable("listing the tables", err)
	}
	for _, table := range tables {
		one, err := copyTable(ctx, o.s, s, table, watch)
		if err != nil {
			return nil, unavailable("copying the table "+table, err)
		}
		copied = append(copied, one)
	}
	if err := s.finish(ctx); err != nil {
		return nil, unavailable("finishing the copy", err)
	}
	return copied, nil
}

// copyTable copies one table row by row, and reads what has been written again.
func copyTable(ctx context.Context, from, to *copySession, table string, watch CopyProgress) (CopiedTable, error) {
	columns, err := to.names(ctx, to.dialect.columns, table)
	if err != nil {
		return CopiedTable{}, err
	}
	total, err := from.count(ctx, table)
	if err != nil {
		return CopiedTable{}, err
	}
	read, err := from.read(ctx, table, columns)
	if err != nil {
		return CopiedTable{}, err
	}
	read.told = func(rows int64) { watch(table, rows, total) }
	if err := errors.Join(to.put(ctx, table, columns, read), read.close()); err != nil {
		return CopiedTable{}, err
	}
	written, err := to.tally(ctx, table, columns)
	if err != nil {
		return CopiedTable{}, err
	}
	if written != read.tally {
		return CopiedTable{}, fmt.Errorf("%w: read %s, written %s", errDiffers, &read.tally, &written)
	}
	watch(table, written.rows, written.rows)
	return CopiedTable{table, written.rows, written.hex()}, nil
}

// checkSchema refuses what has not exactly the schema of this release.
func (s *copySession) checkSchema(ctx context.Context) error {
	tables, err := s.names(ctx, s.dialect.tables)
	if err != nil {
		return err
	}
	if !slices.Contains(tables, firstTable) {
		return errNoneHere
	}
	var last int64
	rows, err := s.QueryContext(ctx, s.dialect.migrated)
	if err != nil {
		return err
	}
	err = scanAll(rows, func(rows *sql.Rows) error {
		var version int64
		err := rows.Scan(&version)
		last = max(last, version)
		return err
	})
	if err != nil {
		return err
	}
	latest, err := LatestSchema()
	switch {
	case err != nil:
		return err
	case last < latest:
		return fmt.Errorf("%w (it has step %d of %d)", errOldSchema, last, latest)
	case last > latest:
		return fmt.Errorf("%w (it has step %d, and the last that is known is %d)", errNewSchema, last, latest)
	}
	return nil
}

// makeSchema takes all steps at once, as Migrate would one after another.
func (s *copySession) makeSchema(ctx context.Context) error {
	steps, err := goose.NewStore(s.dialect.goose, stepsTable)
	if err != nil {
		return err
	}
	if err := steps.CreateVersionTable(ctx, s.Conn); err != nil {
		return err
	}
	if err := steps.Insert(ctx, s.Conn, goose.InsertRequest{Version: 0}); err != nil { // as goose itself begins
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, file := range files { // they are in order
		script, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if err := s.run(ctx, columnOfText.ReplaceAllString(string(script), s.dialect.typeText)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		var version int64
		if _, err := fmt.Sscanf(strings.TrimPrefix(file, "migrations/"), "%d_", &version); err != nil {
			return err
		}
		if err := steps.Insert(ctx, s.Conn, goose.InsertRequest{Version: version}); err != nil {
			return err
		}
	}
	return nil
}

// rowTables are the tables that are copied.
func (s *copySession) rowTables(ctx context.Context) ([]string, error) {
	tables, err := s.names(ctx, s.dialect.tables)
	slices.Sort(tables)
	return slices.DeleteFunc(tables, func(name string) bool { return name == stepsTable }), err
}

func (s *copySession) names(ctx context.Context, query string, args ...any) (names []string, err error) {
	rows, err := s.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	err = scanAll(rows, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

func (s *copySession) count(ctx context.Context, table string) (n int64, err error) {
	err = s.QueryRowContext(ctx, `SELECT count(*) FROM `+quoted(table)).Scan(&n)
	return n, err
}

// quoted is the name of a table or column, which is one of our migrations'.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func allQuoted(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = quoted(name)
	}
	return strings.Join(all, ", ")
}
