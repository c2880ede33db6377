package decide

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// What opaque access tokens are sealed under lies where the signing keys lie: an
// emergency of the ones is one of the other, and an older copy of the database may
// hold a root that was destroyed since.
func TestAccessRootsEndInAnEmergencyAndNoOtherRootDoes(t *testing.T) {
	roots := []record.SealedRoot{
		{KeyID: 1, Use: record.RootRefresh},
		{KeyID: 2, Use: record.RootReference},
		{KeyID: 3, Use: record.RootForms},
		{KeyID: 4, Use: record.RootAccess},
		{KeyID: 5, Use: record.RootAccess},
	}
	fresh := record.SealedRoot{KeyID: 6, Use: record.RootAccess}
	replaced := func(turn, reason string) []record.Change {
		var want []record.Change
		for _, id := range []int64{4, 5} {
			want = append(want, tokenEnding(revocation.ForKID(record.AccessRootKID(id)), reason, "admin",
				record.DropRoot{KeyID: id}, record.Audit{Event: "key_compromised"})...)
		}
		return append(want, record.PutRoot{Root: fresh}, keyRow("active", turn+": access-root-6"))
	}
	for turn, want := range map[KeyTurn][]record.Change{
		KeysOnSchedule: nil,
		KeysOnDemand:   nil,
		KeysEmergency:  replaced("emergency", "emergency"),
		KeysRestart:    replaced("restart", rolledBack),
	} {
		got := EndAccessRoots(RootPlan{Roots: roots, Fresh: fresh, Turn: turn, Actor: "admin"}, tokenEnv())
		if diff := diffChanges(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", turn, diff)
		}
	}
}
