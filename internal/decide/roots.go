package decide

import (
	"fmt"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// RootPlan is what a decision about the roots of opaque access tokens starts from.
type RootPlan struct {
	Roots []record.SealedRoot // all there are, of every use
	Fresh record.SealedRoot   // the one that seals from now on, if those before it end
	Turn  KeyTurn             // that the signing keys take
	Actor string
}

// EndAccessRoots decides what a turn of the signing keys does to the roots under
// which opaque access tokens are sealed: nothing, but that an emergency destroys
// them with all that they sealed, and so does a log that begins anew. They lie
// where the signing keys lie, so whoever has taken those has them too, and could
// seal tokens that no cutoff reaches: rvs would be the thief's to choose.
func EndAccessRoots(plan RootPlan, env Env) []record.Change {
	reason := "emergency"
	switch plan.Turn {
	case KeysEmergency:
	case KeysRestart:
		reason = rolledBack
	default:
		return nil
	}
	var changes []record.Change
	for i := range plan.Roots {
		if root := &plan.Roots[i]; root.Use == record.RootAccess {
			changes = append(changes, End(Ending{
				Target: revocation.ForKID(record.AccessRootKID(root.KeyID)), Reason: reason, Actor: plan.Actor, Root: root,
			}, env)...)
		}
	}
	return append(changes, record.PutRoot{Root: plan.Fresh}, audited(record.Audit{
		Event: "key_" + string(record.KeyActive), Actor: plan.Actor,
		Detail: fmt.Sprintf("%s: %s", plan.Turn, record.AccessRootKID(plan.Fresh.KeyID)),
	}, env))
}
