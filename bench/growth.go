package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
	_ "modernc.org/sqlite" // to count the pages of the server's database while the server is stopped
)

// warmRefreshes come before the first look at the database, so that what a first refresh makes is there.
const warmRefreshes = 10_000

// measureGrowth refreshes one grant many times, on one connection, and compares the pages of the database.
func measureGrowth(ctx context.Context, b *bench) ([]finding, error) {
	s, err := newSite(b.binary, b.directory, "growth")
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.stop() }() // it runs only after an error
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	t, err := settle(ctx, s, 1)
	if err != nil {
		return nil, err
	}
	tokens, err := t.grant(ctx, 0, offlineScope)
	if err != nil {
		return nil, err
	}
	grant := newChain(s.address, "/oauth2/token", webClient, tokens.Refresh)
	before, err := s.refreshAndCount(ctx, grant, warmRefreshes)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	after, err := s.refreshAndCount(ctx, grant, b.refreshes-warmRefreshes)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("database after %d refreshes of one grant", b.refreshes)
	return []finding{{
		"growth", title, fmt.Sprintf("%d pages", after),
		fmt.Sprintf("%d pages, as after %d", before, warmRefreshes), after <= before,
	}}, nil
}

// refreshAndCount refreshes a grant n times, stops the server, and counts the pages of its database.
func (s *site) refreshAndCount(ctx context.Context, grant *chain, n int) (int64, error) {
	group, err := load.Dial(ctx, s.address, 1)
	if err != nil {
		return 0, err
	}
	defer group.Close()
	result, err := group.Run(ctx, time.Hour, []load.Script{limit(grant.script(), n)})
	if err != nil {
		return 0, err
	}
	if result.Requests() != n {
		return 0, fmt.Errorf("%d of %d refreshes in an hour", result.Requests(), n)
	}
	if err := s.stop(); err != nil {
		return 0, err
	}
	return countPages(ctx, filepath.Join(s.data, "mintmark.db"))
}

// countPages moves the write-ahead log into the database and counts its pages.
func countPages(ctx context.Context, file string) (pages int64, err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=rw")
	if err != nil {
		return 0, fmt.Errorf("opening the database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var busy, logged, moved int64
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &logged, &moved); err != nil {
		return 0, fmt.Errorf("moving the write-ahead log: %w", err)
	}
	if busy != 0 {
		return 0, errors.New("the write-ahead log is in use")
	}
	if err := db.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		return 0, fmt.Errorf("counting pages: %w", err)
	}
	return pages, nil
}
