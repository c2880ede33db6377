package decide

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// N5, H7, L6: each act of an administrator, its ends and its audit row.
func TestAnAdministratorsActsEndWhatTheySay(t *testing.T) {
	env := tokenEnv()
	user := &record.User{ID: "ana", Status: record.UserActive, Claims: []byte(`{"name":"Ana"}`), Version: 4}
	client := tokenClient()
	updated := record.UpdateClient{ID: "shop", Name: "Shop", Settings: client.Settings, Version: 3}
	enabled := updated
	enabled.Enabled = true
	session := &record.Session{ID: "session", UserID: "ana"}
	grant := tokenGrant()

	act := func(row record.Audit) record.Audit {
		row.Actor, row.At = "admin", tokenNow
		return row
	}
	ofUser := func(event string) record.Audit { return act(record.Audit{Event: event, UserID: "ana"}) }
	ofClient := func(event string) record.Audit { return act(record.Audit{Event: event, ClientID: "shop"}) }
	userEnds := func(reason string, row record.Change) []record.Change {
		return tokenEnding(revocation.ForSub("ana"), reason, "admin", row, record.Audit{Event: "user_cut", UserID: "ana"})
	}
	clientEnds := func(reason string) []record.Change {
		return tokenEnding(revocation.ForClient("shop"), reason, "admin", record.CutClient{ClientID: "shop"}, record.Audit{Event: "client_cut", ClientID: "shop"})
	}
	cut := record.CutUser{UserID: "ana"}
	plan := func(parts ...any) []record.Change {
		var changes []record.Change
		for _, part := range parts {
			if several, ok := part.([]record.Change); ok {
				changes = append(changes, several...)
			} else {
				changes = append(changes, part.(record.Change))
			}
		}
		return changes
	}
	factor := record.Factor{ID: env.Seed.ID("factor"), UserID: "ana", Kind: "password", Data: "$argon2id$", MadeAt: tokenNow}

	cases := []struct {
		name string
		got  []record.Change
		want []record.Change
	}{
		{"disable a user", DisableUser(user, "admin", env), plan(
			record.UpdateUser{UserID: "ana", Status: record.UserDisabled, Claims: user.Claims, Version: 4},
			ofUser("user_disabled"), userEnds("user_disabled", cut),
		)},
		{"enable a user: nothing comes back", EnableUser(user, "admin", env), plan(
			record.UpdateUser{UserID: "ana", Status: record.UserActive, Claims: user.Claims, Version: 4}, ofUser("user_enabled"),
		)},
		{"delete a user: the log first", DeleteUser(user, "admin", env), plan(
			userEnds("user_deleted", cut), record.DeleteUser{UserID: "ana", At: tokenNow, Version: 4}, ofUser("user_deleted"),
		)},
		{"set a password", SetPassword(user, "$argon2id$", "admin", env), plan(
			record.PutFactor{Factor: factor}, ofUser("password_set"), userEnds("password_set", cut),
		)},
		{"end a user's live tokens, keep the sign-ins", End(Ending{
			Target: revocation.ForSub("ana"), Reason: "role taken away", Actor: "admin", KeepRow: true,
		}, env), userEnds("role taken away", nil)},
		{"disable a client", DisableClient(client, "admin", env), plan(updated, ofClient("client_disabled"), clientEnds("client_disabled"))},
		{"enable a client: nothing comes back", EnableClient(client, "admin", env), plan(enabled, ofClient("client_enabled"))},
		{"delete a client: the log first", DeleteClient(client, "admin", env), plan(
			clientEnds("client_deleted"), record.DeleteClient{ID: "shop", At: tokenNow, Version: client.Version}, ofClient("client_deleted"),
		)},
		{"delete a resource: the log first", DeleteResource(&record.Resource{Aud: tokenAPI, Version: 7}, "admin", env), plan(
			tokenEnding(revocation.ForAud(tokenAPI), "resource_deleted", "admin", record.CutResource{Aud: tokenAPI}, record.Audit{Event: "resource_cut"}),
			record.DeleteResource{Aud: tokenAPI, Version: 7}, act(record.Audit{Event: "resource_deleted", Detail: tokenAPI}),
		)},
		{"end a session", EndSessionByAdmin(session, "admin", env), tokenEnding(revocation.ForSID("session"), "ended_by_admin", "admin",
			record.EndSession{ID: "session", At: tokenNow}, record.Audit{Event: "session_ended", UserID: "ana"})},
		{"end a session that has ended", EndSessionByAdmin(&record.Session{ID: "session", EndedAt: 1}, "admin", env), nil},
		{"end a grant", EndGrantByAdmin(grant, "admin", env), tokenEnding(revocation.ForGID(refreshGID), "ended_by_admin", "admin",
			record.EndGrant{ID: refreshGID, At: tokenNow}, record.Audit{Event: "grant_ended", UserID: "ana", ClientID: "shop", GID: refreshGID})},
		{"end a grant that has ended", EndGrantByAdmin(&record.Grant{ID: refreshGID, EndedAt: 1}, "admin", env), nil},
		{"break glass", End(Ending{Target: revocation.ForAll(), Reason: "break_glass", Actor: "admin"}, env), tokenEnding(revocation.ForAll(), "break_glass", "admin", record.CutAll{}, record.Audit{Event: "all_cut"})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := diffChanges(c.want, c.got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// F5: the secret is the server's, shown once, stored hashed; the old one works on
// for as long as it is asked to.
func TestANewSecretLeavesTheOldOneAsLongAsAsked(t *testing.T) {
	for keep, othersEnd := range map[int64]int64{24 * hour: tokenNow + 24*hour, 0: tokenNow, -1: tokenNow} {
		out := RotateSecret(tokenClient(), keep, "admin", tokenEnv())
		wantRefusal(t, out.Err, "", "")
		if len(out.Answer) != len(secret.PrefixClientSecret)+43 {
			t.Errorf("secret %q", out.Answer)
		}
		want := []record.Change{
			record.PutClientSecret{
				ClientID: "shop", Secret: record.ClientSecret{Hash: secret.Hash(out.Answer), MadeAt: tokenNow}, OthersEnd: othersEnd,
			},
			record.Audit{At: tokenNow, Event: "secret_rotated", Actor: "admin", ClientID: "shop"},
		}
		if diff := diffChanges(want, out.Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	}
	out := RotateSecret(tokenPublic(), 0, "admin", tokenEnv())
	wantRefusal(t, out.Err, oauth.ReasonClientAuthMethodWrong, oauth.InvalidClient)
	if out.Changes != nil {
		t.Errorf("changes %v: a public client has no secret", out.Changes)
	}
}
