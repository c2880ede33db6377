package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

const schema = `
CREATE TABLE users (id TEXT PRIMARY KEY, status TEXT NOT NULL, email TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE grants (
	id TEXT PRIMARY KEY, user_id TEXT NOT NULL, client_id TEXT NOT NULL, sid TEXT NOT NULL, scope TEXT NOT NULL,
	status TEXT NOT NULL, auth_time BIGINT NOT NULL, rvs BIGINT NOT NULL, gen BIGINT NOT NULL, rotated_at BIGINT NOT NULL,
	idle_until BIGINT NOT NULL) WITHOUT ROWID;`

// The statements, of one text for both databases.
const (
	readState = `SELECT g.id, g.client_id, g.sid, g.scope, g.status, g.auth_time, g.rvs, g.gen, g.idle_until, u.id
		FROM grants g JOIN users u ON u.id = g.user_id WHERE g.id = $1 AND u.status = 'active'`
	readIsLive  = `SELECT status = 'live' FROM grants WHERE id = $1`
	moveGrant   = `UPDATE grants SET gen = gen + 1, rotated_at = $1 WHERE id = $2 AND gen = $3 AND status = 'live'`
	insertUser  = `INSERT INTO users VALUES ($1, 'active', 'ana@example.com')`
	insertGrant = `INSERT INTO grants VALUES ($1, $2, 'bench-web', $3, 'openid profile email', 'live', $4, $5, 0, $6, $7)`
)

// grantRow is what insertGrant takes.
func grantRow(id, user string, now time.Time) []any {
	return []any{id, user, randomID(), now.Unix(), now.UnixMilli(), now.UnixMilli(), now.Add(24 * time.Hour).UnixMilli()}
}

// readers is how many connections read at once. SQLite reads from memory here, so more would only wait for a core.
const readers = 4

// sqlite is the floors' SQLite: what reads and what writes.
type sqlite struct {
	*store
	*committer
}

func openSQLite(directory string) (sqlite, error) {
	store, err := openStore(directory)
	if err != nil {
		return sqlite{}, err
	}
	committer, err := newCommitter(store.db)
	if err != nil {
		return sqlite{}, errors.Join(err, store.db.Close())
	}
	return sqlite{store, committer}, nil
}

func (s sqlite) close() {
	s.committer.close()
	_ = s.db.Close() // the database is thrown away
}

// store reads. Its statements are prepared once; the committer writes.
type store struct {
	db      *sql.DB
	state   *sql.Stmt
	isAlive *sql.Stmt
}

func openStore(directory string) (*store, error) {
	options := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(directory, "floors.db")+"?"+options.Encode())
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	db.SetMaxOpenConns(readers + 1) // and the committer
	db.SetMaxIdleConns(readers + 1)
	s := &store{db: db}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *store) prepare() error {
	if _, err := s.db.Exec(schema); err != nil {
		return fmt.Errorf("creating tables: %w", err)
	}
	var err error
	s.state, err = s.db.Prepare(readState)
	if err != nil {
		return fmt.Errorf("preparing the refresh state: %w", err)
	}
	s.isAlive, err = s.db.Prepare(readIsLive)
	if err != nil {
		return fmt.Errorf("preparing the grant's status: %w", err)
	}
	return nil
}

type refreshState struct {
	id, client, session, scope, status, user  string
	authTime, revision, generation, idleUntil int64
}

// refreshState reads a grant with its user in one statement. No context is passed: one that can end would cost the
// driver a goroutine per query, and a floor has nothing to cancel.
func (s *store) refreshState(id string) (refreshState, error) {
	var g refreshState
	err := s.state.QueryRow(id).Scan(&g.id, &g.client, &g.session, &g.scope, &g.status, &g.authTime, &g.revision,
		&g.generation, &g.idleUntil, &g.user)
	if err != nil {
		return refreshState{}, fmt.Errorf("reading a grant: %w", err)
	}
	return g, nil
}

func (s *store) grantIsLive(id string) (bool, error) {
	var live bool
	if err := s.isAlive.QueryRow(id).Scan(&live); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("reading a grant's status: %w", err)
	}
	return live, nil
}

// makeGrant prepares a run: a new user with one live grant of generation 0.
func (s *store) makeGrant(now time.Time) (string, error) {
	user, id := randomID(), randomID()
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return "", fmt.Errorf("making a grant: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to do once it is committed
	if _, err := tx.Exec(insertUser, user); err != nil {
		return "", fmt.Errorf("making a user: %w", err)
	}
	if _, err := tx.Exec(insertGrant, grantRow(id, user, now)...); err != nil {
		return "", fmt.Errorf("making a grant: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return "", fmt.Errorf("making a grant: %w", err)
	}
	return id, nil
}
