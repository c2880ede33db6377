package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// nodesWatched are three nodes on a server of their own, which looks for deadlocks at once
// and at the end must have found none: who waits for whom is told by the order of the
// locks, not by who is ended.
func nodesWatched(t *testing.T, sessions int) []*Store {
	t.Helper()
	server := postgresql.New(t)
	server.Exec(t, `ALTER SYSTEM SET deadlock_timeout = '30ms'`, `SELECT pg_reload_conf()`)
	nodes := nodesOn(t, server.Schema(t), 2)
	for i := range sessions {
		made := session()
		made.ID, made.CookieHash = fmt.Sprint("s", i), fmt.Append(nil, "its cookie ", i)
		commit(t, nodes[0], record.PutSession{Session: made})
	}
	t.Cleanup(func() {
		said, err := os.ReadFile(filepath.Join(server.Dir(), "log"))
		if err != nil || strings.Contains(string(said), "deadlock detected") {
			t.Errorf("%v: the server says:\n%s", err, said)
		}
	})
	return nodes
}

// Of a code that is presented on two nodes at once, in whatever order with others, one
// exchange succeeds, and neither node waits for what the other waits for.
func TestNodesThatSpendTheSameCodesDoNotWaitForEachOtherOnPostgreSQL(t *testing.T) {
	const sessions, codes, rounds = 2, 16, 40
	nodes := nodesWatched(t, sessions)[:2]
	for round := range rounds {
		exchanges := make([][]record.Change, codes)
		for i := range codes {
			asked, given := code(), grant()
			asked.SID, asked.Hash = fmt.Sprint("s", i%sessions), fmt.Append(nil, round, " code ", i)
			given.ID, given.SID = fmt.Sprint(round, "grant", i), asked.SID
			commit(t, nodes[0], record.PutCode{Code: asked})
			exchanges[i] = []record.Change{
				record.UseCode{Hash: asked.Hash, ClientID: asked.ClientID, At: noon},
				record.PutGrant{Grant: given, SessionID: asked.SID},
				record.Audit{ID: fmt.Sprint("a", round, " ", i), At: noon, Event: "grant_made"},
			}
		}
		won := make([]int, codes)
		results := make([][]error, len(nodes))
		parallel(len(nodes), func(n int) {
			mine := make([][]record.Change, codes)
			for i := range codes {
				mine[i] = exchanges[(i*(1+2*n)+n)%codes] // 1 and 3 have no divisor in common with 16
			}
			results[n] = together(nodes[n], plans(t, mine...))
		})
		for n, of := range results {
			for i, err := range of {
				switch {
				case err == nil:
					won[(i*(1+2*n)+n)%codes]++
				case !errors.Is(err, ErrConflict):
					t.Fatal(err)
				}
			}
		}
		for i, times := range won {
			if times != 1 {
				t.Errorf("code %d was spent %d times", i, times)
			}
		}
	}
}

// Everything that many requests do at once, on two nodes and in any order: in the same
// sessions, of the same users, past the same limits.
func TestNodesTakeTheirLocksInOneOrderOnPostgreSQL(t *testing.T) {
	const sessions, rounds = 4, 60
	nodes := nodesWatched(t, sessions)
	sweeper, nodes := nodes[2], nodes[:2]
	for i := range sessions {
		made := grant()
		made.ID, made.SID, made.Origin = fmt.Sprint("g", i), fmt.Sprint("s", i), fmt.Sprint("s", i)
		commit(t, nodes[0], record.PutGrant{Grant: made})
	}
	ctx, stop := context.WithCancel(t.Context())
	var sweeping sync.WaitGroup
	defer sweeping.Wait()
	defer stop()
	sweeping.Go(func() {
		for ctx.Err() == nil {
			if err := sweeper.Purge(ctx, noon, 100); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	parallel(len(nodes), func(n int) {
		order := rand.New(rand.NewPCG(1, uint64(n)))
		for round := range rounds {
			var all [][]record.Change
			for i := range sessions {
				all = append(all, atOnce(fmt.Sprint(n, " ", round, " ", i), i)...)
			}
			order.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
			for i, err := range together(nodes[n], plans(t, all...)) {
				if err != nil && !errors.Is(err, ErrConflict) {
					t.Errorf("round %d: %v: %v", round, all[i], err)
				}
			}
		}
	})
}

// atOnce are plans as the decisions make them, of the session of a number.
func atOnce(unique string, n int) [][]record.Change {
	sid, asked, given := fmt.Sprint("s", n), code(), grant()
	asked.SID, asked.Hash = sid, []byte("code "+unique)
	given.ID, given.SID, given.Origin = "granted "+unique, sid, sid
	see := record.SeeSession{ID: sid, SeenAt: noon, IdleUntil: noon + day}
	audit := func(what, key string) record.Audit {
		return record.Audit{ID: what + unique, At: noon, Event: what, Key: key}
	}
	count := func(name string) record.CountAttempt {
		return record.CountAttempt{Name: name, Limit: 1 << 40, At: noon, WindowEnds: noon - 1} // swept at once
	}
	signedIn := session()
	signedIn.ID, signedIn.CookieHash = "signed in "+unique, []byte(unique)
	other := (n + 1) % 4
	return [][]record.Change{
		{record.UseInteraction{IDHash: []byte("page 1"), At: noon}, see, record.PutCode{Code: asked}},
		{see, record.PutConsent{Consent: consent()}, audit("consent_given", "")},
		{record.PutGrant{Grant: given, SessionID: sid}, audit("grant_made", "")},
		{record.RotateGrant{ID: fmt.Sprint("g", n), From: 4, At: noon}},
		{record.TouchGrant{ID: fmt.Sprint("g", other), IdleUntil: noon + day}},
		{count(fmt.Sprint("network ", n)), count(fmt.Sprint("account ", other))},
		{count(fmt.Sprint("account ", n)), count(fmt.Sprint("network ", other)), audit("sign_in_failed", fmt.Sprint("reason ", n))},
		{count(fmt.Sprint("account ", other)), audit("sign_in_failed", fmt.Sprint("reason ", other))},
		{record.PutSession{Session: signedIn, FactorID: "f"}, record.ClearCounter{Name: fmt.Sprint("account ", n)}, audit("sign_in", "")},
		{
			record.EndGrant{ID: "granted " + unique, At: noon},
			record.Append{Target: revocation.ForGID("granted " + unique), At: noon},
			audit("grant_ended", ""),
		},
		{record.UpdateUser{UserID: "ana", Status: record.UserActive, Claims: []byte(`{}`), Version: 0}, see},
		{record.MarkSession{ID: sid}, record.CutUser{UserID: "ana"}, record.Append{Target: revocation.ForSub("ana"), At: noon}},
	}
}
