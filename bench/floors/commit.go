package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// errConflict: the grant is not live, or no longer at the generation that was presented.
var errConflict = errors.New("the grant has moved on")

// largestGroup bounds how many rotations share one transaction.
const largestGroup = 256

// committer is the only writer. It commits at once when idle, and gathers only while a commit is in flight.
type committer struct {
	conn                            *sql.Conn
	begin, update, commit, rollback *sql.Stmt
	queue                           chan rotation
	done                            chan struct{}
}

type rotation struct {
	id         string
	generation int64
	now        int64
	result     chan error
}

func newCommitter(db *sql.DB) (*committer, error) {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting the committer: %w", err)
	}
	c := &committer{conn: conn, queue: make(chan rotation, largestGroup), done: make(chan struct{})}
	for statement, text := range map[**sql.Stmt]string{
		&c.begin:    `BEGIN IMMEDIATE`,
		&c.update:   moveGrant,
		&c.commit:   `COMMIT`,
		&c.rollback: `ROLLBACK`,
	} {
		if *statement, err = conn.PrepareContext(ctx, text); err != nil {
			return nil, errors.Join(fmt.Errorf("preparing %q: %w", text, err), conn.Close())
		}
	}
	go c.run()
	return c, nil
}

// close ends the committer after what is queued. Nobody may call rotate any more.
func (c *committer) close() {
	close(c.queue)
	<-c.done
	_ = c.conn.Close() // the database is thrown away
}

// rotate moves a grant from the generation to the next one and returns once that is durable.
func (c *committer) rotate(id string, generation int64, now time.Time) error {
	result := make(chan error, 1)
	c.queue <- rotation{id: id, generation: generation, now: now.UnixMilli(), result: result}
	return <-result
}

func (c *committer) run() {
	defer close(c.done)
	group, results := make([]rotation, 0, largestGroup), make([]error, 0, largestGroup)
	for first := range c.queue {
		group = gather(c.queue, append(group[:0], first))
		var err error
		results, err = c.write(group, results[:0])
		for i, r := range group {
			if err != nil {
				r.result <- err
				continue
			}
			r.result <- results[i]
		}
	}
}

// gather adds what waits already, and waits for nothing.
func gather[T any](queue chan T, group []T) []T {
	for len(group) < largestGroup {
		select {
		case next, open := <-queue:
			if !open {
				return group
			}
			group = append(group, next)
		default:
			return group
		}
	}
	return group
}

// write commits the group in one transaction: one result per rotation, or one error for all.
func (c *committer) write(group []rotation, results []error) ([]error, error) {
	if _, err := c.begin.Exec(); err != nil {
		return nil, fmt.Errorf("beginning: %w", err)
	}
	for _, r := range group {
		done, err := c.update.Exec(r.now, r.id, r.generation)
		if err != nil {
			return nil, c.giveUp(fmt.Errorf("rotating: %w", err))
		}
		switch rows, err := done.RowsAffected(); {
		case err != nil:
			return nil, c.giveUp(fmt.Errorf("rotating: %w", err))
		case rows != 1:
			results = append(results, errConflict)
		default:
			results = append(results, nil)
		}
	}
	if _, err := c.commit.Exec(); err != nil {
		return nil, c.giveUp(fmt.Errorf("committing: %w", err))
	}
	return results, nil
}

func (c *committer) giveUp(cause error) error {
	_, err := c.rollback.Exec()
	return errors.Join(cause, err)
}
