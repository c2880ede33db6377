package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

func TestTurnsComeInTheOrderOfTheRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := make(turns, 1)
		came := make(chan string, 4)
		come := func(ctx context.Context, name string) {
			go func() {
				if refused := turn.take(ctx); refused != nil {
					name += " is refused: " + string(refused.Reason)
				}
				came <- name
			}()
			synctest.Wait()
		}
		gone, leave := context.WithCancel(t.Context())
		come(t.Context(), "a")
		come(gone, "b")
		come(t.Context(), "c")
		come(t.Context(), "d")
		leave()
		synctest.Wait()
		turn.give()
		synctest.Wait()
		time.Sleep(patience) // c does not get on
		synctest.Wait()
		close(came)
		var order []string
		for name := range came {
			order = append(order, name)
		}
		if want := []string{"a", "b is refused: overloaded", "c", "d is refused: overloaded"}; !slices.Equal(order, want) {
			t.Errorf("%q, want %q", order, want)
		}
	})
}

// What is being committed takes no turn, and what breaks on its way gives its own back.
func TestATurnIsGivenBackBeforeTheCommitAndByAPanic(t *testing.T) {
	l := newLab(t)
	turn := make(turns, 1)
	j := journey[struct{}, struct{}]{
		load: func(context.Context) (struct{}, error) { return struct{}{}, nil },
		decide: func(struct{}, decide.Env) decide.Outcome[struct{}] {
			if len(turn) != 1 {
				t.Errorf("%d turns are taken while it is decided", len(turn))
			}
			panic("broken")
		},
		turns: turn,
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = run(t.Context(), l.Engine, j)
		t.Error("it does not panic")
	}()
	j.decide = func(struct{}, decide.Env) decide.Outcome[struct{}] { return decide.Outcome[struct{}]{} }
	if _, refused := run(t.Context(), l.Engine, j); refused != nil {
		t.Errorf("afterwards nobody has a turn: %v", refused)
	}
	j.load = func(context.Context) (struct{}, error) { return struct{}{}, context.Canceled }
	if _, refused := run(t.Context(), l.Engine, j); refused == nil || refused.Reason != oauth.ReasonDatabaseUnavailable {
		t.Errorf("without a state: %v", refused)
	}
	if len(turn) != 0 {
		t.Errorf("%d turns are never given back", len(turn))
	}
}
