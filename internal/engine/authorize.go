package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// Authorize answers an authorization request that arrives from a client. syntax
// is what the parser found wrong with it; whether that error may be redirected
// is still to be decided.
func (e *Engine) Authorize(ctx context.Context, req *oauth.AuthorizationRequest, syntax *oauth.Error, b Browser) (AuthorizeAnswer, *oauth.Error) {
	hint, bad := e.hint(req.IDTokenHint)
	ask := decide.Ask{Request: req, Syntax: syntax, Hint: hint, BadHint: bad != "", By: b.seen()}
	return run(ctx, e, journey[*record.AuthorizeState, AuthorizeAnswer]{
		load: func(ctx context.Context) (*record.AuthorizeState, error) {
			return e.store.AuthorizeState(ctx, req.ClientID, hashOrNone(b.Session), req.Resources)
		},
		decide: func(st *record.AuthorizeState, env decide.Env) decide.Outcome[AuthorizeAnswer] {
			return decide.Authorize(ask, st, env)
		},
	})
}

// goOn runs a decision about a request that waits on a page.
func (e *Engine) goOn(
	ctx context.Context, id string, b Browser,
	decision func(*record.InteractionState, *record.VerifiedToken, decide.Env) decide.Outcome[AuthorizeAnswer],
) (AuthorizeAnswer, *oauth.Error) {
	answer, refused := run(ctx, e, journey[*record.InteractionState, AuthorizeAnswer]{
		load: e.interactionState(id, b),
		decide: func(st *record.InteractionState, env decide.Env) decide.Outcome[AuthorizeAnswer] {
			return decision(st, e.storedHint(st.Interaction), env)
		},
	})
	answer.Interaction = id // the same page's; only its hash is stored
	return answer, refused
}

// storedHint verifies again the hint of a request that waited.
func (e *Engine) storedHint(i *record.Interaction) *record.VerifiedToken {
	if i == nil {
		return nil
	}
	hint, _ := e.hint(i.Request.IDTokenHint)
	return hint
}
