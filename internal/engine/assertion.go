package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// identify lets an assertion say who the client is where nothing else does
// (RFC 7521 §4.2).
func identify(cred *oauth.Credentials) {
	if cred.Method == oauth.AuthPrivateKeyJWT && cred.ClientID == "" {
		cred.ClientID = decide.ReadAssertion(cred.Assertion).ClientID
	}
}

// proven is a load whose state has also what the caller's assertion is checked
// against. A state that was loaded before the keys had to be fetched is loaded
// again: what happened meanwhile is in it.
func proven[S any](
	e *Engine, cred *oauth.Credentials, load func(context.Context) (S, error), of func(*S) *record.ClientState,
) func(context.Context) (S, error) {
	if cred.Method != oauth.AuthPrivateKeyJWT {
		return load
	}
	claimed := decide.ReadAssertion(cred.Assertion)
	return func(ctx context.Context) (S, error) {
		state, err := load(ctx)
		if err != nil {
			return state, err
		}
		client := of(&state).Client
		if client == nil || client.Settings.TokenEndpointAuthMethod != string(oauth.AuthPrivateKeyJWT) {
			return state, nil
		}
		proof, waited := e.clientKeys.of(ctx, client, claimed.KID)
		if waited {
			if state, err = load(ctx); err != nil {
				return state, err
			}
		}
		// Whether it was used is asked after the state was read, and guarded when it is written.
		proof.Spent, err = e.store.Spent(ctx, claimed.Key)
		of(&state).Proof = proof
		return state, err
	}
}

// inToken finds what is known of the caller in a state.
func inToken(st **record.TokenState) *record.ClientState { return &(*st).ClientState }
