package store

import (
	"context"
	"errors"
	"testing"

	"github.com/mintmark-id/mintmark/test/postgresql"
)

// Questions that are sent together: one that is wrong has its error, and so has one
// whose column does not fit; the others have their answers.
func TestAWrongQuestionLeavesTheOthersTheirAnswersOnPostgreSQL(t *testing.T) {
	s := world(t, onPostgreSQL(postgresql.Schema(t)))
	a := &asker{line{nodes: s.nodes}}
	defer a.release()
	var counts [5]number
	group := make([]*question, len(counts))
	for i, text := range []string{countUsers, `SELECT 1 / (count(*) - count(*)) FROM users`, countUsers, `SELECT id FROM users`, countUsers} {
		group[i] = &question{text: text, into: []any{&counts[i]}, answered: make(chan error, 1)}
	}
	a.answer(group)
	for i, q := range group {
		wrong := i == 1 || i == 3
		if err := <-q.answered; (err != nil) != wrong || !wrong && counts[i] != 1 {
			t.Errorf("question %d: %d, %v", i, counts[i], err)
		}
	}
}

// A read that meets a migration takes tables in another order than that: PostgreSQL
// ends one of them, and a read is asked again.
func TestAReadThatMeetsAMigrationIsAskedAgainOnPostgreSQL(t *testing.T) {
	s := world(t, onPostgreSQL(postgresql.Schema(t)))
	for name, read := range map[string]func() error{
		"of one row":   func() error { return errOf(s.User(t.Context(), "ana")) },
		"of many rows": func() error { return errOf(s.UserList(t.Context(), "", 9)) },
	} {
		t.Run(name, func(t *testing.T) {
			migration, err := s.nodes.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = migration.Rollback(t.Context()) }() // it may be over
			// Who looks for a deadlock first is ended: on a machine that is busy it may be either.
			if _, err := migration.Exec(t.Context(), `SET LOCAL deadlock_timeout = '1h'`); err != nil {
				t.Fatal(err)
			}
			lock := func(table string) {
				t.Helper()
				if _, err := migration.Exec(t.Context(), `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`); err != nil {
					t.Fatal(err)
				}
			}
			lock("identifiers") // which a read of users takes after them
			answered := make(chan error, 1)
			go func() { answered <- read() }()
			for waiting := int64(0); waiting == 0; {
				err := migration.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST('identifiers' AS regclass)`).Scan(&waiting)
				if err != nil {
					t.Fatal(err)
				}
			}
			lock("users") // the read is the one that looks, and is ended
			if err := migration.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-answered; err != nil {
				t.Errorf("it says: %v", err)
			}
		})
	}
}

// Whoever asks a store that is closed, or has gone away, is told so.
func TestNobodyWaitsForAnAnswerThatCannotComeOnPostgreSQL(t *testing.T) {
	s := world(t, onPostgreSQL(postgresql.Schema(t)))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.nodes.stopAsking()
	for name, ctx := range map[string]context.Context{"closed": t.Context(), "gone": gone} {
		if _, err := s.Head(ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
