package nodes_test

import (
	"errors"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/test/server"
)

const (
	here      = "http://localhost:8484"
	elsewhere = "http://localhost:9494"
	// refusedWithin is what a server may take that finds nobody: two times to connect.
	refusedWithin = 15 * time.Second
)

// contents are all rows of a schema, by table, and its tables.
func contents(t *testing.T, at string) (all []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var text string
		err := conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(CAST(t AS TEXT), ';' ORDER BY CAST(t AS TEXT)), '') FROM `+table+` t`).Scan(&text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, table+": "+text)
	}
	return all
}

// refusal starts a server that must not start, and gives what it says. Nothing in the
// schema may change by it.
func refusal(t *testing.T, schema, at, issuer, kek string) string {
	t.Helper()
	before := contents(t, schema)
	serve := exec.CommandContext(t.Context(), server.Binary(), "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0",
		"--issuer", issuer, "--database", at, "--kek-file", kek)
	serve.Dir = t.TempDir()
	serve.Env = []string{"HOME=" + serve.Dir}
	began := time.Now()
	said, err := serve.CombinedOutput()
	exit, ended := errors.AsType[*exec.ExitError](err)
	if !ended || exit.ExitCode() != 1 {
		t.Errorf("it ends with %v", err)
	}
	if took := time.Since(began); took > refusedWithin {
		t.Errorf("it took %s", took)
	}
	if after := contents(t, schema); !slices.Equal(before, after) {
		t.Errorf("the database was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	return string(said)
}

// A server that cannot use a database says why and what to do, at the start, and
// changes nothing there.
func TestADatabaseThatWillNotDoIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	database := postgresql.New(t)
	kek, otherKEK := writeKEK(t), writeKEK(t)
	ours, old, foreign, newer := database.Schema(t), database.Schema(t), database.Schema(t), database.Schema(t)
	name := func(at string) string { return at[strings.LastIndex(at, "=")+1:] }
	for _, at := range []string{ours, newer} {
		p, err := server.Launch(t.Context(), server.Binary(), t.TempDir(), "--issuer", here, "--database", at, "--kek-file", kek)
		if err = errors.Join(err, p.Stop()); err != nil {
			t.Fatal(err)
		}
	}
	database.Exec(t,
		// What a server says of its age is asked for by this name, which is looked up here first.
		`CREATE FUNCTION `+name(old)+`.current_setting(TEXT) RETURNS TEXT LANGUAGE SQL AS $$ SELECT '140012' $$`,
		`CREATE TABLE `+name(foreign)+`.orders (id TEXT); INSERT INTO `+name(foreign)+`.orders VALUES ('one')`,
		`INSERT INTO `+name(newer)+`.schema_floor (one, step) VALUES (1, 99999)`,
		`INSERT INTO `+name(newer)+`.goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	for what, c := range map[string]struct {
		schema, at, issuer, kek string
		says                    []string
	}{
		"unreachable":       {ours, database.URL("port=1&search_path=" + name(ours)), here, kek, []string{"start the server, or correct the setting database"}},
		"silent":            {ours, "postgres://mintmark@192.0.2.1/postgres?connect_timeout=2", here, kek, []string{"start the server, or correct the setting database"}},
		"too old":           {old, database.URL("search_path=" + url.QueryEscape(name(old)+",pg_catalog")), here, kek, []string{"it is version 14.12", "upgrade the server"}},
		"read-only":         {ours, ours + "&options=-cdefault_transaction_read_only%3Don", here, kek, []string{"read-only", "name the primary"}},
		"another issuer's":  {ours, ours, elsewhere, kek, []string{"belongs to the issuer " + here, "says " + elsewhere, "set it back, or take another database"}},
		"another product's": {foreign, foreign, here, kek, []string{"tables of something else", "orders", "give Mintmark a database of its own"}},
		"a later release's": {newer, newer, here, kek, []string{"of a later release", "step 99999", "start that release, or a later one"}},
		"another key's":     {ours, ours, here, otherKEK, []string{"sealed under another key-encryption key than " + otherKEK, "put back the one that it was made with"}},
	} {
		t.Run(what, func(t *testing.T) {
			said := refusal(t, c.schema, c.at, c.issuer, c.kek)
			for _, part := range c.says {
				if !strings.Contains(said, part) {
					t.Errorf("it does not say %q:\n%s", part, said)
				}
			}
		})
	}
	p, err := server.Launch(t.Context(), server.Binary(), t.TempDir(), "--issuer", here, "--database", ours, "--kek-file", kek)
	if err = errors.Join(err, p.Stop()); err != nil {
		t.Errorf("one of ours is not taken afterwards: %v", err)
	}
}

// Two issuers that start at once on one empty database: it is made for one, and the
// other is refused.
func TestOfTwoIssuersThatStartOnOneDatabaseOneGetsIt(t *testing.T) {
	t.Parallel()
	database := postgresql.New(t)
	kek := writeKEK(t)
	for round := range 3 {
		at := database.Schema(t)
		outcome := make(chan error, 2)
		for _, issuer := range []string{here, elsewhere} {
			go func() {
				p, err := server.Launch(t.Context(), server.Binary(), t.TempDir(), "--issuer", issuer, "--database", at, "--kek-file", kek)
				if err == nil {
					err = errors.Join(p.Stop(), errServed)
				}
				outcome <- err
			}()
		}
		one, other := <-outcome, <-outcome
		if errors.Is(other, errServed) {
			one, other = other, one
		}
		if !errors.Is(one, errServed) || other == nil || !strings.Contains(other.Error(), "belongs to the issuer") {
			t.Errorf("round %d: %v, and %v", round, one, other)
		}
	}
}

var errServed = errors.New("it served")
