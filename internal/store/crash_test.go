package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// victim, when set, makes the test binary the process that is killed.
const victim = "MINTMARK_STORE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if at := os.Getenv(victim); at != "" {
		commitForEver(at)
	}
	os.Exit(postgresql.Main(m.Run))
}

// commitForEver commits from several goroutines and prints each plan's number
// once it is acknowledged.
func commitForEver(at string) {
	ctx := context.Background()
	o := Options{Path: at}
	if onPostgres {
		o = Options{URL: at}
	}
	s, err := Open(ctx, o)
	if err == nil {
		err = s.Migrate(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	parallel(8, func(i int) {
		for n := i; ; n += 8 {
			err := s.Commit(ctx, []record.Change{
				record.Append{Target: revocation.ForGID(fmt.Sprint(n))},
				record.Audit{ID: fmt.Sprint(n)},
				record.Spend{KeyHash: fmt.Append(nil, n)},
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Printf("%d\n", n) // one write, so lines do not mix
		}
	})
}

// tokens.md, part 2: "When a revocation answers 2xx it is durable."
func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	var o Options
	at := newDatabase(t)
	at(&o)
	acknowledged := killAfter(t, o.Path+o.URL, 200)
	s := open(t, at, func(o *Options) { o.Unsafe = false })
	for _, id := range acknowledged {
		if count(t, s, `SELECT count(*) FROM audit WHERE id = $1`, id) != 1 {
			t.Errorf("plan %s was acknowledged and is gone", id)
		}
	}
	// What was not acknowledged is there as a whole or not at all.
	plans := int64(len(checkLog(t, s)))
	bytes := `CAST(id AS BLOB)`
	if onPostgres {
		bytes = `convert_to(id, 'UTF8')`
	}
	whole := count(t, s, `SELECT count(*) FROM audit JOIN spent ON key_hash = `+bytes)
	if all := count(t, s, `SELECT count(*) FROM audit`); whole != plans || all != plans {
		t.Errorf("%d plans are in the log, %d in the audit, %d are whole", plans, all, whole)
	}
}

// killAfter runs a victim, kills it once it has acknowledged some plans, and gives
// those and all that it could still say.
func killAfter(t *testing.T, at string, enough int) (acknowledged []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+at)
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(acknowledged) < enough {
		t.Fatalf("the victim ended by itself after %d plans: %v", len(acknowledged), err)
	}
	return acknowledged
}
