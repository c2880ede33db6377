package store

import (
	"context"
	"time"
)

// remembered is how long what has ended is kept, for the account page, for
// support and to tell a replayed code from an unknown one (tokens.md, part 4).
const remembered = 30 * 24 * time.Hour

// What ends at a time of its own is found by an index, a slice at a time.
const (
	purgeCodes = `DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE ends_at < $1 LIMIT $2)`

	purgeInteractions = `DELETE FROM interactions
	WHERE id_hash IN (SELECT id_hash FROM interactions WHERE ends_at < $1 LIMIT $2)`

	purgeSpent = `DELETE FROM spent WHERE key_hash IN (SELECT key_hash FROM spent WHERE ends_at < $1 LIMIT $2)`

	purgeCounters = `DELETE FROM counters WHERE name IN (SELECT name FROM counters WHERE window_ends < $1 LIMIT $2 /*idle*/)`

	purgeAnswers = `DELETE FROM answers WHERE key_hash IN (SELECT key_hash FROM answers WHERE ends_at < $1 LIMIT $2)`

	purgeOutbox = `DELETE FROM outbox
	WHERE id IN (SELECT id FROM outbox WHERE done_at > 0 AND done_at < $1 LIMIT $2)`

	// I5: after keep_until no token that the entry could match is in force.
	purgeLog = `DELETE FROM revlog WHERE seq IN (SELECT seq FROM revlog WHERE keep_until < $1 LIMIT $2)`
)

// Grants and sessions end in several ways, one of which every refresh moves. An
// index of it would cost each refresh more than this costs: to walk along the
// ids, a slice at a time.
const (
	sliceOfGrants = `SELECT id FROM grants WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`

	// A session that goes on remembers by its grants who is to hear of its end.
	purgeGrants = `DELETE FROM grants WHERE id > $1 AND ($2 = '' OR id <= $2)
	AND (ended_at > 0 AND ended_at < $3 OR abs_until > 0 AND abs_until < $3 OR idle_until > 0 AND idle_until < $3)
	AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = grants.origin AND s.ended_at = 0)`

	sliceOfSessions = `SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`

	// An idle session still carries its grants (decide.Alive), so it stays.
	purgeSessions = `DELETE FROM sessions WHERE id > $1 AND ($2 = '' OR id <= $2)
	AND (ended_at > 0 AND ended_at < $3 OR abs_until > 0 AND abs_until < $3)`
)

// slicesAtOnce is how many slices of a table that is walked along are looked at by
// one call: millions of rows must not be read each minute. Where a call stops the next
// goes on, and nothing is in a hurry after a month.
const slicesAtOnce = 50

// Purge deletes what has ended for long enough at now (Unix milliseconds). It
// writes at most limit rows at a time, so that no commit waits long behind it,
// and follows ctx between the slices.
func (s *Store) Purge(ctx context.Context, now int64, limit int) error {
	s.purging.Lock()
	defer s.purging.Unlock()
	limit = max(limit, 1)
	longAgo := now - remembered.Milliseconds()
	for _, table := range []struct {
		text   string
		before int64
	}{
		{purgeCodes, longAgo},
		{purgeInteractions, now},
		{purgeSpent, now},
		{purgeCounters, now},
		{purgeAnswers, now},
		{purgeLog, now},
		{purgeOutbox, longAgo},
	} {
		for deleted := int64(limit); deleted == int64(limit); {
			var err error
			if deleted, err = s.commitStep(ctx, table.text, table.before, limit); err != nil {
				return err
			}
		}
	}
	s.Forget(now)
	if err := s.purgeAlong(ctx, sliceOfSessions, purgeSessions, longAgo, limit); err != nil {
		return err
	}
	return s.purgeAlong(ctx, sliceOfGrants, purgeGrants, longAgo, limit)
}

// Forget drops from memory what no token can match any more at now.
func (s *Store) Forget(now int64) { s.memory.sweep(now) }

// purgeAlong walks on along a table, looking at limit rows at a time.
func (s *Store) purgeAlong(ctx context.Context, slice, purge string, before int64, limit int) error {
	for range slicesAtOnce {
		start, end := s.purged[purge], ""
		if err := s.one(ctx, slice, []any{start, limit - 1}, []any{(*text)(&end)}); err != nil {
			return unavailable("purging", err)
		}
		if _, err := s.commitStep(ctx, purge, start, end, before); err != nil {
			return err
		}
		if s.purged[purge] = end; end == "" {
			return nil
		}
	}
	return nil
}

// commitStep commits one statement through the queue like any plan and gives how
// many rows it wrote.
func (s *Store) commitStep(ctx context.Context, text string, args ...any) (int64, error) {
	p := &plan{result: make(chan error, 1)}
	p.do(text, args...)
	if err := s.commit(ctx, p); err != nil {
		return 0, err
	}
	return p.written, nil
}
