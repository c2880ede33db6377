package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mintmark-id/mintmark/internal/backup"
	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/store"
)

type backupCommand struct {
	File    string   `arg:"" help:"The backup to make; it must not be there yet."`
	To      []string `placeholder:"KEY" help:"Encrypt to these age keys (age1...): only who has the identity can restore it."`
	WithKEK bool     `name:"with-kek" help:"Put the key-encryption key in too. It needs --to: with the database it is the whole server."`

	settingsGiven
}

// errPostgresBackup refuses what PostgreSQL does better by itself.
var errPostgresBackup = usagef("the database is a PostgreSQL server's: back it up and restore it with its own tools (pg_dump, or continuous archiving); see docs/operations.md")

// Run makes a copy of one moment, while the server goes on, and checks it.
func (c *backupCommand) Run(i *invocation) error {
	recipients, err := backup.Recipients(c.To)
	if err != nil {
		return usageError{err}
	}
	if c.WithKEK && len(recipients) == 0 {
		return usagef("--with-kek: a backup with the key-encryption key must be encrypted, with --to")
	}
	settings, err := i.effective()
	if err != nil {
		return err
	}
	if settings.OnPostgres() {
		return errPostgresBackup
	}
	source := backup.Source{}
	if c.WithKEK {
		key, err := readKEK(settings)
		if err != nil {
			return err
		}
		source.KEK = []byte(key.Text() + "\n")
	}
	copied, remove, err := copyDatabase(i.ctx, settings, &source)
	if err != nil {
		return err
	}
	defer remove()
	source.Database = copied
	var m backup.Manifest
	err = create(c.File, func(to *os.File) (err error) {
		m, err = backup.Write(to, source, recipients)
		return err
	})
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(m)
	}
	return i.done("Backed up %s to %s: %d bytes, %d rows, the log at %d, SHA-256 %s. The key-encryption key is %s.",
		settings.Database, c.File, m.Bytes, total(m.Rows), m.LogSeq, m.SHA256, map[bool]string{true: "in it", false: "not in it"}[m.KEK])
}

// copyDatabase makes a copy beside the database, where it is no safer and no less
// safe, and says what it has.
func copyDatabase(ctx context.Context, c *config.Config, source *backup.Source) (_ *os.File, remove func(), err error) {
	if _, err := os.Stat(c.Database); err != nil {
		return nil, nil, fmt.Errorf("there is no database to back up: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(c.Database), ".backup-*") // for its owner alone
	if err != nil {
		return nil, nil, fmt.Errorf("making room for a copy: %w", err)
	}
	remove = func() { _ = errors.Join(file.Close(), os.Remove(file.Name())) } // nothing more can be done
	defer func() {
		if err != nil {
			remove()
		}
	}()
	has, err := store.BackUp(ctx, c.Database, file.Name())
	if err != nil {
		return nil, nil, err
	}
	source.Manifest = backup.Manifest{
		MadeAt: time.Now().UTC().Truncate(time.Second), Version: release, Issuer: has.Issuer, LogID: string(has.LogID), LogSeq: has.Seq,
		Schema: has.Schema, Rows: has.Rows,
	}
	return file, remove, nil
}

// create makes a file for its owner alone, all of it or nothing, and never over
// one that is there.
func create(path string, write func(*os.File) error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func total(rows map[string]int64) (n int64) {
	for _, count := range rows {
		n += count
	}
	return n
}
