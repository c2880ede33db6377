package decide

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

func TestEachEndingHasItsEntryItsRowAndItsAuditRow(t *testing.T) {
	cases := []struct {
		what  Ending
		row   record.Change
		audit record.Audit
	}{
		{Ending{Target: revocation.ForJTI("j"), UserID: "ana", ClientID: "shop"}, nil, record.Audit{Event: "token_ended", UserID: "ana", ClientID: "shop"}},
		{Ending{Target: revocation.ForSID("s"), UserID: "ana"}, record.EndSession{ID: "s", At: tokenNow}, record.Audit{Event: "session_ended", UserID: "ana"}},
		{Ending{Target: revocation.ForGID("g"), UserID: "ana", ClientID: "shop"}, record.EndGrant{ID: "g", At: tokenNow}, record.Audit{Event: "grant_ended", UserID: "ana", ClientID: "shop", GID: "g"}},
		{
			Ending{Target: revocation.ForKID("k"), Key: &record.SigningKey{KID: "k", Status: record.KeyRetired, SignsFrom: 9}},
			record.MoveKey{KID: "k", From: record.KeyRetired, To: record.KeyCompromised, SignsFrom: 9, PublishedUntil: tokenNow},
			record.Audit{Event: "key_compromised"},
		},
		{
			Ending{Target: revocation.ForKID(record.AccessRootKID(4)), Root: &record.SealedRoot{KeyID: 4}},
			record.DropRoot{KeyID: 4},
			record.Audit{Event: "key_compromised"},
		},
		{Ending{Target: revocation.ForSub("ana")}, record.CutUser{UserID: "ana"}, record.Audit{Event: "user_cut", UserID: "ana"}},
		{Ending{Target: revocation.ForClient("shop")}, record.CutClient{ClientID: "shop"}, record.Audit{Event: "client_cut", ClientID: "shop"}},
		{
			Ending{Target: revocation.ForConsent("ana", "shop")},
			record.CutConsent{UserID: "ana", ClientID: "shop", At: tokenNow},
			record.Audit{Event: "consent_ended", UserID: "ana", ClientID: "shop"},
		},
		{Ending{Target: revocation.ForAud(tokenAPI)}, record.CutResource{Aud: tokenAPI}, record.Audit{Event: "resource_cut"}},
		{Ending{Target: revocation.ForAll()}, record.CutAll{}, record.Audit{Event: "all_cut"}},
	}
	for _, c := range cases {
		t.Run(c.what.Target.Kind().String(), func(t *testing.T) {
			c.what.Reason, c.what.Actor = "why", "admin"
			if diff := diffChanges(tokenEnding(c.what.Target, "why", "admin", c.row, c.audit), End(c.what, tokenEnv())); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			// tokens.md, part 2: "end live tokens but keep sign-ins" is the entry without the row's cut.
			if !c.what.Target.Kind().Forever() {
				c.row = nil
			}
			c.what.KeepRow = true
			if diff := diffChanges(tokenEnding(c.what.Target, "why", "admin", c.row, c.audit), End(c.what, tokenEnv())); diff != "" {
				t.Errorf("changes with KeepRow (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTwoEndingsOfOnePlanHaveTwoAuditRows(t *testing.T) {
	env := tokenEnv()
	one := End(Ending{Target: revocation.ForSID("one"), UserID: "ana"}, env)[3].(record.Audit)
	two := End(Ending{Target: revocation.ForSID("two"), UserID: "ana"}, env)[3].(record.Audit)
	if one.ID == two.ID || one.ID == "" {
		t.Errorf("ids %q and %q", one.ID, two.ID)
	}
}

// onlyIn names the changes that end something, and the file that may make them.
var onlyIn = map[string]string{
	"Append": "end.go", "EndSession": "end.go", "EndGrant": "end.go",
	"CutUser": "end.go", "CutClient": "end.go", "CutConsent": "end.go", "CutResource": "end.go", "CutAll": "end.go",
	"DropRoot": "end.go", "TellClients": "end.go",
}

// tokens.md I9: every path that ends anything goes through one function. Nothing
// else in this room even writes down a change that ends something.
func TestOnlyOneFileMakesChangesThatEnd(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			selector, ok := literal.Type.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			where, ends := onlyIn[selector.Sel.Name]
			if ends && where != name {
				t.Errorf("%s makes record.%s: only End in %s does", name, selector.Sel.Name, where)
			}
			found[selector.Sel.Name] = found[selector.Sel.Name] || ends
			return true
		})
	}
	for name := range onlyIn {
		if !found[name] {
			t.Errorf("no file makes record.%s", name)
		}
	}
}

// tokens.md I3, I9: over all decisions of this side, with whatever state they
// meet, a row that ends and its entry in the log stand in the same plan.
func TestRowAndEntryAlwaysEndTogether(t *testing.T) {
	endings := 0
	rapid.Check(t, func(t *rapid.T) {
		changes := anyPlan(t)
		endings += checkPairs(t, changes)
	})
	if endings == 0 {
		t.Error("no plan ended anything: the property shows nothing")
	}
}

// checkPairs counts the entries of a plan and fails on one without its row, on a
// row without its entry, on either without an audit row, and on the end of a
// session, a user or everything of which the clients do not hear
// (OpenID Connect Back-Channel Logout 1.0 §2.3).
func checkPairs(t *rapid.T, changes []record.Change) int {
	entries, rows, told, audits := map[revocation.Target]bool{}, map[revocation.Target]bool{}, map[revocation.Target]bool{}, 0
	for _, change := range changes {
		if c, ok := change.(record.Append); ok {
			entries[c.Target] = true
		}
		if c, ok := change.(record.TellClients); ok {
			told[c.Of] = true
		}
		if _, ok := change.(record.Audit); ok {
			audits++
		}
		if target, ends := rowTarget(change); ends {
			rows[target] = true
		}
	}
	for target := range rows {
		if !entries[target] {
			t.Fatalf("%s ends in its row alone: %v", target, changes)
		}
	}
	for target := range entries {
		if !rows[target] && target.Kind() != revocation.JTI {
			t.Fatalf("%s ends in the log alone: %v", target, changes)
		}
	}
	for target := range entries {
		switch target.Kind() {
		case revocation.SID, revocation.Sub, revocation.All:
			if !told[target] {
				t.Fatalf("%s ends and no client hears of it: %v", target, changes)
			}
			delete(told, target)
		}
	}
	if len(told) > 0 {
		t.Fatalf("clients hear of what does not end: %v", changes)
	}
	if len(entries) > 0 && audits == 0 {
		t.Fatalf("an end without an audit row: %v", changes)
	}
	return len(entries)
}

// rowTarget is the target whose row a change ends; most changes end none.
func rowTarget(change any) (revocation.Target, bool) {
	switch c := change.(type) {
	case record.EndSession:
		return revocation.ForSID(c.ID), true
	case record.EndGrant:
		return revocation.ForGID(c.ID), true
	case record.CutUser:
		return revocation.ForSub(c.UserID), true
	case record.DeleteUser:
		return revocation.ForSub(c.UserID), true
	case record.UpdateUser:
		return revocation.ForSub(c.UserID), c.Status != record.UserActive
	case record.PutFactor:
		return revocation.ForSub(c.Factor.UserID), true
	case record.CutClient:
		return revocation.ForClient(c.ClientID), true
	case record.DeleteClient:
		return revocation.ForClient(c.ID), true
	case record.UpdateClient:
		return revocation.ForClient(c.ID), !c.Enabled
	case record.CutConsent:
		return revocation.ForConsent(c.UserID, c.ClientID), true
	case record.CutResource:
		return revocation.ForAud(c.Aud), true
	case record.DeleteResource:
		return revocation.ForAud(c.Aud), true
	case record.CutAll:
		return revocation.ForAll(), true
	case record.DropRoot:
		return revocation.ForKID(record.AccessRootKID(c.KeyID)), true
	case record.MoveKey:
		return revocation.ForKID(c.KID), c.To == record.KeyCompromised
	}
	return revocation.Target{}, false
}

// anyPlan makes one of the decisions of the token side in a state drawn at
// random around the moment at which all is alive.
func anyPlan(t *rapid.T) []record.Change {
	env := tokenEnv()
	client := rapid.SampledFrom([]func() *record.Client{tokenClient, tokenPublic, otherClient}).Draw(t, "client")()
	sometimes := rapid.SampledFrom([]int64{0, 0, 1}) // most things have not ended
	parents := tokenParents()
	parents.GID, parents.GrantEndedAt, parents.SessionEndedAt = refreshGID, sometimes.Draw(t, "grant ended"), sometimes.Draw(t, "session ended")
	user := &record.User{ID: "ana", Status: record.UserActive, Version: 1}
	grant := tokenGrant()
	grant.LateGen, grant.LateRun = rapid.Int64Range(3, 5).Draw(t, "late gen"), rapid.Int64Range(0, 2).Draw(t, "late run")
	grant.EndedAt = parents.GrantEndedAt
	generation := rapid.Int64Range(2, 6).Draw(t, "generation")

	plans := []func() []record.Change{
		func() []record.Change {
			c := newExchange(client)
			c.st.Code.UsedAt, c.st.Parents = sometimes.Draw(t, "used"), parents
			return c.run().Changes
		},
		func() []record.Change {
			c := newRefresh(client, generation)
			c.st.Grant, c.st.Parents = grant, parents
			return c.run().Changes
		},
		func() []record.Change {
			c := newPresentedRefresh(client, generation)
			c.st.Grant, c.st.Parents = grant, parents
			return append(c.revoke().Changes, c.introspect().Changes...)
		},
		func() []record.Change {
			c := newAccess(client)
			c.st.Parents = parents
			return c.revoke().Changes
		},
		func() []record.Change { return DisableUser(user, ActorAdmin, env) },
		func() []record.Change { return EnableUser(user, ActorAdmin, env) },
		func() []record.Change { return DeleteUser(user, ActorAdmin, env) },
		func() []record.Change { return SetPassword(user, "hash", ActorAdmin, env) },
		func() []record.Change {
			return End(Ending{Target: revocation.ForSub(user.ID), Subs: user.Subs}, env)
		},
		func() []record.Change { return DisableClient(client, ActorAdmin, env) },
		func() []record.Change { return EnableClient(client, ActorAdmin, env) },
		func() []record.Change { return DeleteClient(client, ActorAdmin, env) },
		func() []record.Change { return RotateSecret(client, hour, ActorAdmin, env).Changes },
		func() []record.Change { return DeleteResource(&record.Resource{Aud: tokenAPI}, ActorAdmin, env) },
		func() []record.Change {
			return EndSessionByAdmin(&record.Session{ID: "session", UserID: "ana", EndedAt: parents.SessionEndedAt}, ActorAdmin, env)
		},
		func() []record.Change { return EndGrantByAdmin(grant, ActorAdmin, env) },
		func() []record.Change {
			return End(Ending{Target: revocation.ForAll(), Reason: "break_glass", Actor: ActorAdmin}, env)
		},
		func() []record.Change {
			how := rapid.SampledFrom([]KeyTurn{KeysOnSchedule, KeysOnDemand, KeysEmergency}).Draw(t, "turn")
			return RotateKeys(KeyPlan{Use: record.KeyUseTokens, Keys: signingKeys(tokenNow - 91*24*hour), Algs: []string{"ES256"}, Turn: how, Actor: ActorAdmin}, nil, env)
		},
		func() []record.Change {
			how := rapid.SampledFrom([]KeyTurn{KeysOnSchedule, KeysOnDemand, KeysEmergency, KeysRestart}).Draw(t, "turn")
			return EndAccessRoots(RootPlan{Roots: []record.SealedRoot{{KeyID: 1, Use: record.RootAccess}}, Turn: how}, env)
		},
	}
	return rapid.SampledFrom(plans).Draw(t, "decision")()
}
