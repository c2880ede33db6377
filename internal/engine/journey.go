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
	// turns are taken to prepare what is committed; nil where nobody waits for that.
	turns turns
}

// run walks a journey to its end. A conflict starts again from the load.
func run[S, A any](ctx context.Context, e *Engine, j journey[S, A]) (A, *oauth.Error) {
	return runWith(ctx, e, j, j.load)
}

// runFrom is run from a state that was loaded already.
func runFrom[S, A any](ctx context.Context, e *Engine, j journey[S, A], state S) (A, *oauth.Error) {
	return runWith(ctx, e, j, func(context.Context) (S, error) { return state, nil })
}

// runWith is run with a first load of its own.
func runWith[S, A any](ctx context.Context, e *Engine, j journey[S, A], load func(context.Context) (S, error)) (A, *oauth.Error) {
	for attempt := 1; ; attempt++ {
		if answer, refused, settled := settle(ctx, e, j, load); settled {
			return answer, refused
		}
		if attempt == maxAttempts {
			var none A
			return none, oauth.Refuse(oauth.ReasonConflictPersists)
		}
		load = j.load
	}
}

// settle loads, decides, signs and commits; it is not settled when the
// commit conflicts. It signs first, so that a signer that fails spends nothing,
// and commits also what a refusal asks for. The answer of a refusal says where
// it may be redirected.
func settle[S, A any](ctx context.Context, e *Engine, j journey[S, A], load func(context.Context) (S, error)) (answer A, refused *oauth.Error, settled bool) {
	outcome, refused := prepare(ctx, e, j, load)
	if refused != nil {
		return answer, refused, true
	}
	switch err := e.commit(ctx, outcome.Changes); {
	case errors.Is(err, store.ErrConflict):
		return answer, nil, false
	case err != nil:
		return answer, trouble(err), true
	}
	return outcome.Answer, outcome.Err, true
}

// prepare loads, decides and signs, when it is this request's turn.
func prepare[S, A any](ctx context.Context, e *Engine, j journey[S, A], load func(context.Context) (S, error)) (none decide.Outcome[A], _ *oauth.Error) {
	if refused := j.turns.take(ctx); refused != nil {
		return none, refused
	}
	defer j.turns.give()
	state, err := load(ctx)
	if err != nil {
		return none, trouble(err)
	}
	outcome := j.decide(state, e.env())
	if outcome.Err == nil && j.sign != nil {
		if err := j.sign(ctx, &outcome.Answer); err != nil {
			return none, oauth.Refuse(oauth.ReasonSignerFailed).Because(err)
		}
	}
	return outcome, nil
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
