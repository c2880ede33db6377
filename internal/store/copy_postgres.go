package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A server that runs on a database shows when it is asked to: each of its polls
// takes a lock for a moment, shared with other servers, and waits while a copy is
// being made. So it is seen behind a pooler too, and holds nothing while it is cut
// off or dead.
const (
	// serving names the lock of one database, or of one schema in it.
	serving = `(CAST(1835625 AS BIGINT) << 32 | CAST(CAST(CAST('revlog_head' AS regclass) AS oid) AS BIGINT))`

	showServing = `SELECT CAST(pg_advisory_xact_lock_shared(` + serving + `) AS TEXT)`
	mayServe    = `SELECT pg_try_advisory_xact_lock_shared(` + serving + `)`
	keepAway    = `SELECT CAST(pg_advisory_xact_lock(` + serving + `) AS TEXT)`
	whoWaits    = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 1835625
		AND objid = CAST('revlog_head' AS regclass) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

	// showsWithin is when a server that runs has surely polled: six times.
	showsWithin = 6 * pollPeriod
)

var errCopied = errors.New("it is being copied (mintmark copy): start the server when that has ended")

// notCopied refuses to serve from a database that is being copied.
func (s *Store) notCopied(ctx context.Context) error {
	if s.nodes == nil {
		return nil // SQLite has the file locked then
	}
	var may bool
	if err := s.one(ctx, mayServe, nil, []any{(*flag)(&may)}); err != nil {
		return unavailable("looking whether it is being copied", err)
	}
	if !may {
		return unavailable("serving", errCopied)
	}
	return nil
}

// patient lets a transaction take its time, whatever limits its user has.
const patient = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '15s'`

// transactionOf is a session on a server, with an open transaction.
func transactionOf(ctx context.Context, url string) (*copySession, error) {
	config, _, err := reach(ctx, url)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &copySession{Conn: conn, dialect: &postgresDialect, closers: []func() error{db.Close, conn.Close}}
	s.run = s.script
	if err := s.run(ctx, `BEGIN; `+patient); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.closers = append(s.closers, func() error { // a commit leaves nothing to undo
		return s.run(context.WithoutCancel(ctx), `ROLLBACK`)
	})
	return s, nil
}

// raw gives the driver's connection: a script is several statements, and rows come
// as a stream.
func (s *copySession) raw(f func(*pgx.Conn) error) error {
	return s.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver is a %T", driver)
		}
		return f(conn.Conn())
	})
}

func (s *copySession) script(ctx context.Context, script string) error {
	return s.raw(func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, script).ReadAll()
		return err
	})
}

// originalPostgres opens a database from which servers are kept away.
func originalPostgres(ctx context.Context, url string) (*copySession, error) {
	s, err := transactionOf(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := s.keepAway(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// keepAway waits for a server to show, and then locks all tables against changes.
func (s *copySession) keepAway(ctx context.Context) error {
	tables, err := s.names(ctx, s.dialect.tables)
	if err != nil {
		return err
	}
	if !slices.Contains(tables, firstTable) {
		return errNoneHere
	}
	if _, err := s.names(ctx, keepAway); err != nil {
		return err
	}
	waited := time.NewTimer(showsWithin)
	defer waited.Stop()
	again := time.NewTicker(pollPeriod / 10)
	defer again.Stop()
	for waiting := true; waiting; {
		var servers int64
		if err := s.QueryRowContext(ctx, whoWaits).Scan(&servers); err != nil {
			return err
		}
		if servers > 0 {
			return errInUse
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-waited.C:
			waiting = false
		case <-again.C:
		}
	}
	return s.run(ctx, `LOCK TABLE `+allQuoted(tables)+` IN SHARE MODE`)
}

// blankPostgres opens a database, or a schema of one, in which there is nothing yet.
// A server that starts there meanwhile waits, as for one that migrates.
func blankPostgres(ctx context.Context, url string) (*copySession, error) {
	s, err := transactionOf(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := s.mustBeEmpty(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.put = s.stream
	s.finish = func(ctx context.Context) error {
		tables, err := s.rowTables(ctx)
		if err != nil {
			return err
		}
		return s.run(ctx, `ANALYZE `+allQuoted(tables)+`; COMMIT`) // the first queries have good plans already
	}
	return s, nil
}

func (s *copySession) mustBeEmpty(ctx context.Context) error {
	if err := s.run(ctx, fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, whileMigrating)); err != nil {
		return err
	}
	tables, err := s.names(ctx, s.dialect.tables)
	if err != nil {
		return err
	}
	if slices.Contains(tables, firstTable) {
		var issuer string
		if err := s.QueryRowContext(ctx, readIssuer).Scan(&issuer); err != nil {
			return err
		}
		return fmt.Errorf("it is the database of the issuer %s: %w", issuer, errTaken)
	}
	if len(tables) > 0 {
		return fmt.Errorf("%w (%s)", errForeign, strings.Join(tables[:min(3, len(tables))], ", "))
	}
	return nil
}

// stream writes the rows of a table with COPY.
func (s *copySession) stream(ctx context.Context, table string, columns []string, from *tableRows) error {
	return s.raw(func(conn *pgx.Conn) error {
		_, err := conn.CopyFrom(ctx, pgx.Identifier{table}, columns, from)
		return err
	})
}
