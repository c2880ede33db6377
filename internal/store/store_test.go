package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// open makes a new database. It does not wait for the disk unless asked to.
func open(t testing.TB, change ...func(*Options)) *Store {
	t.Helper()
	o := Options{Readers: 4, Unsafe: true}
	newDatabase(t)(&o)
	for _, f := range change {
		f(&o)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// newDatabase is an empty database: two stores that are opened with it share it.
func newDatabase(t testing.TB) func(*Options) {
	t.Helper()
	var at Options
	if onPostgres {
		at.URL = postgresql.Schema(t)
	} else {
		at.Path = filepath.Join(t.TempDir(), "data", "mintmark.db")
	}
	return func(o *Options) { o.Path, o.URL = at.Path, at.URL }
}

// commit commits changes that must take place.
func commit(t testing.TB, s *Store, changes ...record.Change) {
	t.Helper()
	if err := s.Commit(t.Context(), changes); err != nil {
		t.Fatalf("committing %T: %v", changes, err)
	}
}

// conflict commits changes that must not.
func conflict(t testing.TB, s *Store, changes ...record.Change) {
	t.Helper()
	if err := s.Commit(t.Context(), changes); !errors.Is(err, ErrConflict) || errors.Is(err, ErrUnavailable) {
		t.Fatalf("committing %T gave %v, not a conflict", changes, err)
	}
}

func head(t testing.TB, s *Store) record.Head {
	t.Helper()
	h, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// count asks the database itself.
func count(t testing.TB, s *Store, query string, args ...any) int64 {
	t.Helper()
	var n sql.NullInt64
	if err := s.readers.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n.Int64
}

// onWriter runs a statement on the committer's connection.
func onWriter(t testing.TB, s *Store, statement string) {
	t.Helper()
	var err error
	if onPostgres {
		_, err = s.writer.ExecContext(t.Context(), hexBytes.ReplaceAllString(statement, `'\x$1'::bytea`))
	} else {
		_, err = sqliteWriter(t, s).conn.ExecContext(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var hexBytes = regexp.MustCompile(`x'([0-9a-f]*)'`)

func sqliteWriter(t testing.TB, s *Store) *writer {
	t.Helper()
	w, ok := s.committer.Load().writers[0].(*writer)
	if !ok {
		t.Fatal("this is no SQLite")
	}
	return w
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// stoppable is a clock that tests set.
type stoppable struct{ ms atomic.Int64 }

func (c *stoppable) option(o *Options) { o.now = c.ms.Load }

func TestANewDatabaseIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a dir?", "mint%6dark.db")
	s := open(t, func(o *Options) { o.Path = path })
	commit(t, s, record.PutUser{User: record.User{ID: "u"}})
	for name, want := range map[string]os.FileMode{"": 0o700, "mint%6dark.db": 0o600, "mint%6dark.db-wal": 0o600} {
		info, err := os.Stat(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

func TestASchemaThatIsBehindOnlyMigrates(t *testing.T) {
	var o Options
	newDatabase(t)(&o)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Commit(t.Context(), []record.Change{record.ClearCounter{Name: "a"}}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("committing before the migration: %v", err)
	}
	if _, err := s.Head(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("reading before the migration: %v", err)
	}
	for _, step := range must[[]Migration](t)(s.MigrationStatus(t.Context())) {
		if step.Applied {
			t.Errorf("%s is said to be applied", step.Name)
		}
	}
	for range 2 { // the second time there is nothing to do
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	steps := must[[]Migration](t)(s.MigrationStatus(t.Context()))
	if len(steps) == 0 {
		t.Error("there is no schema")
	}
	for _, step := range steps {
		if !step.Applied {
			t.Errorf("%s is not applied", step.Name)
		}
	}
	commit(t, s, record.Spend{KeyHash: []byte("k")})
}

func TestWhatWasCommittedIsThereAfterClosing(t *testing.T) {
	at := newDatabase(t)
	first := open(t, at)
	commit(t, first, record.PutUser{User: record.User{ID: "ana"}})
	before := head(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	var o Options
	at(&o)
	if _, err := os.Stat(o.Path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the write-ahead log is still there: %v", err)
	}
	if err := first.Commit(t.Context(), []record.Change{record.CutAll{}}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("committing to a closed store: %v", err)
	}
	if _, err := first.User(t.Context(), "ana"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("reading a closed store: %v", err)
	}
	second := open(t, at)
	if user := must[*record.User](t)(second.User(t.Context(), "ana")); user == nil {
		t.Error("the user is gone")
	}
	if after := head(t, second); after != before {
		t.Errorf("the head was %+v and is %+v", before, after)
	}
}

func TestANewLogHasANameAndAKeyOfItsOwn(t *testing.T) {
	a, b := head(t, open(t)), head(t, open(t))
	if a.LogID == b.LogID || a.FeedKey == b.FeedKey {
		t.Error("two databases share a log")
	}
	if len(a.LogID) != 16 || a.Seq != 0 || time.Since(time.UnixMilli(a.LC)).Abs() > time.Hour {
		t.Errorf("a new log starts at %+v", a)
	}
	if a.LongestTTL != firstLongestTTL.Milliseconds() {
		t.Errorf("a new log expects tokens of %d ms", a.LongestTTL)
	}
}

// security.md: SQLite runs with synchronous=FULL in WAL mode. Killing the process
// does not show it: the system's cache survives.
func TestACommitWaitsForTheDisk(t *testing.T) {
	s := open(t, func(o *Options) { o.Unsafe = false })
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "5000"} {
		var got string
		if err := sqliteWriter(t, s).conn.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

func TestAFileThatIsNoDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mintmark.db")
	text := []byte(strings.Repeat("these are somebody's notes\n", 100))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("opening it: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, text) {
		t.Errorf("it was changed: %v", err)
	}
}

func TestOldSQLiteIsRefused(t *testing.T) {
	for version, fine := range map[string]bool{"3.53.3": false, "3.9.99": false, "3.53.4": true, "3.60.0": true, "?": false} {
		if got := versionNumber(version) >= versionNumber(oldestSQLite); got != fine {
			t.Errorf("%s: %v", version, got)
		}
	}
}

func TestAReaderWhoGaveUpIsNotServed(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.RefreshState(ctx, "g", "c"); !errors.Is(err, context.Canceled) {
		t.Errorf("reading: %v", err)
	}
	if err := s.Commit(ctx, []record.Change{record.CutAll{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("committing: %v", err)
	}
	if h := head(t, s); h.AllCut != 0 {
		t.Error("the plan was written")
	}
}
