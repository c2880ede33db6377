package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
)

// answerKept is how long a request may be repeated, in milliseconds.
const answerKept = 24 * 3600 * 1000

// OnceKey names a request that is to be done once, however often it comes.
type OnceKey struct {
	Chosen  string // by whoever asks; a key of another administrator is another key
	Request string // what is asked for, all of it
}

type once struct{}

// answerKeeper makes the change that keeps an answer.
type answerKeeper func(answer any, env decide.Env) (record.Change, error)

// Once does an act, or gives what was answered to the same request before, as render
// made it. The answer is committed with what it tells of; of two requests at once one
// is done, and both are answered by it. Only what was done is kept: a request that
// was refused may come again, mended, with its key.
func Once[R any](
	ctx context.Context, e *Engine, key OnceKey, render func(R) ([]byte, error), act func(context.Context) (R, error),
) (answer R, earlier []byte, err error) {
	var none R
	earlier, err = e.answeredBefore(ctx, key)
	if earlier != nil || err != nil {
		return none, earlier, err
	}
	keep := answerKeeper(func(answer any, env decide.Env) (record.Change, error) {
		row, ok := answer.(R)
		if !ok {
			return nil, fmt.Errorf("an answer is a %T", answer)
		}
		text, err := render(row)
		if err != nil {
			return nil, fmt.Errorf("rendering the answer: %w", err)
		}
		owner := actorOf(ctx)
		return record.PutAnswer{
			KeyHash: e.answers.Name(owner, key.Chosen), Sealed: e.answers.Seal(owner, key.Chosen, key.Request, nonce(), text),
			At: env.Now, EndsAt: env.Now + answerKept,
		}, nil
	})
	answer, err = act(context.WithValue(ctx, once{}, keep))
	if err == nil {
		return answer, nil, nil
	}
	// What refuses this one may be what the same request did a moment ago.
	earlier, other := e.answeredBefore(ctx, key)
	if refusal, ok := errors.AsType[*Refusal](other); earlier != nil || ok && refusal.Kind == Reused {
		return none, earlier, other
	}
	return none, nil, err
}

// answeredBefore is what the same request was answered, nil if there was none.
func (e *Engine) answeredBefore(ctx context.Context, key OnceKey) ([]byte, error) {
	owner := actorOf(ctx)
	sealed, err := e.store.Answer(ctx, e.answers.Name(owner, key.Chosen), e.clock.now())
	if err != nil || sealed == nil {
		return nil, refusalOf(err)
	}
	answer, err := e.answers.Open(owner, key.Chosen, key.Request, sealed)
	if err != nil {
		return nil, &Refusal{Kind: Reused}
	}
	return answer, nil
}

// kept is a plan with the answer that is to be kept, if one is.
func kept(ctx context.Context, answer any, changes []record.Change, env decide.Env) ([]record.Change, error) {
	keep, asked := ctx.Value(once{}).(answerKeeper)
	if !asked {
		return changes, nil
	}
	change, err := keep(answer, env)
	return append(changes, change), err
}
