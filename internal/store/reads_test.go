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
