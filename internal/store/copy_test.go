package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// everyPlace makes places of both kinds in which there is nothing.
func everyPlace(t *testing.T) map[string]func() Options {
	t.Helper()
	return map[string]func() Options{
		"SQLite":     func() Options { return Options{Path: filepath.Join(t.TempDir(), "mintmark.db")} },
		"PostgreSQL": func() Options { return Options{URL: postgresql.Schema(t)} },
	}
}

// full makes a database in which each table has rows, and values that are hard to
// carry: NULL, bytes of every value, text beyond ASCII, none at all.
func full(t *testing.T, at Options) {
	t.Helper()
	at.Unsafe, at.Issuer, at.now = true, "https://id.example.com", func() int64 { return noon }
	s, err := Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	u := ana()
	u.ID, u.Claims = "bo", []byte(`{"name":"Bø \u0007 \"'\\ 漢"}`)
	commit(t, s, record.PutUser{User: ana()}, record.PutUser{User: u}, record.PutClient{Client: app()}, record.PutSession{Session: session()},
		record.PutGrant{Grant: grant(), SessionID: "sid"}, record.PutCode{Code: code()},
		record.PutRoot{Root: record.SealedRoot{KeyID: 77, Use: "a test", Sealed: every, MadeAt: noon}},
		record.Append{Target: revocation.ForSub("ana"), At: noon}, record.Audit{ID: "not merged"}, record.Audit{ID: "merged", Key: "m"})
	tables, err := s.tables(t.Context())
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	db := bare(t, at)
	fillTheRest(t, db, tables)
	if err := db.Close(); err != nil { // or it would stand in a copy's way
		t.Fatal(err)
	}
}

// bare is the database itself.
func bare(t *testing.T, at Options) *sql.DB {
	t.Helper()
	open := func() (*sql.DB, error) { return openFile(at.Path) }
	if at.URL != "" {
		open = func() (*sql.DB, error) { return sql.Open("pgx", at.URL) }
	}
	db, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// fillTheRest puts a row of anything into each table that has none.
func fillTheRest(t *testing.T, db *sql.DB, tables []string) {
	t.Helper()
	types := map[string]any{"TEXT": "some text", "BYTEA": []byte("some bytes"), "BIGINT": int64(1), "INTEGER": int64(1), "INT8": int64(1), "INT4": int64(1)}
	for _, table := range tables {
		var rows int64
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows > 0 {
			continue
		}
		var places []string
		var values []any
		for _, column := range columnTypes(t, db, table) {
			places, values = append(places, fmt.Sprint("$", len(values)+1)), append(values, types[column])
		}
		if _, err := db.ExecContext(t.Context(), `INSERT INTO `+table+` VALUES (`+strings.Join(places, ", ")+`)`, values...); err != nil {
			t.Fatal(err)
		}
	}
}

func columnTypes(t *testing.T, db *sql.DB, table string) (types []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table) //nolint:unqueryvet // whatever it has
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err = errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	for _, column := range columns {
		types = append(types, column.DatabaseTypeName())
	}
	return types
}

// copyAll copies and gives what the tables had.
func copyAll(t *testing.T, from, to Options) []CopiedTable {
	t.Helper()
	o, err := OpenOriginal(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	copied, err := o.CopyInto(t.Context(), to, func(string, int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestACopyHasEveryRowBetweenAllPlacesOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for one, place := range everyPlace(t) {
		for other, next := range everyPlace(t) {
			t.Run(one+" to "+other+" and back", func(t *testing.T) {
				first, second, third := place(), next(), place()
				full(t, first)
				there, back := copyAll(t, first, second), copyAll(t, second, third)
				if !slices.Equal(there, back) {
					t.Errorf("there it has\n%v\nand back\n%v", there, back)
				}
				for _, table := range there {
					if table.Rows == 0 {
						t.Errorf("%s is empty, so that this proves nothing of it", table.Name)
					}
				}
				before, after := reopened(t, first), reopened(t, third)
				if head(t, before) != head(t, after) || head(t, before).Seq == 0 {
					t.Errorf("the log was at %+v and is at %+v", head(t, before), head(t, after))
				}
				commit(t, after, record.Append{Target: revocation.ForSub("cy"), At: noon}) // it goes on
			})
		}
	}
}

func reopened(t *testing.T, at Options) *Store {
	t.Helper()
	at.now = func() int64 { return noon }
	s, err := Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// What runs is not copied, and goes on; what is copied does not start.
func TestACopyKeepsServersAwayOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, place := range everyPlace(t) {
		t.Run(name, func(t *testing.T) {
			at := place()
			full(t, at)
			running, err := Open(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := OpenOriginal(t.Context(), at); !errors.Is(err, errInUse) {
				t.Errorf("of one that runs it says: %v", err)
			}
			commit(t, running, record.Audit{ID: "it goes on"})
			if err := running.Close(); err != nil {
				t.Fatal(err)
			}
			o, err := OpenOriginal(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := Open(t.Context(), at); err == nil {
				t.Errorf("a server starts on what is being copied: %v", s.Close())
			} else if at.URL != "" && !errors.Is(err, errCopied) {
				t.Errorf("it says: %v", err)
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			commit(t, reopened(t, at), record.Audit{ID: "it may again"})
		})
	}
}

// A server behind a pooler is seen too: it holds nothing, but it polls.
func TestACopySeesAServerBehindAPoolerOnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := postgresql.New(t)
	at := Options{URL: server.Pooler(t)}
	full(t, at)
	running, err := Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenOriginal(t.Context(), at); !errors.Is(err, errInUse) {
		t.Errorf("it says: %v", err)
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	copyAll(t, at, Options{Path: filepath.Join(t.TempDir(), "mintmark.db")})
}

func TestNothingIsCopiedOverAnythingOnPostgreSQL(t *testing.T) {
	t.Parallel()
	from := Options{Path: filepath.Join(t.TempDir(), "mintmark.db")}
	full(t, from)
	o, err := OpenOriginal(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	file, wal := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
	if err := errors.Join(os.WriteFile(file, []byte("something"), 0o600), os.WriteFile(wal+"-wal", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	server := postgresql.New(t)
	another, foreign := server.Schema(t), server.Schema(t)
	full(t, Options{URL: another})
	server.Exec(t, `CREATE TABLE `+foreign[strings.LastIndex(foreign, "=")+1:]+`.orders (id TEXT)`)
	for name, c := range map[string]struct {
		to   Options
		want error
		says string
	}{
		"a file":            {Options{Path: file}, errTaken, "a.db is there"},
		"a log of one":      {Options{Path: wal}, errTaken, "b.db-wal is there"},
		"an issuer's":       {Options{URL: another}, errTaken, "of the issuer https://id.example.com"},
		"another product's": {Options{URL: foreign}, errForeign, "orders"},
		"a standby":         {Options{URL: server.URL("options=-cdefault_transaction_read_only%3Don")}, errStandby, "name the primary"},
		"nobody":            {Options{URL: server.URL("port=1")}, nil, "start the server"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := o.CopyInto(t.Context(), c.to, func(string, int64, int64) { t.Error("a row was copied") })
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says: %v", err)
			}
		})
	}
}

func TestOnlyASchemaOfThisReleaseIsCopiedOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, place := range everyPlace(t) {
		for step, c := range map[string]struct {
			change string
			want   error
		}{
			"older": {`DELETE FROM goose_db_version WHERE version_id > 1`, errOldSchema},
			"newer": {`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`, errNewSchema},
			"none":  {`ALTER TABLE revlog_head RENAME TO something`, errNoneHere},
		} {
			t.Run(name+" "+step, func(t *testing.T) {
				at := place()
				full(t, at)
				db := bare(t, at)
				if _, err := db.ExecContext(t.Context(), c.change); err != nil {
					t.Fatal(err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := OpenOriginal(t.Context(), at); !errors.Is(err, c.want) {
					t.Errorf("it says: %v", err)
				}
			})
		}
	}
	if _, err := OpenOriginal(t.Context(), Options{Path: filepath.Join(t.TempDir(), "none.db")}); !errors.Is(err, errNoneHere) {
		t.Errorf("of no file it says: %v", err)
	}
}

// Whenever a copy ends before its end, nothing is there, the original is as it was,
// and the next one works.
func TestACopyThatIsInterruptedLeavesNothingOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for name, place := range everyPlace(t) {
		t.Run(name, func(t *testing.T) {
			from, to := Options{Path: filepath.Join(t.TempDir(), "mintmark.db")}, place()
			full(t, from)
			clean := copyAll(t, from, place())
			for n := range clean {
				o, err := OpenOriginal(t.Context(), from)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				tables := 0
				_, err = o.CopyInto(ctx, to, func(string, int64, int64) {
					if tables++; tables > n {
						cancel()
					}
				})
				cancel()
				if err = errors.Join(err, o.Close()); err == nil {
					t.Fatal("it went on")
				}
				nothingAt(t, to)
			}
			if again := copyAll(t, from, to); !slices.Equal(again, clean) {
				t.Errorf("the next has\n%v\nnot\n%v", again, clean)
			}
		})
	}
}

func nothingAt(t *testing.T, at Options) {
	t.Helper()
	if at.URL == "" {
		if left, err := filepath.Glob(at.Path + "*"); err != nil || len(left) > 0 {
			t.Errorf("there are %v, %v", left, err)
		}
		return
	}
	s, err := Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := s.tables(t.Context())
	if err = errors.Join(err, s.Close()); err != nil || len(tables) > 0 {
		t.Errorf("there are %v, %v", tables, err)
	}
}

// A copy that was killed leaves a file beside the place: the next one takes it away,
// unless it is still being written.
func TestWhatAKilledCopyLeftIsTakenAway(t *testing.T) {
	t.Parallel()
	from, to := Options{Path: filepath.Join(t.TempDir(), "mintmark.db")}, Options{Path: filepath.Join(t.TempDir(), "copy.db")}
	full(t, from)
	other, err := blankSQLite(t.Context(), to.Path)
	if err != nil {
		t.Fatal(err)
	}
	o, err := OpenOriginal(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.CopyInto(t.Context(), to, func(string, int64, int64) {}); err == nil || !strings.Contains(err.Error(), "another copy") {
		t.Errorf("beside another it says: %v", err)
	}
	if err := errors.Join(o.Close(), other.Close(), os.WriteFile(to.Path+".copying", []byte("half of something"), 0o600)); err != nil {
		t.Fatal(err)
	}
	copyAll(t, from, to)
}

// The sum is of the rows, whatever their order, and of every byte of them.
func TestATallyTellsTablesApart(t *testing.T) {
	rows := [][]any{
		{int64(1), "a", []byte("b"), nil},
		{int64(2), "a", []byte("b"), nil},
		{int64(1), "ab", []byte(""), nil},
		{int64(1), "a", []byte("b"), ""},
		{int64(1), []byte("a"), []byte("b"), nil},
		{int64(-1), "", []byte{0}, nil},
	}
	sum := func(rows ...[]any) string {
		var all tally
		for _, row := range rows {
			all.add(row)
		}
		return fmt.Sprint(all.rows, all.hex())
	}
	backwards := slices.Clone(rows)
	slices.Reverse(backwards)
	if sum(rows...) != sum(backwards...) {
		t.Error("the order counts")
	}
	seen := map[string]bool{sum(): true}
	for i := range rows {
		seen[sum(rows[i])] = true
		seen[sum(rows[:i+1]...)] = true
		seen[sum(rows[i], rows[i])] = true
	}
	if len(seen) != 3*len(rows) {
		t.Errorf("%d of %d are told apart", len(seen), 3*len(rows))
	}
}
