package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

const (
	grantsOfUser = 5
	// populationBound is how many times what it costs on an empty database a work may cost on a full one.
	populationBound = 1.5
	// fillStep is how many rows are inserted by a statement.
	fillStep = 100_000
)

// populated are the works that are measured over many users: those that read or write rows.
func populated() []work {
	var all []work
	for _, w := range works() {
		if w.name == "refresh" || w.name == "exchange" || w.name == "introspection" || w.name == "client-credentials" {
			all = append(all, w)
		}
	}
	return append(all, work{name: "authorize", prepare: prepareAuthorize})
}

func prepareAuthorize(_ context.Context, t *tenants, n int) ([]load.Script, stockFunc, error) {
	scripts := make([]load.Script, n)
	for i := range scripts {
		scripts[i] = t.authorization(i)
	}
	return scripts, nil, nil
}

// measurePopulation compares a server on a full database with the one of this run, in turn.
func measurePopulation(ctx context.Context, b *bench) (findings []finding, err error) {
	full, err := b.populatedSite(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, full.stop()) }()
	over := fmt.Sprintf("over %d users and %d grants", b.users, b.users*grantsOfUser)
	for _, w := range populated() {
		for _, n := range b.connections {
			floors, servers, err := b.raceSites(ctx, w, [2]*tenants{b.tenants, full}, n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			times := median(ratios(floors, servers))
			findings = append(findings, finding{
				"population", fmt.Sprintf("%s %s, %d connections", w.name, over, n),
				fmt.Sprintf("%s µs, %.2f x %s µs", microseconds(typical(servers).cpu), times, microseconds(typical(floors).cpu)),
				fmt.Sprintf("%.1f x the empty database", populationBound), times <= populationBound,
			})
		}
	}
	starting, err := b.compareStarts(ctx, full, over)
	return append(findings, starting), err
}

// raceSites measures a work on both, the empty one in the place of a floor.
func (b *bench) raceSites(ctx context.Context, w work, sites [2]*tenants, n int) (empty, full []sample, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sides [2]side
	for i, t := range sites {
		scripts, stock, err := w.prepare(ctx, t, n)
		if err != nil {
			return nil, nil, err
		}
		group, err := load.Dial(ctx, t.address, n)
		if err != nil {
			return nil, nil, err
		}
		defer group.Close()
		sides[i] = side{process: t.process, group: group, scripts: scripts, stock: stock}
	}
	return interleave(ctx, b.rounds, b.duration, sides[0], sides[1])
}

// compareStarts holds how long the full one takes to start against the empty one.
func (b *bench) compareStarts(ctx context.Context, full *tenants, over string) (finding, error) {
	var took [2][]time.Duration
	for range starts {
		for i, t := range []*tenants{b.tenants, full} {
			if err := t.stop(); err != nil {
				return finding{}, err
			}
			if err := t.start(ctx); err != nil {
				return finding{}, err
			}
			took[i] = append(took[i], time.Since(t.started))
		}
	}
	empty, slow := median(took[0]), median(took[1])
	return finding{
		"population", "start until ready " + over, fmt.Sprintf("%s, %.2f x %s", latency(slow), slow.Seconds()/empty.Seconds(), latency(empty)),
		fmt.Sprintf("%.1f x the empty database", populationBound), slow.Seconds() <= populationBound*empty.Seconds(),
	}, nil
}

// populatedSite starts a server whose database has many users, each with a living session and grants.
func (b *bench) populatedSite(ctx context.Context) (*tenants, error) {
	s, err := newSite(b.binary, b.directory, "population")
	if err != nil {
		return nil, err
	}
	if s.rows, err = b.cluster(ctx, "population-rows"); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	t, err := settle(ctx, s, people)
	if err == nil {
		err = t.stop()
	}
	if err == nil {
		err = s.fill(ctx, b.users)
	}
	if err == nil {
		err = t.start(ctx)
	}
	if err != nil {
		_ = s.stop() // the reason is the error at hand
		return nil, err
	}
	return t, nil
}

// fill inserts the rows of many users by SQL of one text for both databases, while the server is stopped.
func (s *site) fill(ctx context.Context, users int) error {
	run := func(statement string) error { return s.rows.psql(ctx, statement) }
	if s.rows == nil {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(s.data, "mintmark.db")+"?mode=rw&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
		if err != nil {
			return fmt.Errorf("opening the database: %w", err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		run = func(statement string) error {
			statement = strings.ReplaceAll(statement, "BYTEA", "BLOB")
			_, err := db.ExecContext(ctx, statement)
			return err
		}
	}
	before, after := []string{}, []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	if s.rows != nil { // while it is filled nothing needs to last
		before = []string{"ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_wal_size = '16GB'", "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"}
		after = []string{"VACUUM ANALYZE", "ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()", "CHECKPOINT"}
	}
	for _, statement := range slices.Concat(before, moveIn(users, time.Now()), after) {
		if err := run(statement); err != nil {
			return fmt.Errorf("filling the database: %w", err)
		}
	}
	return nil
}

// moveIn are the statements that insert the crowd.
func moveIn(users int, now time.Time) (statements []string) {
	for _, table := range crowd(now) {
		for from, rows := 0, users*table.each; from < rows; from += fillStep {
			numbers := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", from, min(from+fillStep, rows)-1)
			statements = append(statements, "INSERT INTO "+table.into+" "+numbers+table.rows)
		}
	}
	return statements
}

// crowdTable says what is inserted for each user. Ids have the length of ours.
type crowdTable struct {
	each       int
	into, rows string
}

func crowd(now time.Time) []crowdTable {
	id := func(kind, number string) string {
		return fmt.Sprintf("'%s' || CAST(100000000000 + %s AS TEXT)", kind, number)
	}
	user, ofGrant := id("crowd-user", "i"), id("crowd-user", fmt.Sprintf("i / %d", grantsOfUser))
	ms, later := now.UnixMilli(), now.AddDate(0, 1, 0).UnixMilli()
	return []crowdTable{
		{1, "users (id, status, claims, token_version, cut, made_at, version)", fmt.Sprintf("SELECT %s, 'active', '{}', 0, 0, %d, 1 FROM n", user, ms)},
		{1, "identifiers (kind, value, user_id, verified_at)", fmt.Sprintf("SELECT 'email', 'crowd' || CAST(i AS TEXT) || '@example.com', %s, %d FROM n", user, ms)},
		{1, "factors (id, user_id, kind, data, made_at)", fmt.Sprintf(
			"SELECT %s, %s, 'password', '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', %d FROM n", id("crowd-fact", "i"), user, ms)},
		{1, "consents (user_id, client_id, scope, cut, made_at)", fmt.Sprintf("SELECT %s, '%s', 'email openid profile', 0, %d FROM n", user, webClient, ms)},
		{1, "sessions (id, cookie_hash, browser_hash, user_id, proofs, auth_time, rvs, agent, made_at, seen_at, idle_until, abs_until, ended_at)", fmt.Sprintf(
			"SELECT %s, CAST('cookie' || CAST(i AS TEXT) AS BYTEA), CAST('browser' || CAST(i AS TEXT) AS BYTEA), %s, '[]', %[3]d, %[3]d, 'Firefox', %[3]d, %[3]d, %[4]d, %[4]d, 0 FROM n",
			id("crowd-sess", "i"), user, ms, later)},
		{grantsOfUser, "grants (id, user_id, client_id, sid, scope, resources, auth_time, acr, amr, rvs, made_at, gen, rotated_at, late_gen, late_run, jkt, idle_until, abs_until, ended_at, origin)", fmt.Sprintf(
			"SELECT %s, %s, '%s', '', 'email offline_access openid profile', '', %[4]d, 'aal1', 'pwd', %[4]d, %[4]d, 1, %[4]d, 0, 0, '', %[5]d, %[5]d, 0, %s FROM n",
			id("crowd-gran", "i"), ofGrant, webClient, ms, later, id("crowd-sess", fmt.Sprintf("i / %d", grantsOfUser)))},
	}
}
