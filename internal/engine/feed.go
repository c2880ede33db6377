package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// FeedReader is a client that may follow the revocation feed.
type FeedReader = decide.FeedReader

// Ring is the signing keys of the moment: the revocation feed signs with its own.
func (e *Engine) Ring() *mint.Ring { return e.minting.Load().Ring }

// FeedJWKS is the key set of the revocation feed, as bytes made when the ring last
// changed.
func (e *Engine) FeedJWKS() []byte { return e.Ring().FeedJWKS() }

// FeedReader decides whether the bearer of an access token may follow the
// revocation feed. shown is the certificate of the connection that the token came by;
// nil: none.
func (e *Engine) FeedReader(ctx context.Context, token string, shown *clientcert.Certificate) (FeedReader, *oauth.Error) {
	tok := e.open(token)
	tok.Certificate = shown
	return run(ctx, e, about(e, tok, store.TokenQuery{}, func(st *record.TokenState, env decide.Env) decide.Outcome[FeedReader] {
		return decide.ReadFeed(tok, st, env)
	}))
}
