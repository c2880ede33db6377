package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// originalSQLite opens a file for nobody else: in this mode the first reading
// takes a lock that whoever has the file open stands in the way of.
func originalSQLite(ctx context.Context, path string) (*copySession, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoneHere, err)
	}
	s, err := openAlone(ctx, path, "query_only(1)")
	if err != nil {
		return nil, err
	}
	if _, err := s.names(ctx, s.dialect.tables); err != nil {
		if isBusy(err) {
			err = fmt.Errorf("%s: %w", path, errInUse)
		}
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openAlone is a session on a file.
func openAlone(ctx context.Context, path string, pragmas ...string) (*copySession, error) {
	db, err := openFile(path, append([]string{"locking_mode(EXCLUSIVE)"}, pragmas...)...)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &copySession{Conn: conn, dialect: &sqliteDialect, closers: []func() error{db.Close, conn.Close}}, nil
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == codes.SQLITE_BUSY
}

// blankSQLite makes a file beside the place that the copy is for. It is put there
// when it is finished. One that another copy has left behind is made anew.
func blankSQLite(ctx context.Context, path string) (*copySession, error) {
	for _, there := range []string{path, path + "-wal"} {
		if _, err := os.Lstat(there); err == nil {
			return nil, fmt.Errorf("%s is there: %w", there, errTaken)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	beside := path + ".copying"
	if err := removeLeft(ctx, beside); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(beside, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	// It is worth nothing before it is finished, so nothing waits for the disk.
	s, err := openAlone(ctx, beside, "journal_mode(MEMORY)", "synchronous(OFF)")
	if err != nil {
		return nil, err
	}
	s.closers = append([]func() error{func() error { return removeFile(beside) }}, s.closers...)
	for _, statement := range []string{`BEGIN EXCLUSIVE`, `PRAGMA cache_size = -65536`} { // 64 MiB, for the indexes
		if _, err := s.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.run = func(ctx context.Context, script string) error {
		_, err := s.ExecContext(ctx, script)
		return err
	}
	s.put = s.insert
	s.finish = func(ctx context.Context) error { return s.putInPlace(ctx, beside, path) }
	return s, nil
}

// removeLeft removes what a copy that was killed has left.
func removeLeft(ctx context.Context, beside string) error {
	if _, err := os.Lstat(beside); err != nil {
		return nil //nolint:nilerr // nothing was left
	}
	s, err := openAlone(ctx, beside)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, `BEGIN EXCLUSIVE`)
	if isBusy(err) {
		return errors.Join(fmt.Errorf("%s: another copy is being made there", beside), s.Close())
	}
	return errors.Join(s.Close(), removeFile(beside)) // whatever it is by now
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// insert writes the rows of a table.
func (s *copySession) insert(ctx context.Context, table string, columns []string, from *tableRows) error {
	places := make([]string, len(columns))
	for i := range places {
		places[i] = fmt.Sprint("$", i+1)
	}
	statement, err := s.PrepareContext(ctx, `INSERT INTO `+quoted(table)+` (`+allQuoted(columns)+`) VALUES (`+strings.Join(places, ", ")+`)`)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }() // the session goes with it
	ctx = context.WithoutCancel(ctx)         // reading asks it; here it would cost a goroutine for each row
	for from.Next() {
		if _, err := statement.ExecContext(ctx, from.values...); err != nil {
			return err
		}
	}
	return from.Err()
}

// putInPlace makes the file last, and gives it its name.
func (s *copySession) putInPlace(ctx context.Context, beside, path string) error {
	if _, err := s.ExecContext(ctx, commitGroup); err != nil {
		return err
	}
	var sound string
	if err := s.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&sound); err != nil {
		return err
	}
	if sound != "ok" {
		return errors.New(sound)
	}
	if err := syncFile(beside); err != nil {
		return err
	}
	if err := os.Link(beside, path); err != nil { // never over one that came meanwhile
		return fmt.Errorf("putting the copy in its place: %w", err)
	}
	return syncFile(filepath.Dir(path))
}

// syncFile has a file, or the names in a directory, outlive a power cut.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
