package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// onPostgreSQL puts a store on a database that is there.
func onPostgreSQL(url string) func(*Options) {
	return func(o *Options) { o.Path, o.URL = "", url }
}

// openOnly opens a database without migrating it, to see whether it is taken.
func openOnly(t *testing.T, o Options) error {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(t.Context()), s.Close())
}

func TestADatabaseThatWillNotDoIsRefusedUntouchedOnPostgreSQL(t *testing.T) {
	server := postgresql.New(t)
	taken, foreign, goosed, newer := server.Schema(t), server.Schema(t), server.Schema(t), server.Schema(t)
	in := func(url, statement string) {
		t.Helper()
		server.Exec(t, `SET search_path = `+url[strings.LastIndex(url, "=")+1:]+`; `+statement)
	}
	open(t, onPostgreSQL(taken))
	in(foreign, `CREATE TABLE orders (id TEXT)`)
	in(goosed, `CREATE TABLE goose_db_version (id TEXT); CREATE TABLE orders (id TEXT)`)
	open(t, onPostgreSQL(newer))
	in(newer, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true); INSERT INTO schema_floor (one, step) VALUES (1, 99999)`)
	for name, c := range map[string]struct {
		url  string
		want error
		says string
	}{
		"nobody there":           {server.URL("port=1"), nil, "start the server, or correct"},
		"no address":             {"postgres://%zz", nil, "address of the database"},
		"a wrong name":           {strings.Replace(server.URL(""), "/postgres?", "/nobodys?", 1), nil, "nobodys"},
		"a standby":              {server.URL("options=-cdefault_transaction_read_only%3Don"), errStandby, "name the primary"},
		"another product's":      {foreign, errForeign, "orders"},
		"another product's, too": {goosed, errForeign, "orders"},
		"a later release's":      {newer, errNewer, "99999"},
	} {
		t.Run(name, func(t *testing.T) {
			err := openOnly(t, Options{URL: c.url})
			if !errors.Is(err, c.want) && c.want != nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says: %v", err)
			}
		})
	}
	if err := openOnly(t, Options{URL: taken}); err != nil {
		t.Errorf("one of ours: %v", err)
	}
	server.Exec(t, `DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_tables WHERE tablename = 'revlog_head' AND schemaname IN ('`+
		foreign[strings.LastIndex(foreign, "=")+1:]+`', '`+goosed[strings.LastIndex(goosed, "=")+1:]+`')) THEN RAISE 'touched'; END IF; END $$`)
}

// With TLS preferred, a host is also among what is tried next, without it.
func TestSeveralHostsAreToldFromOne(t *testing.T) {
	for address, several := range map[string]bool{
		"postgres://mintmark@db/x":                     false,
		"postgres://mintmark@db/x?sslmode=disable":     false,
		"postgres://mintmark@db,db2/x":                 true,
		"postgres://mintmark@db:1,db:2/x":              true,
		"postgres://mintmark@db,db2/x?sslmode=disable": true,
		"host=/var/run/postgresql user=mintmark":       false,
	} {
		config := must[*pgx.ConnConfig](t)(pgx.ParseConfig(address))
		if got := severalHosts(&config.Config); got != several {
			t.Errorf("%s: several hosts: %v", address, got)
		}
	}
}

func TestOldServersAreRefusedOnPostgreSQL(t *testing.T) {
	for version, fine := range map[int64]bool{140012: false, 90624: false, 150000: true, 170002: true} {
		if err := checkServer(version); (err == nil) != fine {
			t.Errorf("%d: %v", version, err)
		}
	}
}

// bigTablesOfPostgres is bigTables in the words of PostgreSQL.
var bigTablesOfPostgres = regexp.MustCompile(`Seq Scan on (users|identifiers|factors|sessions|grants|consents|codes|` +
	`interactions|spent|counters|audit|revlog|client_secrets)\b`)

// Every statement is one text for both databases: each prepares on PostgreSQL too,
// and finds its rows by an index there.
func TestStatementsPrepareAndUseIndexesOnPostgreSQL(t *testing.T) {
	texts := everyStatement(t, world(t, func(o *Options) { o.URL, o.Path = "", filepath.Join(t.TempDir(), "mintmark.db") }))
	url := postgresql.Schema(t)
	open(t, onPostgreSQL(url))
	conn, err := pgx.Connect(t.Context(), url+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, setting := range []string{"enable_seqscan = off", "plan_cache_mode = force_generic_plan"} {
		if _, err := conn.Exec(t.Context(), `SET `+setting); err != nil {
			t.Fatal(err)
		}
	}
	wholeTable := map[string]bool{countUsers: true, dropLog: true, tellOfAll: true}
	byKey := map[string]bool{
		readRefreshState: true, readCodeState: true, useCode: true, putGrant: true, putCode: true, rotateGrant: true, noteLate: true,
		touchGrant: true, endGrant: true, seeSession: true, endSession: true,
	}
	for i, text := range texts {
		if text == moveHead || text == moveChain || text == putEntry || text == sqliteDialect.tables || text == sqliteDialect.migrated {
			continue // PostgreSQL has its own
		}
		for _, line := range explainOnPostgres(t, conn, fmt.Sprint("s", i), text) {
			if bigTablesOfPostgres.MatchString(line) && !wholeTable[text] {
				t.Errorf("%s\nin %s", line, text)
			}
			// Planned once, on tables that are all but empty, they must not rest on that.
			if byKey[text] && strings.Contains(line, "Index Scan") && !strings.Contains(line, "_pkey ") {
				t.Errorf("%s\nin %s", line, text)
			}
		}
	}
}

func explainOnPostgres(t *testing.T, conn *pgx.Conn, name, text string) (lines []string) {
	t.Helper()
	text = postgresText(textKey{text: text, clock: strings.Repeat(".", 99)})
	if _, err := conn.Exec(t.Context(), `PREPARE `+name+` AS `+text); err != nil {
		t.Errorf("%s: %v", text, err)
		return nil
	}
	var types []string
	err := conn.QueryRow(t.Context(), `SELECT CAST(parameter_types AS TEXT[]) FROM pg_prepared_statements WHERE name = $1`, name).Scan(&types)
	if err != nil || slices.Contains(types, "integer") {
		t.Errorf("an argument beside a small literal is taken for a small number, so CAST it AS BIGINT: %s %v, %v", text, types, err)
	}
	last := 0
	for _, p := range parameter.FindAllString(text, -1) {
		var n int
		if _, err := fmt.Sscanf(p, "$%d", &n); err == nil {
			last = max(last, n)
		}
	}
	args := ""
	if last > 0 {
		args = `(` + strings.TrimSuffix(strings.Repeat("NULL,", last), ",") + `)`
	}
	rows, err := conn.Query(t.Context(), `EXPLAIN EXECUTE `+name+args)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return lines
}

// Many requests at once in a few sessions: each gets its code, and no two flights wait
// for each other, which the server would end only after a second, by an error.
func TestFlightsDoNotWaitForEachOtherOnPostgreSQL(t *testing.T) {
	server := postgresql.New(t)
	s := world(t, onPostgreSQL(server.Schema(t)))
	const sessions, each = 4, 100
	for i := range sessions {
		made := session()
		made.ID, made.CookieHash = fmt.Sprint("s", i), fmt.Append(nil, "its cookie ", i)
		commit(t, s, record.PutSession{Session: made})
	}
	parallel(4*sessions, func(i int) {
		for n := range each {
			asked, given := code(), grant()
			asked.SID, asked.Hash = fmt.Sprint("s", (i+n)%sessions), fmt.Append(nil, n, " code ", i)
			given.ID, given.SID = fmt.Sprint(n, "grant", i), asked.SID
			seen := record.SeeSession{ID: asked.SID, SeenAt: noon, IdleUntil: noon + day}
			spent := record.UseCode{Hash: asked.Hash, ClientID: asked.ClientID, At: noon}
			if err := errors.Join(
				s.Commit(t.Context(), []record.Change{seen, record.PutCode{Code: asked}}),
				s.Commit(t.Context(), []record.Change{spent, record.PutGrant{Grant: given, SessionID: asked.SID}}),
			); err != nil {
				t.Error(err)
			}
		}
	})
	said, err := os.ReadFile(filepath.Join(server.Dir(), "log"))
	if err != nil || strings.Contains(string(said), "deadlock detected") {
		t.Errorf("%v: the server says:\n%s", err, said)
	}
}
