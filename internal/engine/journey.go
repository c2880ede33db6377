package engine

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// maxAttempts is how often a decision is made when somebody else's commit comes
// between its reading and its writing.
const maxAttempts = 4

// journey is the way of a request: load the state, decide, sign, commit. It is a
// value, so that a test can walk several of them in every order.
type journey[S, A any] struct {
	load   func(context.Context) (S, error)
	decide func(S, decide.Env) decide.Outcome[A]
	// sign signs what the answer asks for; nil where there is nothing to sign.
	sign func(context.Context, *A) error
}

// run walks a journey to its end. A conflict starts again from the load.
func run[S, A any](ctx context.Context, e *Engine, j journey[S, A]) (A, *oauth.Error) {
	state, err := j.load(ctx)
	if err != nil {
		var none A
		return none, trouble(err)
	}
	return runFrom(ctx, e, j, state)
}

// runFrom is run from a state that was loaded already.
func runFrom[S, A any](ctx context.Context, e *Engine, j journey[S, A], state S) (none A, _ *oauth.Error) {
	for attempt := 1; ; attempt++ {
		if answer, refused, settled := settle(ctx, e, j, state); settled {
			return answer, refused
		}
		if attempt == maxAttempts {
			return none, oauth.Refuse(oauth.ReasonConflictPersists)
		}
		var err error
		if state, err = j.load(ctx); err != nil {
			return none, trouble(err)
		}
	}
}

// settle decides a loaded state, signs and commits; it is not settled when the
// commit conflicts. It signs first, so that a signer that fails spends nothing,
// and commits also what a refusal asks for. The answer of a refusal says where
// it may be redirected.
func settle[S, A any](ctx context.Context, e *Engine, j journey[S, A], state S) (answer A, refused *oauth.Error, settled bool) {
	outcome := j.decide(state, e.env())
	if outcome.Err == nil && j.sign != nil {
		if err := j.sign(ctx, &outcome.Answer); err != nil {
			return answer, oauth.Refuse(oauth.ReasonSignerFailed).Because(err), true
		}
	}
	switch err := e.commit(ctx, outcome.Changes); {
	case errors.Is(err, store.ErrConflict):
		return answer, nil, false
	case err != nil:
		return answer, trouble(err), true
	}
	return outcome.Answer, outcome.Err, true
}

// env reads the clock once and draws once: the world of one attempt.
func (e *Engine) env() decide.Env {
	env := decide.Env{Now: e.clock.now(), Policy: e.policy, Pairwise: e.pairwise}
	_, _ = rand.Read(env.Seed[:]) // crypto/rand.Read never fails
	return env
}

func (e *Engine) commit(ctx context.Context, changes []record.Change) error {
	if len(changes) == 0 {
		return nil
	}
	err := e.store.Commit(ctx, changes)
	switch {
	case errors.Is(err, store.ErrConflict):
		e.metrics.Conflicted()
	case err == nil:
		e.constants.see(changes, e.clock.now())
	}
	return err
}

// trouble is what a client hears when the fault is ours: 503 and when to come
// back, never invalid_grant, on which clients throw sign-ins away.
func trouble(err error) *oauth.Error {
	return oauth.Refuse(oauth.ReasonDatabaseUnavailable).Because(err)
}
