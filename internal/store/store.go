package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/metrics"
)

// ErrConflict means that a guard of the plan found its row in another state, and
// that nothing of the plan was written: load and decide again.
var ErrConflict = errors.New("the state has changed since it was read")

// ErrUnavailable means trouble of ours: the disk is full, the file cannot be
// read, the store is closed. It wraps the cause.
var ErrUnavailable = errors.New("the database is not available")

// defaultReaders leaves the committer its part of the contract's pool of 16.
const defaultReaders = 14

// Options say which database to open, and how.
type Options struct {
	Path    string // of the SQLite file; file and directory are made when missing
	URL     string // of a PostgreSQL database, in the place of Path
	Readers int    // connections that read at once; zero means 14
	Issuer  string // of a database that is made; one that exists keeps its own
	// Unsafe does not wait for SQLite's disk: a power cut may lose what was
	// acknowledged. For tests.
	Unsafe bool
	Log    *slog.Logger // of what the nodes on one PostgreSQL have to say; nil: nothing

	now     func() int64  // unix ms; nil means the system's clock
	flights int           // that commit at once on PostgreSQL; zero means 2
	poll    time.Duration // of the head on PostgreSQL; zero means half a second
	deaf    bool          // it listens to no other node
}

// Store is a database. Its methods may be called from many goroutines.
type Store struct {
	dialect    *dialect
	writer     *sql.DB // of SQLite one connection, which the committer holds
	readers    *sql.DB
	nodes      *nodes   // of PostgreSQL; nil on SQLite, which has one
	statements sync.Map // SQL text -> *sql.Stmt of readers
	cache      cache
	memory     memory
	now        func() int64
	ahead      atomic.Int64                    // ms, of now
	issuer     string                          // of a log that is made
	metrics    atomic.Pointer[metrics.Metrics] // nil: nothing is counted

	purging sync.Mutex
	purged  map[string]string // how far each purge has walked along its table

	starting  sync.Mutex
	committer atomic.Pointer[committer] // nil until the schema is current
}

// Open opens a database, making an empty one when there is none. When its schema
// is behind, only Migrate and MigrationStatus work until Migrate has run.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Readers == 0 {
		o.Readers = defaultReaders
	}
	s := &Store{now: o.now, issuer: o.Issuer, purged: map[string]string{}}
	var err error
	if o.URL != "" {
		err = s.openPostgres(ctx, &o)
	} else {
		err = s.openSQLite(ctx, &o)
	}
	if err != nil {
		return nil, err
	}
	s.cache.init()
	if s.now == nil {
		s.now = func() int64 { return time.Now().UnixMilli() }
	}
	if err := s.startIfCurrent(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Embedded says whether the database is a file of this process: SQLite.
func (s *Store) Embedded() bool { return s.nodes == nil }

// Count has commits counted from now on.
func (s *Store) Count(m *metrics.Metrics) { s.metrics.Store(m) }

func (s *Store) startIfCurrent(ctx context.Context) error {
	steps, err := s.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if !step.Applied {
			return nil
		}
	}
	if err := s.notCopied(ctx); err != nil {
		return err
	}
	if err := s.makeLog(ctx); err != nil { // when a crash came between the last step and this
		return unavailable("making the revocation log", err)
	}
	s.starting.Lock()
	defer s.starting.Unlock()
	return s.start(ctx)
}

// start takes the head into the cache and the log into the memory, and starts the
// committer.
func (s *Store) start(ctx context.Context) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	s.cache.publish(view{lc: head.LC, allCut: head.AllCut}, nil)
	if _, err := s.confirm(ctx); err != nil {
		return err
	}
	if s.nodes != nil {
		if err := s.checkClock(ctx); err != nil {
			return err
		}
	}
	c, err := startCommitter(ctx, s)
	if err != nil {
		return unavailable("starting the committer", err)
	}
	s.committer.Store(c)
	if s.nodes != nil {
		s.startFollowing()
	}
	return nil
}

// clock is the time of what is committed now, in Unix milliseconds.
func (s *Store) clock() int64 { return s.now() + s.ahead.Load() }

// Advance moves the clock of the commits that follow forward by so many
// milliseconds, and with it the logical clock and how long the log keeps its
// entries. Only a test mode may. The logical clock does not follow it back.
func (s *Store) Advance(by int64) { s.ahead.Add(by) }

// Close commits what is queued and closes the database. The connection that goes
// last, which is the writer's, makes SQLite move its log into the file, so that
// the file is all there is. Plans that come later get ErrUnavailable.
func (s *Store) Close() error {
	var errs []error
	if c := s.committer.Load(); c != nil {
		errs = append(errs, c.close())
	}
	if s.nodes != nil {
		s.nodes.stop()
		s.nodes.stopAsking()
	}
	errs = append(errs, s.readers.Close(), s.writer.Close())
	if s.nodes != nil {
		s.nodes.pool.Close()
	}
	if err := errors.Join(errs...); err != nil {
		return unavailable("closing the database", err)
	}
	return nil
}

// unavailable is the only way in which an error of the driver leaves the package.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// statement returns the query, prepared once for the pool.
func (s *Store) statement(text string) (*sql.Stmt, error) {
	if found, ok := s.statements.Load(text); ok {
		if statement, ok := found.(*sql.Stmt); ok {
			return statement, nil
		}
	}
	made, err := s.readers.Prepare(text) //nolint:noctx // it outlives the request that comes first
	if err != nil {
		return nil, err
	}
	if first, loaded := s.statements.LoadOrStore(text, made); loaded {
		statement, _ := first.(*sql.Stmt)
		return statement, made.Close() //nolint:sqlclosecheck // somebody was first
	}
	return made, nil
}

// each runs a query and calls scan for every row. It holds a connection only
// while it runs, so scan must not query.
//
// The query itself does not follow ctx: the driver would start a goroutine for
// each one to watch it, and they end within microseconds.
func (s *Store) each(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.nodes != nil {
		return s.eachOfPostgres(ctx, text, args, scan)
	}
	statement, err := s.statement(text) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return err
	}
	rows, err := statement.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func scanAll(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one runs a query for at most one row and scans it. Without a row it leaves
// the destinations alone.
func (s *Store) one(ctx context.Context, text string, args, into []any) error {
	if s.nodes != nil {
		return s.nodes.ask(ctx, text, args, into)
	}
	return s.each(ctx, text, args, func(rows *sql.Rows) error { return rows.Scan(into...) })
}
