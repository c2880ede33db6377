package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/store"
)

type migrateCommand struct {
	Status migrateStatus `cmd:"" help:"List the steps of the schema, and which of them the database has."`
	Up     migrateUp     `cmd:"" help:"Bring the database's schema to this release. serve does it too."`
}

// step is what --json prints, one on a line.
type step struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	Applied bool   `json:"applied"`
}

type migrateStatus struct{ settingsGiven }

// Run makes no database where there is none.
func (*migrateStatus) Run(i *invocation) (err error) {
	c, err := i.effective()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Database); err != nil && !c.OnPostgres() {
		return fmt.Errorf("there is no database yet: %w", err)
	}
	s, err := store.Open(i.ctx, storeOptions(c, nil))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return i.printSteps(s)
}

func (i *invocation) printSteps(s *store.Store) error {
	steps, err := s.MigrationStatus(i.ctx)
	if err != nil {
		return err
	}
	return printList(i, func(yield func(step, error) bool) {
		for _, m := range steps {
			if !yield(step{m.Version, m.Name, m.Applied}, nil) {
				return
			}
		}
	}, "VERSION NAME APPLIED", func(s step) []string {
		return []string{fmt.Sprint(s.Version), s.Name, yesNo(s.Applied)}
	})
}

type migrateUp struct{ settingsGiven }

func (*migrateUp) Run(i *invocation) (err error) {
	c, err := i.effective()
	if err != nil {
		return err
	}
	s, err := openStore(i, c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return i.printSteps(s)
}

// storeOptions say which database the settings name.
func storeOptions(c *config.Config, log *slog.Logger) store.Options {
	o := store.Options{Path: c.Database, Issuer: c.Issuer, Log: log}
	if c.OnPostgres() {
		o.Path, o.URL = "", c.Database
	}
	return o
}

// openStore opens the database, refuses one that was made for another issuer, and
// brings its schema to this release.
func openStore(i *invocation, c *config.Config, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(i.ctx, storeOptions(c, log))
	if err != nil {
		return nil, err
	}
	if err = belongsTo(i, s, c); err == nil {
		err = s.Migrate(i.ctx)
	}
	if err == nil {
		err = belongsTo(i, s, c) // somebody else may have made it meanwhile
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// belongsTo refuses a database of another issuer. One that is not made yet is
// nobody's.
func belongsTo(i *invocation, s *store.Store, c *config.Config) error {
	made, err := s.Issuer(i.ctx)
	if err == nil && made != "" && made != c.Issuer {
		err = fmt.Errorf("the database %s belongs to the issuer %s, and the setting issuer (%s) says %s: set it back, or take another database",
			c.DatabaseName(), made, c.Source("issuer"), c.Issuer)
	}
	return err
}
