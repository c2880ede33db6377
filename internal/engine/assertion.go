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

// proven is a load whose state has also what the caller's assertion or certificate
// is checked against.
func proven[S any](
	e *Engine, cred *oauth.Credentials, load func(context.Context) (S, error), of func(*S) *record.ClientState,
) func(context.Context) (S, error) {
	switch {
	case cred.Method == oauth.AuthPrivateKeyJWT:
		return asserted(e, cred.Assertion, load, of)
	case cred.Method == oauth.AuthNone && cred.Certificate != nil:
		shown := cred.Certificate.Leaf()
		return withKeys(e, load, of, keysFor{oauth.AuthSelfSignedTLS, func(known *record.ClientProof) bool {
			return known.Keys.Certifies(shown)
		}})
	}
	return load
}

// asserted is a load with what an assertion is checked against.
func asserted[S any](
	e *Engine, assertion string, load func(context.Context) (S, error), of func(*S) *record.ClientState,
) func(context.Context) (S, error) {
	claimed := decide.ReadAssertion(assertion)
	keyed := withKeys(e, load, of, keysFor{oauth.AuthPrivateKeyJWT, named(claimed.KID)})
	return func(ctx context.Context) (S, error) {
		state, err := keyed(ctx)
		if err != nil {
			return state, err
		}
		if proof := &of(&state).Proof; proof.Keys != nil || proof.Trouble != nil {
			// Whether it was used is asked after the state was read, and guarded when it is written.
			proof.Spent, err = e.store.Spent(ctx, claimed.Key)
		}
		return state, err
	}
}

// keysFor is what the keys of a client are wanted for: the method that it must have
// registered, and which of them.
type keysFor struct {
	method oauth.AuthMethod
	want   wanted
}

// withKeys is a load with the client's keys. A state that was loaded before they had
// to be fetched is loaded again: what happened meanwhile is in it.
func withKeys[S any](
	e *Engine, load func(context.Context) (S, error), of func(*S) *record.ClientState, keys keysFor,
) func(context.Context) (S, error) {
	return func(ctx context.Context) (S, error) {
		state, err := load(ctx)
		if err != nil {
			return state, err
		}
		client := of(&state).Client
		if client == nil || client.Settings.TokenEndpointAuthMethod != string(keys.method) {
			return state, nil
		}
		proof, waited := e.clientKeys.of(ctx, client, keys.want)
		if waited {
			if state, err = load(ctx); err != nil {
				return state, err
			}
		}
		of(&state).Proof = proof
		return state, nil
	}
}

// inToken finds what is known of the caller in a state.
func inToken(st **record.TokenState) *record.ClientState { return &(*st).ClientState }
