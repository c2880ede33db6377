package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// openRoots opens the sealed roots, making those that are missing: all of them in
// a new database, some in one of an earlier release. What is there is opened
// first, so that nothing is added under a wrong key-encryption key.
func (e *Engine) openRoots(ctx context.Context) (*mint.Mint, error) {
	for range maxAttempts {
		rows, err := e.store.Roots(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading roots: %w", err)
		}
		opened, err := unseal(e.kek, rows)
		if err != nil {
			return nil, err
		}
		missing := e.missingRoots(rows)
		if len(missing) == 0 {
			return e.take(opened)
		}
		// The rows are one plan, and its guard is that no root has these ids: of two
		// nodes that start on one database, one makes them and both read them.
		err = e.store.Commit(ctx, missing)
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, fmt.Errorf("making roots: %w", err)
		}
	}
	return nil, errors.New("making roots: another process keeps changing them")
}

// lastRoot is the largest id of a root. Ids are not used again: there is always a
// root that is newer than one that was destroyed.
func lastRoot(rows []record.SealedRoot) (last int64) {
	for _, row := range rows {
		last = max(last, row.KeyID)
	}
	return last
}

// missingRoots are new roots of each use that has none.
func (e *Engine) missingRoots(rows []record.SealedRoot) (missing []record.Change) {
	last := lastRoot(rows)
	for _, use := range []string{record.RootRefresh, record.RootReference, record.RootForms, record.RootAccess, record.RootPairwise, record.RootAnswers, record.RootTrips} {
		if !slices.ContainsFunc(rows, func(r record.SealedRoot) bool { return r.Use == use }) {
			last++
			missing = append(missing, e.newRoot(last, use))
		}
	}
	return missing
}

func rootPurpose(id int64, use string) string { return "root " + strconv.FormatInt(id, 10) + " " + use }

func (e *Engine) newRoot(id int64, use string) record.PutRoot {
	var key [32]byte
	_, _ = rand.Read(key[:])
	return record.PutRoot{Root: record.SealedRoot{
		KeyID:  id,
		Use:    use,
		Sealed: e.kek.Seal(rootPurpose(id, use), nonce(), key[:]),
		MadeAt: e.clock.now(),
	}}
}

func nonce() (n [12]byte) {
	_, _ = rand.Read(n[:])
	return n
}

// OpensRoots reports, as an error, that a key-encryption key is not the one under
// which the roots of a database were sealed.
func OpensRoots(kek secret.KEK, rows []record.SealedRoot) error {
	_, err := unseal(kek, rows)
	return err
}

// unseal opens the roots, by use.
func unseal(kek secret.KEK, rows []record.SealedRoot) (map[string][]secret.Root, error) {
	opened := map[string][]secret.Root{}
	for _, row := range rows {
		plain, err := kek.Open(rootPurpose(row.KeyID, row.Use), row.Sealed)
		if err != nil {
			return nil, fmt.Errorf("opening root %d with key-encryption key %s: %w", row.KeyID, kek.ID(), err)
		}
		opened[row.Use] = append(opened[row.Use], secret.Root{KeyID: uint32(row.KeyID), Key: [32]byte(plain)})
	}
	return opened, nil
}

// take puts the roots to their uses, and gives a mint that has those of tokens.
func (e *Engine) take(opened map[string][]secret.Root) (*mint.Mint, error) {
	for _, root := range opened[record.RootReference] {
		e.reference = secret.ReferenceKey(root.Key)
	}
	for _, root := range opened[record.RootForms] {
		e.formKey = root.Key[:]
	}
	for _, root := range opened[record.RootPairwise] {
		e.pairwise = secret.PairwiseKey(root.Key)
	}
	for _, root := range opened[record.RootAnswers] {
		e.answers = secret.AnswerKey(root.Key)
	}
	for _, root := range opened[record.RootTrips] {
		e.trips = secret.TripKey(root.Key)
	}
	m := &mint.Mint{Issuer: e.policy.Issuer.String(), Ring: &mint.Ring{}, Seen: mint.NewSeen()}
	var err error
	if m.Roots, err = secret.NewRoots(opened[record.RootRefresh]); err != nil {
		return nil, err
	}
	m.Sealed, err = secret.NewAccessRoots(opened[record.RootAccess])
	return m, err
}

// endedRoots are the changes by which the roots of opaque access tokens end along
// with the signing keys, if a turn of those is one in which they do.
func (e *Engine) endedRoots(ctx context.Context, turn decide.KeyTurn, actor string, env decide.Env) ([]record.Change, error) {
	rows, err := e.store.Roots(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading roots: %w", err)
	}
	return decide.EndAccessRoots(decide.RootPlan{
		Roots: rows, Fresh: e.newRoot(lastRoot(rows)+1, record.RootAccess).Root, Turn: turn, Actor: actor,
	}, env), nil
}

// accessRoots opens the roots of opaque access tokens that the database holds now.
func (e *Engine) accessRoots(ctx context.Context) (*secret.AccessRoots, error) {
	rows, err := e.store.Roots(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading roots: %w", err)
	}
	opened, err := unseal(e.kek, rows)
	if err != nil {
		return nil, err
	}
	return secret.NewAccessRoots(opened[record.RootAccess])
}
