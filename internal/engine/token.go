package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Token answers a token request of any grant type.
func (e *Engine) Token(ctx context.Context, req *oauth.TokenRequest) (signed record.SignedTokens, refused *oauth.Error) {
	identify(&req.Credentials)
	switch req.GrantType {
	case oauth.GrantAuthorizationCode:
		_, refused = runInTurn(ctx, e, e.exchange(req, &signed))
	case oauth.GrantRefreshToken:
		_, refused = runInTurn(ctx, e, e.refresh(req, &signed))
		if refused != nil && refused.Reason == oauth.ReasonRefreshFromFuture {
			refused = e.refreshedFromFuture(ctx, req, refused)
		}
	default:
		_, refused = runInTurn(ctx, e, e.clientCredentials(req, &signed))
	}
	if refused != nil {
		return record.SignedTokens{}, refused
	}
	return signed, nil
}

func runInTurn[S, A any](ctx context.Context, e *Engine, j journey[S, A]) (A, *oauth.Error) {
	j.turns = e.turns
	return run(ctx, e, j)
}

func (e *Engine) exchange(req *oauth.TokenRequest, signed *record.SignedTokens) journey[*record.CodeState, record.Tokens] {
	hash := secret.Hash(req.Code)
	return journey[*record.CodeState, record.Tokens]{
		load: proven(e, &req.Credentials, func(ctx context.Context) (*record.CodeState, error) {
			return e.store.CodeState(ctx, hash, req.Credentials.ClientID)
		}, func(st **record.CodeState) *record.ClientState { return &(*st).ClientState }),
		decide: func(st *record.CodeState, env decide.Env) decide.Outcome[record.Tokens] {
			return decide.Exchange(req, st, env)
		},
		sign: e.signInto(signed),
	}
}

// refresh opens the token before the database is asked: junk falls to its
// checksum and a forgery to its tag, and only then is there a grant to load.
func (e *Engine) refresh(req *oauth.TokenRequest, signed *record.SignedTokens) journey[*record.RefreshState, record.Tokens] {
	presented := e.openRefresh(req.RefreshToken)
	return journey[*record.RefreshState, record.Tokens]{
		load: proven(e, &req.Credentials, func(ctx context.Context) (*record.RefreshState, error) {
			return e.store.RefreshState(ctx, presented.Token.GID, req.Credentials.ClientID)
		}, func(st **record.RefreshState) *record.ClientState { return &(*st).ClientState }),
		decide: func(st *record.RefreshState, env decide.Env) decide.Outcome[record.Tokens] {
			return decide.Refresh(req, presented, st, env)
		},
		sign: e.signInto(signed),
	}
}

func (e *Engine) clientCredentials(req *oauth.TokenRequest, signed *record.SignedTokens) journey[record.ClientState, record.Tokens] {
	return journey[record.ClientState, record.Tokens]{
		load: proven(e, &req.Credentials, func(ctx context.Context) (record.ClientState, error) {
			return e.store.ClientState(ctx, req.Credentials.ClientID, req.Resources)
		}, func(st *record.ClientState) *record.ClientState { return st }),
		decide: func(st record.ClientState, env decide.Env) decide.Outcome[record.Tokens] {
			return decide.ClientCredentials(req, &st, env)
		},
		sign: e.signInto(signed),
	}
}

func (e *Engine) signInto(signed *record.SignedTokens) func(context.Context, *record.Tokens) error {
	return func(ctx context.Context, tokens *record.Tokens) (err error) {
		*signed, err = e.sign(ctx, tokens)
		return err
	}
}
