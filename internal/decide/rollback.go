package decide

import (
	"fmt"
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// What proves that an older copy of the database was put in the place of a newer
// one, and the cut that follows (tokens.md I8). What was ended in between is not
// ended in the copy, so nothing of before is believed any more.

// ShownHead is a head of the revocation log that this server has signed, as
// somebody shows it.
type ShownHead struct {
	Log   revocation.LogID
	Seq   int64
	LC    int64
	Chain revocation.Chain
}

// RolledBack says what of a head proves a rollback, "" if nothing does. after is
// our log from the head's number on. The cut begins another log, whose clock is
// beyond that of the head, and so nothing proves the same rollback twice.
func RolledBack(shown ShownHead, after *record.LogPart) string {
	ours := &after.Head
	switch {
	case shown.LC > ours.LC: // of whichever log: the clock never goes back, and each log begins beyond the one before
		return fmt.Sprintf("a signed head's clock stands at %d, the log's at %d", shown.LC, ours.LC)
	case shown.Log != ours.LogID:
		return ""
	case shown.Seq > ours.Seq:
		return fmt.Sprintf("a signed head stands at %d, the log at %d", shown.Seq, ours.Seq)
	case after.Gap || after.Seq < ours.Seq:
		return "" // nobody knows any more what lies between the two
	}
	chain := shown.Chain
	for _, e := range after.Entries {
		chain = chain.Next(e)
	}
	if chain != ours.Chain {
		return fmt.Sprintf("the log at %d does not follow on a head that was signed at %d", ours.Seq, shown.Seq)
	}
	return ""
}

// Restart is what a log is begun anew from.
type Restart struct {
	From     revocation.LogID // the log that ends
	Evidence string           // of the rollback, or what was restored
	Actor    string           // the server, or an administrator who declared it
	Reason   string           // in the log and the audit trail
	Tokens   KeyPlan          // its keys are all compromised, and replaced by fresh ones
	Feed     KeyPlan          // its keys take their turn
}

// NewRestart plans one. keys are all there are.
func NewRestart(from revocation.LogID, evidence string, keys []record.SigningKey, tokenAlgs, feedAlgs []string) Restart {
	lost := slices.Clone(keys)
	for i := range lost {
		if lost[i].Use == record.KeyUseTokens {
			lost[i].Status = record.KeyCompromised
		}
	}
	r := Restart{From: from, Evidence: evidence, Actor: ActorServer, Reason: rolledBack}
	r.Tokens = KeyPlan{Keys: lost, Use: record.KeyUseTokens, Algs: tokenAlgs, Turn: KeysRestart, Actor: ActorServer}
	r.Feed = KeyPlan{Keys: lost, Use: record.KeyUseFeed, Algs: feedAlgs, Turn: KeysRestart, Actor: ActorServer}
	return r
}

// Declared is the same restart, made by an administrator who has put a backup back
// and says so.
func (r Restart) Declared() Restart {
	r.Actor, r.Reason = ActorAdmin, restored
	r.Tokens.Actor, r.Feed.Actor = ActorAdmin, ActorAdmin
	return r
}

// RestartLog is the cut: another log, whose clock is beyond whatever was promised
// in the one that ends; everything that was given out is dead; and none of the
// keys that signed it, or would have signed next, signs any more. keys are as they
// were read. fresh are what KeysWanted lists for both plans, in their order.
func RestartLog(r Restart, keys []record.SigningKey, fresh [2][]record.SigningKey, env Env) []record.Change {
	next := record.RestartLog{From: r.From, LogID: revocation.NewLogID([12]byte(env.Seed.Bytes("log", 12)))}
	copy(next.FeedKey[:], env.Seed.Bytes("feed key", len(next.FeedKey)))
	changes := []record.Change{next}
	changes = append(changes, End(Ending{Target: revocation.ForAll(), Reason: r.Reason, Actor: r.Actor}, env)...)
	for i := range keys {
		switch {
		case keys[i].Use != record.KeyUseTokens:
		case keys[i].Status == record.KeyCompromised:
			changes = append(changes, endedBefore(revocation.ForKID(keys[i].KID), r.Reason, env))
		default:
			changes = append(changes, End(Ending{
				Target: revocation.ForKID(keys[i].KID), Reason: r.Reason, Actor: r.Actor, Key: &keys[i],
			}, env)...)
		}
	}
	changes = append(changes, RotateKeys(r.Tokens, fresh[0], env)...)
	changes = append(changes, RotateKeys(r.Feed, fresh[1], env)...)
	return append(changes, audited(record.Audit{
		Event: "log_restarted", Actor: r.Actor, Detail: fmt.Sprintf("%s: %s ends, %s begins", r.Evidence, r.From, next.LogID),
	}, env))
}

// Why things end, in the log and the audit trail.
const (
	rolledBack = "rolled_back"
	restored   = "restored"
)
