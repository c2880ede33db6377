package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// signingKeys are an active ES256 key that signs since then, a next one
// published as long, and a key for another purpose.
func signingKeys(since int64) []record.SigningKey {
	return []record.SigningKey{
		{KID: "feed", Alg: "ES256", Use: "feed", Status: record.KeyActive, SignsFrom: since},
		{KID: "old", Alg: "ES256", Use: record.KeyUseTokens, Status: record.KeyRetired, PublishedUntil: tokenNow - 1},
		{KID: "active", Alg: "ES256", Use: record.KeyUseTokens, Status: record.KeyActive, MadeAt: since, SignsFrom: since},
		{KID: "next", Alg: "ES256", Use: record.KeyUseTokens, Status: record.KeyNext, MadeAt: since},
	}
}

func freshKey(kid, alg string) record.SigningKey {
	return record.SigningKey{KID: kid, Alg: alg, PublicJWK: []byte("public"), Sealed: []byte("sealed")}
}

func putFresh(kid, alg string, status record.KeyStatus, signsFrom int64) record.PutKey {
	key := freshKey(kid, alg)
	key.Use, key.Status, key.MadeAt, key.SignsFrom = record.KeyUseTokens, status, tokenNow, signsFrom
	return record.PutKey{Key: key}
}

func keyRow(status, detail string) record.Audit {
	return record.Audit{At: tokenNow, Event: "key_" + status, Actor: "admin", Detail: detail}
}

// Z1, tokens.md part 1: the next key is published 24 h before it signs; a retired
// one as long as a token of its lives, and both clocks' leeway.
func TestKeysTakeTheirTurns(t *testing.T) {
	const day = 24 * hour
	published := tokenNow + day + 2*30*second
	old := tokenNow - 90*day
	rotated := func(why string, signedFrom int64) []record.Change {
		return []record.Change{
			record.MoveKey{KID: "active", From: record.KeyActive, To: record.KeyRetired, SignsFrom: signedFrom, PublishedUntil: published},
			keyRow("retired", why+": ES256 active"),
			record.MoveKey{KID: "next", From: record.KeyNext, To: record.KeyActive, SignsFrom: tokenNow},
			keyRow("active", why+": ES256 next"),
			putFresh("fresh", "ES256", record.KeyNext, 0),
			keyRow("next", why+": ES256 fresh"),
		}
	}
	without := func(status record.KeyStatus, since int64) []record.SigningKey {
		var keys []record.SigningKey
		for _, key := range signingKeys(since) {
			if key.Status != status {
				keys = append(keys, key)
			}
		}
		return keys
	}
	young := signingKeys(old)
	young[3].MadeAt = tokenNow - day + 1
	es256, both := []string{"ES256"}, []string{"ES256", "ES256"}

	cases := []struct {
		name   string
		keys   []record.SigningKey
		turn   KeyTurn
		wanted []string
		want   []record.Change
	}{
		{"the first start makes a key that signs and the next", nil, KeysOnSchedule, both, []record.Change{
			putFresh("fresh", "ES256", record.KeyActive, tokenNow), keyRow("active", "scheduled: ES256 fresh"),
			putFresh("fresh", "ES256", record.KeyNext, 0), keyRow("next", "scheduled: ES256 fresh"),
		}},
		{"nothing to do before 90 days", signingKeys(old + 1), KeysOnSchedule, nil, nil},
		{"after 90 days the next one signs", signingKeys(old), KeysOnSchedule, es256, rotated("scheduled", old)},
		{"but not before it was published for a day", young, KeysOnSchedule, nil, nil},
		{"a missing next key is made, and signs later", without(record.KeyNext, old), KeysOnSchedule, es256, []record.Change{
			putFresh("fresh", "ES256", record.KeyNext, 0), keyRow("next", "scheduled: ES256 fresh"),
		}},
		{"without an active key the next one signs at once", without(record.KeyActive, old), KeysOnSchedule, es256, []record.Change{
			record.MoveKey{KID: "next", From: record.KeyNext, To: record.KeyActive, SignsFrom: tokenNow},
			keyRow("active", "scheduled: ES256 next"),
			putFresh("fresh", "ES256", record.KeyNext, 0), keyRow("next", "scheduled: ES256 fresh"),
		}},
		{"on demand the next one signs at once", signingKeys(tokenNow - 1), KeysOnDemand, es256, rotated("on_demand", tokenNow-1)},
		{"on demand without a next key", without(record.KeyNext, old), KeysOnDemand, both, []record.Change{
			record.MoveKey{KID: "active", From: record.KeyActive, To: record.KeyRetired, SignsFrom: old, PublishedUntil: published},
			keyRow("retired", "on_demand: ES256 active"),
			putFresh("fresh", "ES256", record.KeyActive, tokenNow), keyRow("active", "on_demand: ES256 fresh"),
			putFresh("fresh", "ES256", record.KeyNext, 0), keyRow("next", "on_demand: ES256 fresh"),
		}},
		{"Z5: in an emergency all tokens of the active key die", signingKeys(old), KeysEmergency, es256, append(
			tokenEnding(revocation.ForKID("active"), "emergency", "admin",
				record.MoveKey{KID: "active", From: record.KeyActive, To: record.KeyCompromised, SignsFrom: old, PublishedUntil: tokenNow},
				record.Audit{Event: "key_compromised"}),
			rotated("emergency", old)[2:]...,
		)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := KeyPlan{Keys: c.keys, Use: record.KeyUseTokens, Algs: es256, Turn: c.turn, Actor: "admin"}
			wanted := KeysWanted(plan, tokenEnv())
			if diff := cmp.Diff(c.wanted, wanted); diff != "" {
				t.Errorf("wanted (-want +got):\n%s", diff)
			}
			var fresh []record.SigningKey
			for _, alg := range wanted {
				fresh = append(fresh, freshKey("fresh", alg))
			}
			if diff := diffChanges(c.want, RotateKeys(plan, fresh, tokenEnv())); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachAlgorithmTurnsByItself(t *testing.T) {
	plan := KeyPlan{
		Keys: signingKeys(tokenNow), Use: record.KeyUseTokens, Algs: []string{"RS256", "ES256"}, Turn: KeysOnSchedule, Actor: "admin",
	}
	if diff := cmp.Diff([]string{"RS256", "RS256"}, KeysWanted(plan, tokenEnv())); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
	want := []record.Change{
		putFresh("one", "RS256", record.KeyActive, tokenNow), keyRow("active", "scheduled: RS256 one"),
		putFresh("two", "RS256", record.KeyNext, 0), keyRow("next", "scheduled: RS256 two"),
	}
	fresh := []record.SigningKey{freshKey("other", "ES256"), freshKey("one", "RS256"), freshKey("two", "RS256")}
	if diff := diffChanges(want, RotateKeys(plan, fresh, tokenEnv())); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if fresh[0].KID != "other" || fresh[1].KID != "one" {
		t.Errorf("the caller's keys were moved: %v", fresh)
	}
}

func TestAKeyThatWasNotMadeLeavesItsPlaceEmpty(t *testing.T) {
	plan := KeyPlan{Use: record.KeyUseTokens, Algs: []string{"RS256"}, Turn: KeysOnSchedule, Actor: "admin"}
	want := []record.Change{putFresh("one", "RS256", record.KeyActive, tokenNow), keyRow("active", "scheduled: RS256 one")}
	if diff := diffChanges(want, RotateKeys(plan, []record.SigningKey{freshKey("one", "RS256")}, tokenEnv())); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// tokens.md part 2: a compromised key takes its tokens with it, and nobody else notices.
func TestAKeyThatEndsIsReplacedWhereItSigned(t *testing.T) {
	plan := KeyPlan{Keys: signingKeys(tokenNow), Use: record.KeyUseTokens, Algs: []string{"ES256"}, Turn: KeysOnSchedule, Actor: "admin"}
	ended := func(key *record.SigningKey) []record.Change {
		return End(Ending{Target: revocation.ForKID(key.KID), Reason: "leaked", Actor: "admin", Key: key}, tokenEnv())
	}
	for _, c := range []struct {
		kid  string
		key  *record.SigningKey
		want []record.Change
	}{
		{"old", &plan.Keys[1], nil},
		{"active", &plan.Keys[2], []record.Change{
			record.MoveKey{KID: "next", From: record.KeyNext, To: record.KeyActive, SignsFrom: tokenNow},
			keyRow("active", "scheduled: ES256 next"),
			putFresh("fresh", "ES256", record.KeyNext, 0), keyRow("next", "scheduled: ES256 fresh"),
		}},
		{"next", &plan.Keys[3], []record.Change{
			putFresh("fresh", "ES256", record.KeyNext, 0), keyRow("next", "scheduled: ES256 fresh"),
		}},
	} {
		var fresh []record.SigningKey
		for range KeysWanted(KeyEnded(c.kid, plan), tokenEnv()) {
			fresh = append(fresh, freshKey("fresh", "ES256"))
		}
		if diff := diffChanges(append(ended(c.key), c.want...), EndKey(c.key, plan, fresh, "leaked", tokenEnv())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.kid, diff)
		}
	}
}
