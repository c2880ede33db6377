package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// postgresDialect is PostgreSQL: several processes, each with several writers.
// COLLATE "C" orders text by its bytes, as SQLite does: lists go on after an id.
var postgresDialect = dialect{
	goose: goose.DialectPostgres,
	tables: `SELECT CAST(c.relname AS TEXT) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')`,
	columns: `SELECT CAST(attname AS TEXT) FROM pg_attribute
	WHERE attrelid = CAST(CAST($1 AS TEXT) AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
	migrated: `SELECT version_id FROM goose_db_version WHERE is_applied`,
	typeText: `TEXT COLLATE "C"`,
}

const (
	oldestPostgres = 150000 // as server_version_num has it

	// connectWithin and answerWithin bound how long a database that is gone keeps a
	// request waiting.
	connectWithin = 5 * time.Second
	answerWithin  = 5 * time.Second

	// passWithin takes the place of connectWithin where several hosts are named: one that
	// is gone is passed, twice if TLS is only preferred, while somebody waits.
	passWithin = time.Second

	// idleConnections wait for the next burst.
	idleConnections = 4
)

// Why a PostgreSQL database is not taken.
var (
	errOldPostgres = errors.New("PostgreSQL 15 is the oldest that will do: upgrade the server")
	errStandby     = errors.New("the server is read-only, as a standby is: name the primary, or all hosts of the cluster")
)

// openPostgres opens a database that other nodes may share.
func (s *Store) openPostgres(ctx context.Context, o *Options) error {
	config, direct, err := reach(ctx, o.URL)
	if err != nil {
		return unavailable("opening the database", err)
	}
	connections := config.ConnConfig
	if o.flights == 0 {
		o.flights = flightsAtOnce
	}
	if !strings.Contains(o.URL, "pool_max_conns=") {
		config.MaxConns = int32(o.Readers + o.flights)
	}
	// One each for those who commit and who ask, for TurningKeys, and for longer reading.
	config.MaxConns = max(config.MaxConns, int32(o.flights+askersAtOnce+2))
	if !strings.Contains(o.URL, "pool_min_idle_conns=") {
		config.MinIdleConns = min(idleConnections, config.MaxConns)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return unavailable("opening the database", err)
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	db := stdlib.OpenDBFromPool(pool)
	s.dialect, s.writer, s.readers = &postgresDialect, db, db
	s.nodes = &nodes{
		pool: pool, direct: direct && !o.deaf, config: connections.Copy(), log: log, ownClock: o.now == nil, flights: o.flights,
		period: cmp.Or(o.poll, pollPeriod),
	}
	s.nodes.startAsking()
	return nil
}

// reach reads the address of a server and looks at it, before anything there is
// touched. It tells whether the server is spoken to directly.
func reach(ctx context.Context, address string) (config *pgxpool.Config, direct bool, err error) {
	config, err = pgxpool.ParseConfig(address)
	if err != nil {
		return nil, false, fmt.Errorf("reading the address of the database: %w", err)
	}
	connections := config.ConnConfig
	if connections.ConnectTimeout == 0 {
		connections.ConnectTimeout = connectWithin
		if severalHosts(&connections.Config) {
			connections.ConnectTimeout = passWithin
		}
	}
	connections.DialFunc = dial()
	if connections.RuntimeParams["application_name"] == "" {
		connections.RuntimeParams["application_name"] = "mintmark"
	}
	// Nothing is read from a standby: what was revoked might not have reached it.
	// Every connection is asked, so that after a failover the new primary is found.
	connections.ValidateConnect = isPrimary
	direct, err = lookAt(ctx, connections)
	if err != nil {
		return nil, false, err
	}
	if !direct && !strings.Contains(address, "default_query_exec_mode=") {
		// Behind a pooler each transaction may have another session of the server, and
		// no statement prepared in one is there in the next.
		connections.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	return config, direct, nil
}

func severalHosts(config *pgconn.Config) bool {
	return slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return f.Host != config.Host || f.Port != config.Port // else it is TLS that is given up
	})
}

// isPrimary refuses a connection to a server that cannot write.
func isPrimary(ctx context.Context, conn *pgconn.PgConn) error {
	err := pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, conn)
	if errors.Is(err, pgconn.ErrReadOnlyConnection) {
		return errStandby
	}
	return err
}

// lookAt checks the server, and tells whether it is spoken to directly: a pooler in
// between gives its clients process ids of its own.
func lookAt(ctx context.Context, config *pgx.ConnConfig) (direct bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*connectWithin)
	defer cancel()
	config = config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, config)
	switch {
	case errors.Is(err, errStandby):
		return false, errStandby
	case err != nil:
		return false, fmt.Errorf("%w: start the server, or correct the setting database", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var version, process int64
	err = conn.QueryRow(ctx, `SELECT CAST(current_setting('server_version_num') AS BIGINT), CAST(pg_backend_pid() AS BIGINT)`).Scan(&version, &process)
	if err != nil {
		return false, err
	}
	return process == int64(conn.PgConn().PID()), checkServer(version)
}

func checkServer(version int64) error {
	if version < oldestPostgres {
		return fmt.Errorf("it is version %d.%d: %w", version/10000, version%10000, errOldPostgres)
	}
	return nil
}

// eachOfPostgres is each. A read that lost its connection is done again: the server
// was restarted, or another one took its place. So is one that met a migration.
func (s *Store) eachOfPostgres(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	const tries = 3
	for try := 1; ; try++ {
		scanned := false
		err := s.readOnce(ctx, text, args, func(rows *sql.Rows) error {
			scanned = true
			return scan(rows)
		})
		if err == nil || scanned || try == tries || !isLost(err) && !isCollision(err) {
			return err
		}
		if isLost(err) {
			s.nodes.pool.Reset() // the others are lost too
		}
	}
}

func (s *Store) readOnce(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	// The caller's end does not end the query: that would cost the connection.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

// SQLSTATEs (PostgreSQL, appendix A).
const (
	uniqueViolation      = "23505"
	divisionByZero       = "22012" // a guard that found no row, see flight.go
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	readOnlyTransaction  = "25006"
)

// stateOf is the SQLSTATE of an error of the server; "" of any other.
func stateOf(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isCollision reports whether an error says that a transaction met another in such a
// way that one of them had to end. It was this one, which may try again.
func isCollision(err error) bool {
	state := stateOf(err)
	return state == serializationFailure || state == deadlockDetected
}

// isLost reports whether an error says that the connection has ended, and not that
// it took too long.
func isLost(err error) bool {
	switch stateOf(err) {
	case adminShutdown, crashShutdown:
		return true
	case "":
		return !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) &&
			(errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || isNetwork(err))
	}
	return false
}

// oneNode has one node at a time do what $2 stands for, and forgets one that says
// nothing for $1. It is a lock of a transaction, which holds also behind a pooler.
const oneNode = `SELECT set_config('idle_in_transaction_session_timeout', $1, true), pg_advisory_xact_lock(CAST($2 AS BIGINT))`

// What one node at a time does.
const (
	whileMigrating    = 7236911305441
	whileTurningKeys  = 7236911305442
	turningKeysWithin = "60s"
)

// TurningKeys runs f while no other node runs anything through TurningKeys: of two
// that find a key missing, one makes it.
func (s *Store) TurningKeys(ctx context.Context, f func() error) error {
	return s.alone(ctx, whileTurningKeys, turningKeysWithin, f)
}

func (s *Store) alone(ctx context.Context, what int64, within string, f func() error) error {
	if s.nodes == nil {
		return f()
	}
	tx, err := s.nodes.pool.Begin(ctx)
	if err != nil {
		return unavailable("waiting for other nodes", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has written nothing
	if _, err := tx.Exec(ctx, oneNode, within, what); err != nil {
		return unavailable("waiting for other nodes", err)
	}
	return f()
}

// typed gives the migrations with the column types of a database.
type typed struct {
	fs.FS
	text string
}

// Open implements fs.FS.
func (t typed) Open(name string) (fs.File, error) {
	file, err := t.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	source, err := io.ReadAll(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return typedFile{file, strings.NewReader(columnOfText.ReplaceAllString(string(source), t.text))}, nil
}

type typedFile struct {
	fs.File
	source io.Reader
}

// Read implements fs.File.
func (f typedFile) Read(into []byte) (int, error) { return f.source.Read(into) }
