package engine_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

func TestARefusedClientIsToldAllThatIsWrongAndLeavesNothing(t *testing.T) {
	o := newOffice(t)
	before, _, err := o.ClientPage(t.Context(), "")
	o.must(err)
	tooLong := int64(301)
	no := false
	_, err = o.CreateClient(t.Context(), "Shop!", engine.ClientForm{Name: " x\u202e", Settings: record.ClientSettings{
		RedirectURIs: []string{"https://a.example/*", "javascript:alert(1)"}, PostLogoutRedirectURIs: []string{"http://a.example"},
		GrantTypes: []string{"refresh_token", "implicit", "client_credentials"}, TokenEndpointAuthMethod: "none",
		ApplicationType: "desktop", Scope: "openid  profile", Resources: []string{"https://nobody.example"},
		DefaultResource: "https://nowhere.example", TokenProfile: "fancy", SecurityProfile: "fapi", PKCE: "optional",
		ReadAttributes: []string{"shoe_size"}, LogoURI: "http://a.example/l.png", ClientURI: "a.example", PolicyURI: "https://u@a.example",
		TosURI: "https:", AccessTTL: 10, IDTTL: 90000, RefreshIdleTTL: -1, RefreshAbsoluteTTL: 1 << 40, RetryWindow: &tooLong,
		RotateRefresh: &no, IDTokenSigningAlg: "HS256",
	}})
	o.refused(err, engine.Invalid, "client_id", "name", "redirect_uris", "post_logout_redirect_uris", "grant_types",
		"application_type", "scope", "resources", "default_resource", "token_profile", "security_profile", "pkce",
		"read_attributes", "logo_uri", "client_uri", "policy_uri", "tos_uri", "access_token_ttl", "id_token_ttl",
		"refresh_idle_ttl", "refresh_absolute_ttl", "retry_window", "rotate_refresh", "id_token_signed_response_alg")
	after, _, err := o.ClientPage(t.Context(), "")
	o.must(err)
	if len(after) != len(before) {
		t.Errorf("there are %d clients, before there were %d", len(after), len(before))
	}
}

func TestWhatAClientMayBe(t *testing.T) {
	o := newOffice(t)
	machine := []string{oauth.GrantClientCredentials}
	code := []string{oauth.GrantAuthorizationCode}
	uris := []string{"https://a.example/cb"}
	for _, c := range []struct {
		name  string
		id    string
		s     record.ClientSettings
		wrong string // the field; empty: it is fine
	}{
		{"a machine", "", record.ClientSettings{GrantTypes: machine}, ""},
		{"nothing granted", "", record.ClientSettings{}, "grant_types"},
		{"code without an address", "", record.ClientSettings{GrantTypes: code}, "redirect_uris"},
		{"an address without code", "", record.ClientSettings{GrantTypes: machine, RedirectURIs: uris}, ""},
		{"refresh alone", "", record.ClientSettings{GrantTypes: []string{"refresh_token"}}, "grant_types"},
		{"the same twice", "", record.ClientSettings{GrantTypes: append(machine, machine...)}, "grant_types"},
		{"a public machine, RFC 6749 §4.4", "", record.ClientSettings{GrantTypes: machine, TokenEndpointAuthMethod: "none"}, "grant_types"},
		{"a public client without PKCE, RFC 9700 §2.1.1", "", record.ClientSettings{GrantTypes: code, RedirectURIs: uris, TokenEndpointAuthMethod: "none", PKCE: "optional"}, "pkce"},
		{"a confidential one without", "", record.ClientSettings{GrantTypes: code, RedirectURIs: uris, PKCE: "optional"}, ""},
		{"an id that is taken", "shop", record.ClientSettings{GrantTypes: machine}, "client_id"},
		{"an id that looks generated, RFC 9700 §4.15.1", "aaaaaaaaaaaaaaaaaaaaaw", record.ClientSettings{GrantTypes: machine}, "client_id"},
		{"an id of two letters", "ab", record.ClientSettings{GrantTypes: machine}, "client_id"},
		{"a chosen id", "machine-2", record.ClientSettings{GrantTypes: machine}, ""},
		{"the shortest lifetime", "", record.ClientSettings{GrantTypes: machine, AccessTTL: 300}, ""},
		{"a shorter one", "", record.ClientSettings{GrantTypes: machine, AccessTTL: 299}, "access_token_ttl"},
		{"the longest", "", record.ClientSettings{GrantTypes: machine, AccessTTL: 86400}, ""},
		{"a longer one", "", record.ClientSettings{GrantTypes: machine, AccessTTL: 86401}, "access_token_ttl"},
		{"pairwise, of one host", "", record.ClientSettings{GrantTypes: code, RedirectURIs: append(uris, "https://a.example:8443/x"), SubjectType: "pairwise"}, ""},
		{"pairwise, of two hosts, OpenID Connect Core §8.1", "", record.ClientSettings{GrantTypes: code, RedirectURIs: append(uris, "https://b.example/cb"), SubjectType: "pairwise"}, "sector_identifier_uri"},
		{"pairwise, of an app's own scheme", "", record.ClientSettings{GrantTypes: code, RedirectURIs: []string{"com.example.app:/cb"}, SubjectType: "pairwise"}, "sector_identifier_uri"},
		{"pairwise without an address", "", record.ClientSettings{GrantTypes: machine, SubjectType: "pairwise"}, "sector_identifier_uri"},
		{"neither", "", record.ClientSettings{GrantTypes: machine, SubjectType: "Public"}, "subject_type"},
		{"a sector of this machine, RFC 8725 §3.10", "", record.ClientSettings{GrantTypes: code, RedirectURIs: uris, SectorIdentifierURI: "https://127.0.0.1:9/list"}, "sector_identifier_uri"},
		{"a sector over http", "", record.ClientSettings{GrantTypes: code, RedirectURIs: uris, SectorIdentifierURI: "http://a.example/list"}, "sector_identifier_uri"},
		{"userinfo signed by a secret", "", record.ClientSettings{GrantTypes: machine, UserinfoSigningAlg: "HS256"}, "userinfo_signed_response_alg"},
		{"ID tokens that nobody signs", "", record.ClientSettings{GrantTypes: machine, IDTokenSigningAlg: "none"}, "id_token_signed_response_alg"},
		{"a response mode that there is not", "", record.ClientSettings{GrantTypes: machine, ResponseModes: []string{"fragment"}}, "response_modes"},
		{"forms to an app's own scheme alone", "", record.ClientSettings{GrantTypes: code, RedirectURIs: []string{"com.example.app:/cb"}, ResponseModes: []string{"form_post"}}, "response_modes"},
		{"ten years", "", record.ClientSettings{GrantTypes: machine, RefreshAbsoluteTTL: 3650 * 86400}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := o.CreateClient(t.Context(), c.id, engine.ClientForm{Name: "A client", Settings: c.s})
			if c.wrong == "" {
				o.must(err)
				return
			}
			o.refused(err, engine.Invalid, c.wrong)
		})
	}
}

func TestDefaultsStandInForWhatIsLeftOut(t *testing.T) {
	o := newOffice(t)
	app, err := o.CreateClient(t.Context(), "", engine.ClientForm{Name: "App", Settings: record.ClientSettings{
		GrantTypes: []string{oauth.GrantAuthorizationCode}, RedirectURIs: []string{"http://127.0.0.1/cb"}, TokenEndpointAuthMethod: "none",
	}})
	o.must(err)
	stored, err := o.ClientByID(t.Context(), app.ID)
	o.must(err)
	s := stored.Settings
	if s.TokenProfile != "standard" || s.SecurityProfile != "oidc" || s.PKCE != "required" || s.ApplicationType != "native" {
		t.Errorf("the defaults are %+v", s)
	}
	if app.Secret != "" || len(stored.Secrets) != 0 {
		t.Error("a public client has a secret")
	}
	if o.shop.Settings.ApplicationType != "web" || o.shop.Settings.TokenEndpointAuthMethod != "client_secret_basic" {
		t.Errorf("the shop's defaults are %+v", o.shop.Settings)
	}
}

func TestTwoSecretsLiveWhileOneIsRotated(t *testing.T) {
	o := newOffice(t)
	second, err := o.RotateClientSecret(t.Context(), "shop", 3600)
	o.must(err)
	for _, secret := range []string{o.secret, second.Secret} {
		if _, err := o.machineToken(secret); err != nil {
			t.Errorf("a live secret is refused: %v", err)
		}
	}
	third, err := o.RotateClientSecret(t.Context(), "shop", 0)
	o.must(err)
	for _, secret := range []string{o.secret, second.Secret} {
		if _, err := o.machineToken(secret); err == nil || err.Code != oauth.InvalidClient {
			t.Errorf("a secret that ended is answered with %v", err)
		}
	}
	if _, err := o.machineToken(third.Secret); err != nil {
		t.Errorf("the new secret is refused: %v", err)
	}
	_, err = o.RotateClientSecret(t.Context(), "shop", 31*24*3600)
	o.refused(err, engine.Invalid, "keep_seconds")
	o.audited("client_created", "secret_rotated")
}

func TestAClientThatIsDisabledOrDeletedHasNothingLeft(t *testing.T) {
	o := newOffice(t)
	tokens := o.signIn()
	o.must(o.DisableClient(t.Context(), "shop"))
	if _, err := o.machineToken(o.secret); err == nil || err.Code != oauth.InvalidClient {
		t.Errorf("a disabled client is answered with %v", err)
	}
	o.must(o.EnableClient(t.Context(), "shop"))
	o.allDead(tokens)

	again := o.signIn()
	o.must(o.DeleteClient(t.Context(), "shop"))
	o.refused(o.DeleteClient(t.Context(), "shop"), engine.NotFound)
	_, err := o.CreateClient(t.Context(), "shop", shopForm())
	o.must(err)
	reborn, err := o.RotateClientSecret(t.Context(), "shop", 0)
	o.must(err)
	o.secret = reborn.Secret
	o.allDead(again)
	o.audited("client_disabled", "client_enabled", "client_deleted")
}

func TestOfManyWhoChangeOneVersionOneWins(t *testing.T) {
	o := newOffice(t)
	read, err := o.ClientByID(t.Context(), "shop")
	o.must(err)
	const many = 8
	results := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			form := shopForm()
			form.Name = "Shop " + strings.Repeat("I", i+1)
			_, results[i] = o.UpdateClient(t.Context(), "shop", form, read.Version)
		})
	}
	all.Wait()
	won := -1
	for i, err := range results {
		if err == nil && won < 0 {
			won = i
			continue
		}
		o.refused(err, engine.Conflict)
	}
	after, err := o.ClientByID(t.Context(), "shop")
	o.must(err)
	if won < 0 || after.Name != "Shop "+strings.Repeat("I", won+1) || after.Version != read.Version+1 {
		t.Errorf("%d won, and the client is %q, version %d", won, after.Name, after.Version)
	}
}

func TestUpdatesWithoutAVersionAllHappen(t *testing.T) {
	o := newOffice(t)
	read, err := o.ClientByID(t.Context(), "shop")
	o.must(err)
	var all sync.WaitGroup
	results := make([]error, 3)
	for i := range results {
		all.Go(func() { _, results[i] = o.UpdateClient(t.Context(), "shop", shopForm(), 0) })
	}
	all.Wait()
	for _, err := range results {
		o.must(err)
	}
	after, err := o.ClientByID(t.Context(), "shop")
	o.must(err)
	if after.Version != read.Version+3 {
		t.Errorf("the version is %d, before three updates it was %d", after.Version, read.Version)
	}
}

func TestAConfidentialClientDoesNotBecomePublic(t *testing.T) {
	o := newOffice(t)
	form := shopForm()
	form.Settings.TokenEndpointAuthMethod = "none"
	form.Settings.GrantTypes = []string{oauth.GrantAuthorizationCode}
	_, err := o.UpdateClient(t.Context(), "shop", form, 0)
	o.refused(err, engine.Invalid, "token_endpoint_auth_method")
	if _, err := o.machineToken(o.secret); err != nil {
		t.Errorf("the refused update changed something: %v", err)
	}
}

func TestScopesThatAClientCannotHaveAreWarnedOf(t *testing.T) {
	o := newOffice(t)
	form := shopForm()
	form.Settings.ReadAttributes = []string{"email", "email_verified", "phone_number"}
	shop, err := o.UpdateClient(t.Context(), "shop", form, 0)
	o.must(err)
	if !slices.ContainsFunc(shop.Warnings, func(w string) bool { return strings.Contains(w, "scope profile will be refused") }) ||
		!slices.ContainsFunc(shop.Warnings, func(w string) bool { return strings.Contains(w, "phone_number_verified") }) ||
		slices.ContainsFunc(shop.Warnings, func(w string) bool { return strings.Contains(w, "scope email") }) {
		t.Errorf("the warnings are %q", shop.Warnings)
	}
	form.Settings.ReadAttributes = []string{} // may read nothing, which is not the same as all
	_, err = o.UpdateClient(t.Context(), "shop", form, 0)
	o.must(err)
	stored, err := o.ClientByID(t.Context(), "shop")
	o.must(err)
	if stored.Settings.ReadAttributes == nil || stored.Reads("email") || len(stored.Warnings) != 3 {
		t.Errorf("a client that may read nothing reads %v, warned of %q", stored.Settings.ReadAttributes, stored.Warnings)
	}
	form.Settings.ReadAttributes = nil
	shop, err = o.UpdateClient(t.Context(), "shop", form, 0)
	o.must(err)
	if len(shop.Warnings) != 0 {
		t.Errorf("a client that may read all is warned of %q", shop.Warnings)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	o := newOffice(t)
	_, client := o.ClientByID(t.Context(), "nobody")
	_, update := o.UpdateClient(t.Context(), "nobody", shopForm(), 0)
	_, rotate := o.RotateClientSecret(t.Context(), "nobody", 0)
	_, user := o.UserByID(t.Context(), "nobody")
	_, password := o.SetPassword(t.Context(), "nobody", goodPassword)
	_, profile := o.UpdateUser(t.Context(), "nobody", engine.Profile{Email: "a@b.example"}, 0)
	_, resource := o.ResourceByAudience(t.Context(), "https://nobody.example")
	_, settings := o.UpdateResource(t.Context(), "https://nobody.example", record.ResourceSettings{}, 0)
	for _, err := range []error{
		client, update, rotate, user, password, profile, resource, settings,
		o.DisableUser(t.Context(), "nobody"), o.EnableUser(t.Context(), "nobody"), o.DeleteUser(t.Context(), "nobody"),
		o.DisableClient(t.Context(), "nobody"), o.EnableClient(t.Context(), "nobody"), o.DeleteClient(t.Context(), "nobody"),
		o.DeleteResource(t.Context(), "nobody"), o.EndSession(t.Context(), "nobody"), o.EndGrant(t.Context(), "nobody"),
	} {
		o.refused(err, engine.NotFound)
	}
}
