package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// readKEK reads the key-encryption key from where the settings say.
func readKEK(c *config.Config) (secret.KEK, error) {
	text := []byte(c.KEK)
	if c.KEK == "" {
		var err error
		if text, err = os.ReadFile(c.KEKFile); err != nil {
			return secret.KEK{}, fmt.Errorf("reading the key-encryption key: %w", err)
		}
	}
	return secret.ParseKEK(text)
}

// openKEK is readKEK that makes the key of a new server. Where something was sealed
// already, a new key could not open it.
func openKEK(ctx context.Context, c *config.Config, database *store.Store) (secret.KEK, error) {
	key, err := readKEK(c)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	sealed, err := database.Roots(ctx)
	if err != nil {
		return key, fmt.Errorf("reading what was sealed: %w", err)
	}
	if len(sealed) > 0 {
		return key, fmt.Errorf("the key-encryption key %s is missing, and %s was sealed with it: put it back (it is in no backup unless asked for by name)", c.KEKFile, c.DatabaseName())
	}
	_, _ = rand.Read(key[:]) // never fails
	file, err := os.OpenFile(c.KEKFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return key, fmt.Errorf("making the key-encryption key: %w", err)
	}
	_, err = file.WriteString(key.Text() + "\n")
	// It must not be lost to a power cut that the first sealed row survives.
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return key, fmt.Errorf("making the key-encryption key: %w", err)
	}
	return key, nil
}
