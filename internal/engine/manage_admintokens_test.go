package engine_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

const elsewhere = "192.0.2.0/24"

func TestAnAdminTokenIsOfUseUntilItIsTakenBackOrEnds(t *testing.T) {
	o := newOffice(t)
	made, err := o.CreateAdminToken(t.Context(), engine.AdminTokenForm{Name: "deploy", Scopes: []string{"users:read", "clients:read"}, TTL: 60})
	o.must(err)
	if !reflect.DeepEqual(made.Scopes, []string{"clients:read", "users:read"}) || !strings.HasPrefix(made.Token, "mst_") || made.UsedAt != 0 {
		t.Errorf("made %+v", made)
	}
	got, refused := o.AdmitAdmin(t.Context(), made.Token, elsewhere)
	o.fine(refused)
	page, next, err := o.AdminTokenPage(t.Context(), "")
	o.must(err)
	if got.Name != "deploy" || len(page) != 1 || next != "deploy" || page[0].Token != "" || page[0].UsedAt == 0 {
		t.Errorf("let in %+v; there are %+v", got, page)
	}
	for shown, reason := range map[string]oauth.Reason{
		"mst_" + strings.Repeat("A", 43): oauth.ReasonAdminTokenWrong, made.Token[:46]: oauth.ReasonTokenMalformed, made.Token + "A": oauth.ReasonTokenMalformed, o.secret: oauth.ReasonTokenMalformed,
	} {
		if _, refused := o.AdmitAdmin(t.Context(), shown, elsewhere); refused == nil || refused.Reason != reason {
			t.Errorf("%s: %v", shown[:4], refused)
		}
	}
	o.must(o.DeleteAdminToken(t.Context(), "deploy"))
	if _, refused := o.AdmitAdmin(t.Context(), made.Token, elsewhere); refused == nil || refused.Reason != oauth.ReasonAdminTokenWrong {
		t.Errorf("after it was deleted: %v", refused)
	}
	if refusal, ok := errors.AsType[*engine.Refusal](o.DeleteAdminToken(t.Context(), "deploy")); !ok || refusal.Kind != engine.NotFound {
		t.Error("it was deleted twice")
	}
}

func TestAnAdminTokenThatIsNotRightIsNotMade(t *testing.T) {
	o := newOffice(t)
	good := engine.AdminTokenForm{Name: "deploy", Scopes: []string{"users:read"}, TTL: 60}
	_, err := o.CreateAdminToken(t.Context(), good)
	o.must(err)
	for field, change := range map[string]func(*engine.AdminTokenForm){
		"name":                     func(f *engine.AdminTokenForm) { f.Name = "Deploy\n" },
		"name, taken":              func(f *engine.AdminTokenForm) { f.Name = "deploy" },
		"scopes":                   func(f *engine.AdminTokenForm) { f.Scopes = nil },
		"scopes, unknown":          func(f *engine.AdminTokenForm) { f.Scopes = []string{"users:delete"} },
		"scopes, twice":            func(f *engine.AdminTokenForm) { f.Scopes = []string{"users:read", "users:read"} },
		"scopes, those of a token": func(f *engine.AdminTokenForm) { f.Scopes = []string{"admin-tokens:write"} },
		"ttl":                      func(f *engine.AdminTokenForm) { f.TTL = 0 },
		"ttl, for ever":            func(f *engine.AdminTokenForm) { f.TTL = 366*24*3600 + 1 },
	} {
		form := good
		form.Name, form.Scopes = "other", slices.Clone(good.Scopes)
		change(&form)
		_, err := o.CreateAdminToken(t.Context(), form)
		refusal, ok := errors.AsType[*engine.Refusal](err)
		if name, _, _ := strings.Cut(field, ","); !ok || len(refusal.Fields) != 1 || refusal.Fields[0].Field != name {
			t.Errorf("%s: %v", field, err)
		}
	}
	if page, _, err := o.AdminTokenPage(t.Context(), ""); err != nil || len(page) != 1 {
		t.Errorf("there are %v, %v", page, err)
	}
}

// What an administrator does elsewhere has their token's name, in the audit trail and
// in the log.
func TestActsFromElsewhereNameTheToken(t *testing.T) {
	o := newOffice(t)
	ctx := engine.As(t.Context(), "deploy")
	o.must(o.DisableClient(ctx, "shop"))
	_, err := o.SetPassword(ctx, o.ana, "quarry lantern 1138 moth")
	o.must(err)
	o.must(o.RotateKeys(ctx, false))
	_, err = o.CreateResource(ctx, "https://more.example", record.ResourceSettings{})
	o.must(err)
	_, err = o.RevokeFor(ctx, o.order("all"))
	o.must(err)
	rows, _, err := o.AuditPage(t.Context(), "")
	o.must(err)
	seen := map[string]bool{}
	for _, row := range rows {
		if row.Actor == "admin:deploy" {
			seen[row.Event] = true
		}
	}
	for _, event := range []string{"client_disabled", "client_cut", "password_set", "user_cut", "key_active", "resource_created", "all_cut"} {
		if !seen[event] {
			t.Errorf("there is no %s by the token; there are %v", event, seen)
		}
	}
}
