package decide

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

func setupForm() SetupForm {
	return SetupForm{Token: "mst_right", Email: " Ana@Shop.example", Password: pageNewPassword}
}

func setupState() SetupState { return SetupState{TokenHash: secret.Hash("mst_right")} }

// madeUser are the changes that make ana, and ana.
func madeUser(env Env, claims, phc, actor string, verifiedAt int64) ([]record.Change, record.User) {
	id := env.Seed.ID("sub")
	user := record.User{ID: id, Status: record.UserActive, Claims: json.RawMessage(claims), MadeAt: tokenNow, Version: 1}
	email := record.Identifier{Kind: "email", Value: "ana@shop.example", UserID: id, VerifiedAt: verifiedAt}
	changes := []record.Change{record.PutUser{User: user}, record.PutIdentifier{Identifier: email}}
	if phc != "" {
		changes = append(changes, record.PutFactor{Factor: record.Factor{UserID: id, Kind: "password", Data: phc, MadeAt: tokenNow}})
	}
	user.Email = &email
	return append(changes, record.Audit{At: tokenNow, Event: "user_created", Actor: actor, UserID: id}), user
}

func diffUser(want, got []record.Change) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(record.Audit{}, "ID"), cmpopts.IgnoreFields(record.Factor{}, "ID"))
}

// TestTheFirstUserIsMadeOnce: ASVS 6.3.2, no default credentials.
func TestTheFirstUserIsMadeOnce(t *testing.T) {
	env := tokenEnv()
	begun := SetupBegin(setupForm(), setupState(), env)
	wantRefusal(t, begun.Err, "", "")
	if len(begun.Changes) != 0 {
		t.Errorf("asking writes %v", begun.Changes)
	}
	got := SetupFinish(setupForm(), "a hash", setupState(), env)
	wantRefusal(t, got.Err, "", "")
	changes, user := madeUser(env, "{}", "a hash", ActorServer, tokenNow)
	want := append([]record.Change{record.Spend{KeyHash: secret.Hash("mst_right"), EndsAt: math.MaxInt64}}, changes...)
	want = append(want, record.Audit{At: tokenNow, Event: "setup_done", Actor: ActorServer, UserID: user.ID})
	if diff := diffUser(want, got.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(user, got.Answer); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
}

func TestASetupIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*SetupForm, *SetupState)
		reason oauth.Reason
		code   oauth.Code
	}{
		"a wrong token":         {func(f *SetupForm, _ *SetupState) { f.Token = "mst_wrong" }, oauth.ReasonSetupTokenWrong, oauth.AccessDenied},
		"no token":              {func(f *SetupForm, _ *SetupState) { f.Token = "" }, oauth.ReasonSetupTokenWrong, oauth.AccessDenied},
		"none was issued":       {func(_ *SetupForm, st *SetupState) { st.TokenHash = nil }, oauth.ReasonSetupTokenWrong, oauth.AccessDenied},
		"there are users":       {func(_ *SetupForm, st *SetupState) { st.Users = 1 }, oauth.ReasonSetupDone, oauth.InvalidRequest},
		"a wrong token, users":  {func(f *SetupForm, st *SetupState) { f.Token, st.Users = "", 1 }, oauth.ReasonSetupDone, oauth.InvalidRequest},
		"no address":            {func(f *SetupForm, _ *SetupState) { f.Email = "ana" }, oauth.ReasonParameterMalformed, oauth.InvalidRequest},
		"a password of nothing": {func(f *SetupForm, _ *SetupState) { f.Password = "" }, oauth.ReasonPasswordTooShort, oauth.InvalidRequest},
		"a password of the address": {
			func(f *SetupForm, _ *SetupState) { f.Password = "ana.shop.example" }, oauth.ReasonPasswordContext, oauth.InvalidRequest,
		},
	} {
		t.Run(name, func(t *testing.T) {
			form, st := setupForm(), setupState()
			tc.change(&form, &st)
			wantRefusal(t, SetupBegin(form, st, tokenEnv()).Err, tc.reason, tc.code)
			got := SetupFinish(form, "a hash", st, tokenEnv())
			wantRefusal(t, got.Err, tc.reason, tc.code)
			if len(got.Changes) != 0 {
				t.Errorf("a refusal writes %v", got.Changes)
			}
		})
	}
}

func TestAUserIsMadeByOneFunction(t *testing.T) {
	env := tokenEnv()
	for name, tc := range map[string]struct {
		account    NewAccount
		claims     string
		verifiedAt int64
	}{
		"no password, address not verified": {NewAccount{Email: "ana@shop.example"}, "{}", 0},
		"all of it": {
			NewAccount{Email: "ANA@SHOP.EXAMPLE", Verified: true, PHC: "a hash", Claims: json.RawMessage(`{"name":"Ana"}`)},
			`{"name":"Ana"}`, tokenNow,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := NewUser(tc.account, ActorAdmin, env)
			wantRefusal(t, got.Err, "", "")
			changes, user := madeUser(env, tc.claims, tc.account.PHC, ActorAdmin, tc.verifiedAt)
			if diff := diffUser(changes, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(user, got.Answer); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
			if !secret.ValidID(got.Answer.ID) {
				t.Errorf("%q is not a generated identifier", got.Answer.ID)
			}
		})
	}
	wantRefusal(t, NewUser(NewAccount{Email: "nobody"}, ActorAdmin, env).Err, oauth.ReasonParameterMalformed, oauth.InvalidRequest)
}
