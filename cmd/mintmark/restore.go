package main

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/backup"
	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

type restoreCommand struct {
	File     string `arg:"" help:"The backup to put back."`
	Identity string `placeholder:"FILE" help:"The age identity that an encrypted backup is for."`
	Yes      bool   `help:"Do not ask: everyone will have to sign in again."`

	settingsGiven
}

// whatRestoringDoes is said before it starts.
const whatRestoringDoes = `Restoring %s, made %s:
  - Everyone signs in again: all sessions, grants and tokens end, also those that were given out since.
  - What was revoked since the backup does not come back to life.
  - The signing keys are replaced, and the revocation log begins anew: verifiers follow by themselves.
  - What was changed since is lost: users, passwords, clients and their secrets, and who was disabled.
`

// Run puts a backup back where no database is, and makes the cut that lets nothing
// of before live on.
func (c *restoreCommand) Run(i *invocation) error {
	settings, err := i.effective()
	if err != nil {
		return err
	}
	if settings.OnPostgres() {
		return errPostgresBackup
	}
	if err := nothingThere(i, settings); err != nil {
		return err
	}
	archive, closer, err := c.open()
	if err != nil {
		return err
	}
	defer closer()
	m := &archive.Manifest
	if err := fits(m, settings); err != nil {
		return err
	}
	key, err := keyFor(archive, settings)
	if err != nil {
		return err
	}
	if err := c.confirm(i, m); err != nil {
		return err
	}
	if err := os.MkdirAll(settings.Data, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if err := putBack(i, settings, archive, key); err != nil {
		return fmt.Errorf("restoring: %w; nothing was put in the place of the database", err)
	}
	if i.json {
		return i.printJSON(m)
	}
	return i.done("Restored %s: %d rows, as the backup had them. Everyone signs in again. Start the server with mintmark serve.",
		settings.Database, total(m.Rows))
}

// nothingThere refuses to restore over anything.
func nothingThere(i *invocation, c *config.Config) error {
	for _, path := range []string{c.Database, c.Database + "-wal"} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is there: nothing is restored over a database; move it away, or name another data directory", path)
		}
	}
	return notServed(i, c)
}

// notServed refuses a data directory on which a server runs.
func notServed(i *invocation, c *config.Config) error {
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(i.ctx, "unix", c.Socket()); err == nil {
		return errors.Join(fmt.Errorf("a server runs on this data directory: it answers at %s", c.Socket()), conn.Close())
	}
	return nil
}

func (c *restoreCommand) open() (*backup.Archive, func(), error) {
	file, err := os.Open(c.File)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("reading the backup: %w", err)}
	}
	closer := func() { _ = file.Close() } // it was only read
	archive, err := c.read(file)
	if err != nil {
		closer()
		return nil, nil, err
	}
	return archive, closer, nil
}

func (c *restoreCommand) read(file *os.File) (*backup.Archive, error) {
	if c.Identity == "" {
		return backup.Open(file, nil)
	}
	from, err := os.Open(c.Identity)
	if err != nil {
		return nil, usageError{fmt.Errorf("reading the identity: %w", err)}
	}
	identities, err := backup.Identities(from)
	if err = errors.Join(err, from.Close()); err != nil {
		return nil, usageError{err}
	}
	return backup.Open(file, identities)
}

// fits refuses a backup of another issuer, or of a schema that this release does
// not know.
func fits(m *backup.Manifest, c *config.Config) error {
	if m.Issuer != c.Issuer {
		return fmt.Errorf("the backup belongs to the issuer %s, and the setting issuer (%s) says %s: set it to the backup's", m.Issuer, c.Source("issuer"), c.Issuer)
	}
	latest, err := store.LatestSchema()
	if err == nil && m.Schema > latest {
		err = fmt.Errorf("the backup has the schema %d, and this release knows %d: use the release that made it, %s", m.Schema, latest, m.Version)
	}
	return err
}

// keyFor is the key-encryption key of the backup, or of the settings.
func keyFor(a *backup.Archive, c *config.Config) (secret.KEK, error) {
	key, err := readKEK(c)
	if a.KEK == nil {
		if err != nil {
			return key, fmt.Errorf("%w: the backup does not have the key-encryption key; put it there first", err)
		}
		return key, nil
	}
	theirs, wrong := secret.ParseKEK(a.KEK)
	switch {
	case wrong != nil:
		return key, fmt.Errorf("the backup's key-encryption key: %w", wrong)
	case err == nil && key != theirs:
		return key, fmt.Errorf("the backup's key-encryption key is another than that of %s: take yours away, or a backup without one", kekSource(c))
	}
	return theirs, nil
}

// confirm says what will happen, and asks for a word.
func (c *restoreCommand) confirm(i *invocation, m *backup.Manifest) error {
	if _, err := fmt.Fprintf(i.err, whatRestoringDoes, c.File, m.MadeAt.Format(time.DateTime+" UTC")); err != nil {
		return err
	}
	if c.Yes {
		return nil
	}
	if _, err := fmt.Fprint(i.err, "Write restore to go on: "); err != nil {
		return err
	}
	line, _ := bufio.NewReader(i.in).ReadString('\n') // what is missing is no yes
	if strings.TrimSpace(line) != "restore" {
		return usagef("nothing was restored: answer restore, or give --yes")
	}
	return nil
}

// putBack writes the database beside its place, compares it with the manifest,
// makes the cut, and only then puts it there.
func putBack(i *invocation, c *config.Config, a *backup.Archive, key secret.KEK) (err error) {
	beside := *c
	beside.Database = c.Database + ".restoring"
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(beside.Database))
		}
	}()
	if err := create(beside.Database, func(to *os.File) error { return a.Extract(to) }); err != nil {
		return err
	}
	has, err := store.TakeInventory(i.ctx, beside.Database)
	if err != nil {
		return err
	}
	m := &a.Manifest
	if !maps.Equal(has.Rows, m.Rows) || has.Issuer != m.Issuer || string(has.LogID) != m.LogID || has.Seq != m.LogSeq || has.Schema != m.Schema {
		return errors.New("the backup is damaged: its database has not what its manifest says")
	}
	if err := cut(i, &beside, a, key); err != nil {
		return err
	}
	if _, err := os.Lstat(c.KEKFile); a.KEK != nil && c.KEK == "" && os.IsNotExist(err) {
		if err := create(c.KEKFile, func(to *os.File) error { _, err := to.WriteString(key.Text() + "\n"); return err }); err != nil {
			return err
		}
	}
	if err := os.Link(beside.Database, c.Database); err != nil { // never over one that came meanwhile
		return fmt.Errorf("putting the database in its place: %w", err)
	}
	return os.Remove(beside.Database)
}

// cut opens the database as a server would, and ends all that was given out.
func cut(i *invocation, c *config.Config, a *backup.Archive, key secret.KEK) (err error) {
	silent := slog.New(slog.DiscardHandler)
	database, err := openStore(i, c, silent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	s := &server{config: c, log: silent, store: database}
	opened, err := s.newEngine(i.ctx, key)
	if errors.Is(err, secret.ErrOtherKEK) {
		return fmt.Errorf("the backup was sealed under another key-encryption key than %s: %w", kekSource(c), err)
	}
	if err != nil {
		return err
	}
	defer opened.Close()
	return opened.Restored(i.ctx, "a backup of "+a.Manifest.MadeAt.Format(time.RFC3339))
}

func removeAll(database string) error {
	var errs []error
	for _, path := range []string{database, database + "-wal", database + "-shm"} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
