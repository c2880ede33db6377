package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// newSealedOffice is an office whose shop wants opaque access tokens.
func newSealedOffice(t *testing.T) *office {
	t.Helper()
	o := newOffice(t)
	form := shopForm()
	form.Settings.AccessFormat = record.AccessOpaque
	_, err := o.UpdateClient(t.Context(), "shop", form, 0)
	o.must(err)
	return o
}

// roots are the ids of the roots of a use.
func (o *office) roots(use string) (ids []int64) {
	o.Helper()
	rows, err := o.store.Roots(o.Context())
	o.must(err)
	for _, row := range rows {
		if row.Use == use {
			ids = append(ids, row.KeyID)
		}
	}
	return ids
}

// RFC 7662 §2.2: introspection tells of an opaque token what a JWT says itself.
func TestIntrospectionOfAnOpaqueTokenHasAllItsClaims(t *testing.T) {
	o := newSealedOffice(t)
	signed := o.signIn()
	refreshed, refused := o.Token(t.Context(), &oauth.TokenRequest{
		Credentials: o.credentials(o.secret), GrantType: oauth.GrantRefreshToken, RefreshToken: signed.Refresh,
	})
	o.fine(refused)
	machine, refused := o.machineToken(o.secret)
	o.fine(refused)
	for name, c := range map[string]struct{ token, claims string }{
		"of a code":    {signed.Access, "iss sub aud client_id iat exp jti scope auth_time acr amr sid gid rvs"},
		"of a refresh": {refreshed.Access, "iss sub aud client_id iat exp jti scope auth_time acr amr sid gid rvs"},
		"of a client":  {machine, "iss sub aud client_id iat exp jti scope rvs"},
	} {
		if !strings.HasPrefix(c.token, "mat_") {
			t.Fatalf("%s: the token is %s", name, c.token)
		}
		answer, refused := o.Introspect(t.Context(), &oauth.IntrospectionRequest{Credentials: o.credentials(o.secret), Token: c.token})
		o.fine(refused)
		var members map[string]any
		o.must(json.Unmarshal(answer.JSON(), &members))
		for _, claim := range append(strings.Fields(c.claims), "active", "token_type") {
			if members[claim] == nil {
				t.Errorf("%s: there is no %s in %v", name, claim, members)
			}
			delete(members, claim)
		}
		if len(members) != 0 {
			t.Errorf("%s: there is more: %v", name, members)
		}
	}
	if told, refused := o.Userinfo(t.Context(), signed.Access, nil); refused != nil || !strings.Contains(string(told.JSON), `"sub":"`+o.ana+`"`) {
		t.Errorf("userinfo says %s, %v", told.JSON, refused)
	}
}

// Compromise is of a place, not of a key: the root lies where the signing keys lie.
func TestAnEmergencyKillsEveryOpaqueToken(t *testing.T) {
	o := newSealedOffice(t)
	tokens := o.signIn()
	before := o.roots(record.RootAccess)
	o.must(o.RotateKeys(t.Context(), false))
	if !o.active(tokens.Access) || o.roots(record.RootAccess)[0] != before[0] {
		t.Fatal("a rotation on demand ended an opaque token, or the root")
	}
	others := o.json([][]int64{o.roots(record.RootRefresh), o.roots(record.RootReference), o.roots(record.RootForms)})
	o.must(o.RotateKeys(t.Context(), true))
	if o.active(tokens.Access) {
		t.Error("an opaque token is active after an emergency")
	}
	if _, refused := o.Userinfo(t.Context(), tokens.Access, nil); refused == nil || refused.Code != oauth.InvalidToken {
		t.Errorf("userinfo answers %v", refused)
	}
	after := o.roots(record.RootAccess)
	if len(after) != 1 || after[0] <= before[0] {
		t.Errorf("the roots were %v and are %v: a copy of the old one would still seal", before, after)
	}
	if now := o.json([][]int64{o.roots(record.RootRefresh), o.roots(record.RootReference), o.roots(record.RootForms)}); now != others {
		t.Errorf("the other roots were %s and are %s", others, now)
	}
	fresh, refused := o.machineToken(o.secret)
	o.fine(refused)
	if !o.active(fresh) || !strings.HasPrefix(fresh, "mat_") {
		t.Error("a token of the new root is not active")
	}
	o.fine(o.refresh(tokens.Refresh)) // sealed by no root: it lives
	again := o.reopen()
	defer again.Close()
	for token, want := range map[string]bool{tokens.Access: false, fresh: true} {
		answer, refused := again.Introspect(t.Context(), &oauth.IntrospectionRequest{Credentials: o.credentials(o.secret), Token: token})
		o.fine(refused)
		if answer.Active != want {
			t.Errorf("after a restart it is active: %v, want %v", answer.Active, want)
		}
	}
}

// The first release knew three roots. Its database gets the fourth at the start,
// and what was made under the three goes on.
func TestADatabaseOfAnEarlierReleaseGetsTheRootOfOpaqueTokens(t *testing.T) {
	o := newOffice(t)
	given, code, form := o.signIn(), o.Reference(oauth.Refuse(oauth.ReasonCodeUsed)), string(o.FormKey())
	o.Close()
	o.must(o.store.Commit(t.Context(), []record.Change{record.DropRoot{KeyID: o.roots(record.RootAccess)[0]}}))
	o.Engine = o.reopen()
	if got := o.roots(record.RootAccess); len(got) != 1 {
		t.Fatalf("the roots of opaque tokens are %v", got)
	}
	o.fine(o.refresh(given.Refresh))
	if got, err := o.Explain(t.Context(), code); err != nil || got.Reason != oauth.ReasonCodeUsed || string(o.FormKey()) != form {
		t.Errorf("the reference code says %+v, %v; or the form key is another", got, err)
	}
	shop := shopForm()
	shop.Settings.AccessFormat = record.AccessOpaque
	_, err := o.UpdateClient(t.Context(), "shop", shop, 0)
	o.must(err)
	if token, refused := o.machineToken(o.secret); refused != nil || !o.active(token) || !strings.HasPrefix(token, "mat_") {
		t.Errorf("the token is %s, %v", token, refused)
	}
}

func TestAnAccessTokenIsAJWTOrOpaqueAndNothingElse(t *testing.T) {
	o := newOffice(t)
	form := shopForm()
	form.Settings.AccessFormat = "paseto"
	_, err := o.UpdateClient(t.Context(), "shop", form, 0)
	o.refused(err, engine.Invalid, "access_token_format")
	_, err = o.UpdateResource(t.Context(), officeAPI, record.ResourceSettings{AccessFormat: "Opaque"}, 0)
	o.refused(err, engine.Invalid, "access_token_format")
}
