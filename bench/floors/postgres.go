package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const postgresSchema = `
CREATE TABLE users (id TEXT COLLATE "C" PRIMARY KEY, status TEXT NOT NULL, email TEXT NOT NULL);
CREATE TABLE grants (
	id TEXT COLLATE "C" PRIMARY KEY, user_id TEXT NOT NULL, client_id TEXT NOT NULL, sid TEXT NOT NULL, scope TEXT NOT NULL,
	status TEXT NOT NULL, auth_time BIGINT NOT NULL, rvs BIGINT NOT NULL, gen BIGINT NOT NULL, rotated_at BIGINT NOT NULL,
	idle_until BIGINT NOT NULL);`

// postgres is the floors' PostgreSQL, spoken to by pgx itself: every statement is prepared when a connection first runs
// it. Everything is pipelined: rotations that wait while one is in flight are sent at once, as one implicit transaction,
// and so are the reads of a grant, on other connections.
type postgres struct {
	pool  *pgxpool.Pool
	conn  *pgxpool.Conn // the committer's
	queue chan rotation
	reads chan reading
	done  sync.WaitGroup
}

// pipelines is how many connections read grants.
const pipelines = 2

// reading is a grant that is asked for.
type reading struct {
	id     string
	state  *refreshState
	result chan error
}

func openPostgres(url string) (*postgres, error) {
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the database: %w", err)
	}
	config.MaxConns = readers + 1
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	p := &postgres{pool: pool, queue: make(chan rotation, largestGroup), reads: make(chan reading)}
	if _, err := pool.Exec(ctx, postgresSchema); err != nil {
		pool.Close()
		return nil, fmt.Errorf("creating tables: %w", err)
	}
	if p.conn, err = pool.Acquire(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connecting the committer: %w", err)
	}
	p.done.Go(p.run)
	for range pipelines {
		p.done.Go(p.read)
	}
	return p, nil
}

// close ends the committer after what is queued. Nobody may call rotate or refreshState any more.
func (p *postgres) close() {
	close(p.queue)
	close(p.reads)
	p.done.Wait()
	p.conn.Release()
	p.pool.Close()
}

func (p *postgres) refreshState(id string) (refreshState, error) {
	r := reading{id: id, state: new(refreshState), result: make(chan error, 1)}
	p.reads <- r
	if err := <-r.result; err != nil {
		return refreshState{}, fmt.Errorf("reading a grant: %w", err)
	}
	return *r.state, nil
}

func (p *postgres) read() {
	for first := range p.reads {
		group := gather(p.reads, []reading{first})
		batch := &pgx.Batch{}
		for _, r := range group {
			g := r.state
			batch.Queue(readState, r.id).QueryRow(func(row pgx.Row) error {
				r.result <- row.Scan(&g.id, &g.client, &g.session, &g.scope, &g.status, &g.authTime, &g.revision, &g.generation, &g.idleUntil, &g.user)
				return nil
			})
		}
		if err := p.pool.SendBatch(context.Background(), batch).Close(); err != nil {
			for _, r := range group {
				select {
				case r.result <- err:
				default: // it has its answer
				}
			}
		}
	}
}

func (p *postgres) grantIsLive(id string) (bool, error) {
	var live bool
	if err := p.pool.QueryRow(context.Background(), readIsLive, id).Scan(&live); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("reading a grant's status: %w", err)
	}
	return live, nil
}

func (p *postgres) makeGrant(now time.Time) (string, error) {
	user, id := randomID(), randomID()
	batch := &pgx.Batch{}
	batch.Queue(insertUser, user)
	batch.Queue(insertGrant, grantRow(id, user, now)...)
	if err := p.pool.SendBatch(context.Background(), batch).Close(); err != nil {
		return "", fmt.Errorf("making a grant: %w", err)
	}
	return id, nil
}

func (p *postgres) rotate(id string, generation int64, now time.Time) error {
	result := make(chan error, 1)
	p.queue <- rotation{id: id, generation: generation, now: now.UnixMilli(), result: result}
	return <-result
}

func (p *postgres) run() {
	for first := range p.queue {
		group := gather(p.queue, []rotation{first})
		results, err := p.write(group)
		for i, r := range group {
			if err != nil {
				r.result <- err
				continue
			}
			r.result <- results[i]
		}
	}
}

// write sends the group at once: one result per rotation, or one error for all.
func (p *postgres) write(group []rotation) ([]error, error) {
	batch := &pgx.Batch{}
	for _, r := range group {
		batch.Queue(moveGrant, r.now, r.id, r.generation)
	}
	sent := p.conn.SendBatch(context.Background(), batch)
	results := make([]error, len(group))
	for i := range group {
		done, err := sent.Exec()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("rotating: %w", err), sent.Close())
		}
		if done.RowsAffected() != 1 {
			results[i] = errConflict
		}
	}
	if err := sent.Close(); err != nil {
		return nil, fmt.Errorf("committing: %w", err)
	}
	return results, nil
}
