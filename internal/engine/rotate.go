package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// ensureKeys makes an active and a next key for each algorithm that lacks one,
// and loads the ring.
func (e *Engine) ensureKeys(ctx context.Context, algs ...string) error {
	return e.turnKeys(ctx, decide.KeysOnSchedule, decide.ActorServer, func([]record.SigningKey) []string { return algs })
}

// rotateOnSchedule lets the keys of all algorithms in use take the next step that
// is due, and stops publishing what no living token needs.
func (e *Engine) rotateOnSchedule(ctx context.Context) error {
	return e.turnKeys(ctx, decide.KeysOnSchedule, decide.ActorServer, algsInUse)
}

// RotateKeys lets the next keys sign. In an emergency the keys that signed until
// now are compromised, and so is the root of opaque access tokens: when this
// returns, no token of theirs is accepted here.
func (e *Engine) RotateKeys(ctx context.Context, emergency bool) error {
	turn := decide.KeysOnDemand
	if emergency {
		turn = decide.KeysEmergency
	}
	return refusalOf(e.turnKeys(ctx, turn, actorOf(ctx), algsInUse))
}

// SigningKeys lists all signing keys, oldest first.
func (e *Engine) SigningKeys(ctx context.Context) ([]record.SigningKey, error) {
	keys, err := e.store.Keys(ctx)
	return keys, refusalOf(err)
}

// feedAlgs sign the revocation feed.
var feedAlgs = []string{mint.ES256}

// algsInUse are the algorithms that every server signs with, and those that a
// resource or client once asked for.
func algsInUse(keys []record.SigningKey) []string {
	algs := slices.Concat(quickAlgs, slowAlgs)
	for _, key := range keys {
		if key.Use == record.KeyUseTokens && !slices.Contains(algs, key.Alg) {
			algs = append(algs, key.Alg)
		}
	}
	return algs
}

// turnKeys is the one path on which signing keys change. New keys are made with
// nothing open, and the ring is swapped before this returns, so that whoever is
// told of a turn signs and verifies by it.
func (e *Engine) turnKeys(
	ctx context.Context, turn decide.KeyTurn, actor string, algs func([]record.SigningKey) []string,
) error {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	return e.store.TurningKeys(ctx, func() error { return e.turnKeysAlone(ctx, turn, actor, algs) })
}

func (e *Engine) turnKeysAlone(
	ctx context.Context, turn decide.KeyTurn, actor string, algs func([]record.SigningKey) []string,
) error {
	for range maxAttempts {
		rows, err := e.store.Keys(ctx)
		if err != nil {
			return fmt.Errorf("reading keys: %w", err)
		}
		env := e.env()
		var changes []record.Change
		for _, plan := range []decide.KeyPlan{
			{Keys: rows, Use: record.KeyUseTokens, Algs: algs(rows), Turn: turn, Actor: actor},
			{Keys: rows, Use: record.KeyUseFeed, Algs: feedAlgs, Turn: turn, Actor: actor},
		} {
			fresh, err := e.freshKeys(plan, env)
			if err != nil {
				return err
			}
			changes = append(changes, decide.RotateKeys(plan, fresh, env)...)
		}
		ended, err := e.endedRoots(ctx, turn, actor, env)
		if err != nil {
			return err
		}
		changes = append(changes, ended...)
		switch err := e.commit(ctx, changes); {
		case err == nil:
			return e.loadRing(ctx)
		case !errors.Is(err, store.ErrConflict):
			return fmt.Errorf("storing keys: %w", err)
		}
	}
	return &Refusal{Kind: Conflict}
}

// freshKeys makes the keys that a plan wants.
func (e *Engine) freshKeys(plan decide.KeyPlan, env decide.Env) ([]record.SigningKey, error) {
	var fresh []record.SigningKey
	for _, alg := range decide.KeysWanted(plan, env) {
		key, err := mint.NewKey(alg, e.kek, nonce())
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, key)
	}
	return fresh, nil
}
