package decide

import (
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// tokens.md, part 2, I8. The log has four entries; those after a head are what the
// store reads for it.
func TestWhatProvesARollback(t *testing.T) {
	const ours, other = revocation.LogID("AAAAAAAAAAAAAAAA"), revocation.LogID("BBBBBBBBBBBBBBBB")
	var chains [5]revocation.Chain
	var entries []revocation.Entry
	for n := int64(1); n <= 4; n++ {
		e := revocation.Entry{Seq: n, Name: uint64(n), Cut: 1000 + n, Until: 5000}
		entries = append(entries, e)
		chains[n] = chains[n-1].Next(e)
	}
	log := func(after int) *record.LogPart {
		return &record.LogPart{
			Head:    record.Head{LogID: ours, Seq: 4, LC: 1004, Chain: chains[4]},
			Entries: entries[min(after, 4):], Seq: max(int64(after), 4),
		}
	}
	gap, cut := log(1), log(1)
	gap.Gap = true
	cut.Entries, cut.Seq = cut.Entries[:1], 2
	for _, c := range []struct {
		name   string
		shown  ShownHead
		after  *record.LogPart
		proves string
	}{
		{"where the log stands", ShownHead{ours, 4, 1004, chains[4]}, log(4), ""},
		{"where it stood", ShownHead{ours, 2, 1002, chains[2]}, log(2), ""},
		{"where it began", ShownHead{ours, 0, 900, chains[0]}, log(0), ""},
		{"beyond the log", ShownHead{ours, 5, 1004, chains[4].Next(entries[0])}, log(5), "stands at 5, the log at 4"},
		{"beyond the log by what is never served", ShownHead{ours, 5, 1004, chains[4]}, log(5), "stands at 5, the log at 4"},
		{"beyond its clock", ShownHead{ours, 4, 1005, chains[4]}, log(4), "clock stands at 1005, the log's at 1004"},
		{"where another past was", ShownHead{ours, 3, 1003, chains[2].Next(entries[0])}, log(3), "the log at 4 does not follow on a head that was signed at 3"},
		{"where it stands, with another past", ShownHead{ours, 4, 1004, chains[3]}, log(4), "does not follow"},
		{"of another past, which is purged since", ShownHead{ours, 1, 1001, chains[2]}, gap, ""},
		{"of another past, too long ago to compare", ShownHead{ours, 1, 1001, chains[2]}, cut, ""},
		{"of a log that has ended", ShownHead{other, 5, 1004, chains[4]}, log(5), ""},
		{"of a log that began after the copy was made", ShownHead{other, 1, 1005, chains[1]}, log(1), "clock stands at 1005, the log's at 1004"},
	} {
		got := RolledBack(c.shown, c.after)
		if (got == "") != (c.proves == "") || !strings.Contains(got, c.proves) {
			t.Errorf("a head %s proves %q, want %q", c.name, got, c.proves)
		}
	}
}

// tokens.md, part 2, I8: new log_id, all@lc, new signing keys. Keys that were
// compromised before stay refused in the new log; nobody got hold of the feed's.
func TestARestartEndsTheLogAndAllThatItStoodFor(t *testing.T) {
	keys := append(signingKeys(tokenNow-hour),
		record.SigningKey{KID: "stolen", Alg: "ES256", Use: record.KeyUseTokens, Status: record.KeyCompromised},
		record.SigningKey{KID: "feed next", Alg: "ES256", Use: record.KeyUseFeed, Status: record.KeyNext})
	env := tokenEnv()
	r := NewRestart("old", "proof", keys, []string{"ES256"}, []string{"ES256"})
	if tokens, feed := KeysWanted(r.Tokens, env), KeysWanted(r.Feed, env); len(tokens) != 2 || len(feed) != 1 {
		t.Errorf("wanted are %v and %v", tokens, feed)
	}
	fresh := [2][]record.SigningKey{{freshKey("new", "ES256"), freshKey("new next", "ES256")}, {freshKey("feed new", "ES256")}}
	got := RestartLog(r, keys, fresh, env)

	restart, first := got[0].(record.RestartLog)
	if !first || restart.From != "old" || len(restart.LogID) != 16 || restart.FeedKey == (revocation.FeedKey{}) {
		t.Fatalf("it begins with %+v", got[0])
	}
	compromised := func(kid string, from record.KeyStatus, signsFrom int64) []record.Change {
		return tokenEnding(revocation.ForKID(kid), rolledBack, ActorServer,
			record.MoveKey{KID: kid, From: from, To: record.KeyCompromised, SignsFrom: signsFrom, PublishedUntil: tokenNow},
			record.Audit{Event: "key_compromised"})
	}
	row := func(status, kid string) record.Audit {
		return record.Audit{At: tokenNow, Event: "key_" + status, Actor: ActorServer, Detail: "restart: ES256 " + kid}
	}
	feedNew := putFresh("feed new", "ES256", record.KeyNext, 0)
	feedNew.Key.Use = record.KeyUseFeed
	want := []record.Change{restart}
	for _, part := range [][]record.Change{
		tokenEnding(revocation.ForAll(), rolledBack, ActorServer, record.CutAll{}, record.Audit{Event: "all_cut"}),
		compromised("old", record.KeyRetired, 0),
		compromised("active", record.KeyActive, tokenNow-hour),
		compromised("next", record.KeyNext, 0),
		{
			record.Append{Target: revocation.ForKID("stolen"), Reason: rolledBack, Actor: ActorServer, At: tokenNow},
			putFresh("new", "ES256", record.KeyActive, tokenNow), row("active", "new"),
			putFresh("new next", "ES256", record.KeyNext, 0), row("next", "new next"),
			record.MoveKey{
				KID: "feed", From: record.KeyActive, To: record.KeyRetired, SignsFrom: tokenNow - hour,
				PublishedUntil: tokenNow + 24*hour + 2*30*second,
			},
			row("retired", "feed"),
			record.MoveKey{KID: "feed next", From: record.KeyNext, To: record.KeyActive, SignsFrom: tokenNow},
			row("active", "feed next"),
			feedNew, row("next", "feed new"),
			record.Audit{At: tokenNow, Event: "log_restarted", Actor: ActorServer, Detail: "proof: old ends, " + string(restart.LogID) + " begins"},
		},
	} {
		want = append(want, part...)
	}
	if diff := diffChanges(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// A declared one says who put the backup back; it ends no less.
func TestARestoreIsTheSameCutInTheAdministratorsName(t *testing.T) {
	keys, env := signingKeys(tokenNow-hour), tokenEnv()
	plain := NewRestart("old", "a backup", keys, []string{"ES256"}, []string{"ES256"})
	fresh := [2][]record.SigningKey{{freshKey("new", "ES256"), freshKey("new next", "ES256")}, {freshKey("feed new", "ES256")}}
	inName := func(changes []record.Change, from, to [2]string) []record.Change {
		for i := range changes {
			if c, ok := changes[i].(record.Append); ok && c.Actor == from[0] {
				c.Actor, c.Reason = to[0], strings.Replace(c.Reason, from[1], to[1], 1)
				changes[i] = c
			}
			if c, ok := changes[i].(record.Audit); ok && c.Actor == from[0] {
				c.Actor, c.Detail = to[0], strings.Replace(c.Detail, from[1], to[1], 1)
				changes[i] = c
			}
		}
		return changes
	}
	want := inName(RestartLog(plain, keys, fresh, env), [2]string{ActorServer, rolledBack}, [2]string{ActorAdmin, restored})
	if diff := diffChanges(want, RestartLog(plain.Declared(), keys, fresh, env)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
