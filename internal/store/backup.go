package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Inventory is what a database has, so that a copy of it can be compared.
type Inventory struct {
	Issuer string
	LogID  revocation.LogID
	Seq    int64
	Schema int64            // number of the last step
	Rows   map[string]int64 // by table
}

// BackUp copies a database into a file that is not there yet, as of one moment,
// while a server may go on with it, and takes the copy's inventory.
func BackUp(ctx context.Context, path, into string) (Inventory, error) {
	db, err := openFile(path)
	if err != nil {
		return Inventory{}, unavailable("opening "+path, err)
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, into)
	if err := errors.Join(err, db.Close()); err != nil {
		return Inventory{}, unavailable("copying "+path, err)
	}
	return TakeInventory(ctx, into)
}

// TakeInventory checks a database file from end to end, and counts what it has.
// Nobody else may have it open.
func TakeInventory(ctx context.Context, path string) (i Inventory, err error) {
	db, err := openFile(path, "query_only(1)")
	if err != nil {
		return Inventory{}, unavailable("opening "+path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var sound string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&sound); err != nil {
		return Inventory{}, unavailable("checking "+path, err)
	}
	if sound != "ok" {
		return Inventory{}, unavailable("checking "+path, errors.New(sound))
	}
	if err := i.read(ctx, db); err != nil {
		return Inventory{}, unavailable("counting the rows of "+path, err)
	}
	return i, nil
}

const (
	lastMigration = `SELECT max(version_id) FROM goose_db_version WHERE is_applied = 1`
	whichLog      = `SELECT issuer, log_id, seq FROM revlog_head WHERE one = 1`
	everyTable    = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
)

func (i *Inventory) read(ctx context.Context, db *sql.DB) error {
	if err := db.QueryRowContext(ctx, lastMigration).Scan(&i.Schema); err != nil {
		return fmt.Errorf("it is no database of Mintmark's: %w", err)
	}
	if err := db.QueryRowContext(ctx, whichLog).Scan(&i.Issuer, (*string)(&i.LogID), &i.Seq); err != nil {
		return fmt.Errorf("it has no revocation log: %w", err)
	}
	tables, err := names(ctx, db)
	if err != nil {
		return err
	}
	i.Rows = map[string]int64{}
	for _, table := range tables {
		var n int64
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM "`+strings.ReplaceAll(table, `"`, `""`)+`"`).Scan(&n); err != nil {
			return err
		}
		i.Rows[table] = n
	}
	return nil
}

func names(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, everyTable)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what there is to tell
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// LatestSchema is the number of the last step that this release knows.
func LatestSchema() (int64, error) {
	steps, err := migrations.ReadDir("migrations")
	if err != nil {
		return 0, err
	}
	var last int64
	for _, step := range steps {
		var n int64
		if _, err := fmt.Sscanf(step.Name(), "%d_", &n); err != nil {
			return 0, fmt.Errorf("reading the migrations: %w", err)
		}
		last = max(last, n)
	}
	return last, nil
}
