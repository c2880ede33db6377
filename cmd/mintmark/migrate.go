package main

import (
	"errors"
	"fmt"
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
	if _, err := os.Stat(c.Database); err != nil {
		return fmt.Errorf("there is no database yet: %w", err)
	}
	s, err := store.Open(i.ctx, store.Options{Path: c.Database, Issuer: c.Issuer})
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
	s, err := openStore(i, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return i.printSteps(s)
}

// openStore opens the database, brings its schema to this release, and refuses
// one that was made for another issuer.
func openStore(i *invocation, c *config.Config) (*store.Store, error) {
	s, err := store.Open(i.ctx, store.Options{Path: c.Database, Issuer: c.Issuer})
	if err != nil {
		return nil, err
	}
	if err := s.Migrate(i.ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	made, err := s.Issuer(i.ctx)
	if err == nil && made != c.Issuer {
		err = fmt.Errorf("the database %s belongs to the issuer %s, and the setting issuer (%s) says %s: set it back, or take another data directory",
			c.Database, made, c.Source("issuer"), c.Issuer)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
