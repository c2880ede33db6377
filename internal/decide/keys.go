package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// KeyTurn says why the signing keys are looked at.
type KeyTurn string

// A turn on schedule makes what is missing and replaces a key that has signed
// long enough; one on demand replaces every active key by the next, published
// one; in an emergency the active keys are compromised as well.
const (
	KeysOnSchedule KeyTurn = "scheduled"
	KeysOnDemand   KeyTurn = "on_demand"
	KeysEmergency  KeyTurn = "emergency"
	KeysRestart    KeyTurn = "restart" // as on demand, because the log begins anew
)

const (
	// keySigns is how long a key signs before the schedule replaces it.
	keySigns = 90 * 24 * hour
	// keyAhead is how long a key is published before the schedule lets it sign:
	// verifiers may keep a key set for that long (tokens.md, part 1).
	keyAhead = 24 * hour
)

// KeyPlan is what a decision about signing keys starts from.
type KeyPlan struct {
	Keys  []record.SigningKey // all there are
	Use   string              // whose keys take a turn: one of the record.KeyUse constants
	Algs  []string            // that must have an active and a next key
	Turn  KeyTurn
	Actor string
}

// KeysWanted lists the algorithms for which RotateKeys, with the same plan, needs
// a fresh key; an algorithm stands there once for each.
func KeysWanted(plan KeyPlan, env Env) []string {
	var wanted []string
	for _, alg := range plan.Algs {
		for range turn(&plan, alg, env).vacant() {
			wanted = append(wanted, alg)
		}
	}
	return wanted
}

// RotateKeys decides which keys sign from now on. fresh are new keys, made for
// the algorithms that KeysWanted listed and sealed; where one is missing its
// place stays empty until the next turn. No key is removed: a retired one is no
// longer published after PublishedUntil, and still tells an old id_token_hint.
func RotateKeys(plan KeyPlan, fresh []record.SigningKey, env Env) []record.Change {
	var changes []record.Change
	for _, alg := range plan.Algs {
		t := turn(&plan, alg, env)
		changes = append(changes, t.changes...)
		for _, status := range t.vacant() {
			i := slices.IndexFunc(fresh, func(k record.SigningKey) bool { return k.Alg == alg })
			if i < 0 {
				break
			}
			changes = append(changes, putKey(&plan, fresh[i], status, env)...)
			fresh = slices.Delete(slices.Clone(fresh), i, i+1)
		}
	}
	return changes
}

// keyTurn is what a turn does with the keys of one algorithm.
type keyTurn struct {
	changes      []record.Change
	active, next bool // is there one when the changes are made
}

// vacant are the places that only a fresh key can take.
func (t keyTurn) vacant() []record.KeyStatus {
	var places []record.KeyStatus
	if !t.active {
		places = append(places, record.KeyActive)
	}
	if !t.next {
		places = append(places, record.KeyNext)
	}
	return places
}

func turn(plan *KeyPlan, alg string, env Env) keyTurn {
	active, next := findKey(plan, alg, record.KeyActive), findKey(plan, alg, record.KeyNext)
	t := keyTurn{active: active != nil, next: next != nil}
	if active != nil {
		if !leaves(plan.Turn, active, next, env.Now) {
			return t
		}
		t.changes = retire(plan, active, env)
		t.active = false
	}
	if next != nil {
		t.changes = append(t.changes, moveKey(plan, next, record.MoveKey{
			KID: next.KID, From: record.KeyNext, To: record.KeyActive, SignsFrom: env.Now,
		}, env)...)
		t.active, t.next = true, false
	}
	return t
}

func findKey(plan *KeyPlan, alg string, status record.KeyStatus) *record.SigningKey {
	i := slices.IndexFunc(plan.Keys, func(k record.SigningKey) bool {
		return k.Alg == alg && k.Use == plan.Use && k.Status == status
	})
	if i < 0 {
		return nil
	}
	return &plan.Keys[i]
}

// leaves reports whether an active key stops signing in this turn. On schedule it
// waits for a next key that every verifier has had time to fetch.
func leaves(why KeyTurn, active, next *record.SigningKey, now int64) bool {
	if why != KeysOnSchedule {
		return true
	}
	return now >= active.SignsFrom+keySigns && next != nil && now >= next.MadeAt+keyAhead
}

// retire takes the active key out of use: for good and with all its tokens in an
// emergency, else so that what it signed can be verified to its end.
func retire(plan *KeyPlan, key *record.SigningKey, env Env) []record.Change {
	if plan.Turn == KeysEmergency {
		return End(Ending{
			Target: revocation.ForKID(key.KID), Reason: "emergency", Actor: plan.Actor, Key: key,
		}, env)
	}
	return moveKey(plan, key, record.MoveKey{
		KID: key.KID, From: record.KeyActive, To: record.KeyRetired, SignsFrom: key.SignsFrom,
		PublishedUntil: env.Now + env.Policy.LongestTTL + 2*env.Policy.Leeway,
	}, env)
}

func moveKey(plan *KeyPlan, key *record.SigningKey, move record.MoveKey, env Env) []record.Change {
	return []record.Change{move, keyAudit(plan, *key, move.To, env)}
}

func putKey(plan *KeyPlan, key record.SigningKey, status record.KeyStatus, env Env) []record.Change {
	key.Use, key.Status, key.MadeAt = plan.Use, status, env.Now
	if status == record.KeyActive {
		key.SignsFrom = env.Now
	}
	return []record.Change{record.PutKey{Key: key}, keyAudit(plan, key, status, env)}
}

func keyAudit(plan *KeyPlan, key record.SigningKey, status record.KeyStatus, env Env) record.Audit {
	return audited(record.Audit{
		Event: "key_" + string(status), Actor: plan.Actor, Detail: string(plan.Turn) + ": " + key.Alg + " " + key.KID,
	}, env)
}

// EndKey takes one key out of use, with everything that it signed (tokens.md, part
// 2), and lets the next of its kind sign where it was the active one. fresh is what
// KeysWanted lists for the plan that KeyEnded gives.
func EndKey(key *record.SigningKey, plan KeyPlan, fresh []record.SigningKey, reason string, env Env) []record.Change {
	changes := End(Ending{
		Target: revocation.ForKID(key.KID), Reason: reason, Actor: plan.Actor, Key: key,
	}, env)
	return append(changes, RotateKeys(KeyEnded(key.KID, plan), fresh, env)...)
}

// KeyEnded is a plan as it stands once a key is compromised.
func KeyEnded(kid string, plan KeyPlan) KeyPlan {
	plan.Keys = slices.Clone(plan.Keys)
	for i := range plan.Keys {
		if plan.Keys[i].KID == kid {
			plan.Keys[i].Status = record.KeyCompromised
		}
	}
	return plan
}
