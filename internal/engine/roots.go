package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// openRoots opens the sealed roots, making them in a new database.
func (e *Engine) openRoots(ctx context.Context) (*secret.Roots, error) {
	for range maxAttempts {
		rows, err := e.store.Roots(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading roots: %w", err)
		}
		if len(rows) > 0 {
			return e.unseal(rows)
		}
		// The rows are one plan, and its guard is that no root has these ids: of two
		// nodes that start on one new database, one makes them and both read them.
		err = e.store.Commit(ctx, []record.Change{
			e.newRoot(1, record.RootRefresh), e.newRoot(2, record.RootReference), e.newRoot(3, record.RootForms),
		})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, fmt.Errorf("making roots: %w", err)
		}
	}
	return nil, errors.New("making roots: another process keeps changing them")
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

func (e *Engine) unseal(rows []record.SealedRoot) (*secret.Roots, error) {
	var roots []secret.Root
	for _, row := range rows {
		plain, err := e.kek.Open(rootPurpose(row.KeyID, row.Use), row.Sealed)
		if err != nil {
			return nil, fmt.Errorf("opening root %d with key-encryption key %s: %w", row.KeyID, e.kek.ID(), err)
		}
		switch row.Use {
		case record.RootReference:
			e.reference = secret.ReferenceKey(plain)
		case record.RootForms:
			e.formKey = plain
		case record.RootRefresh:
			roots = append(roots, secret.Root{KeyID: uint32(row.KeyID), Key: [32]byte(plain)})
		}
	}
	return secret.NewRoots(roots)
}
