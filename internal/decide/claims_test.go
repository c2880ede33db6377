package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// TestWhatIsAskedForByNameIsWhatTheClientMayHave: OpenID Connect Core §5.5 and
// seed S1. The list of attributes decides; without one the scopes do.
func TestWhatIsAskedForByNameIsWhatTheClientMayHave(t *testing.T) {
	for name, tc := range map[string]struct {
		scope string
		reads []string
		want  []string
	}{
		"by its scopes":                  {"openid email", nil, []string{"email"}},
		"no scope of the user's":         {"openid", nil, nil},
		"by its list":                    {"openid", []string{"name", "address"}, []string{"address", "name"}},
		"its list is less than a scope":  {"openid email", []string{"name"}, []string{"name"}},
		"an empty list is no attributes": {"openid email", []string{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAuthorize()
			c.st.Client.ScopeList, c.st.Client.Settings.ReadAttributes = record.SplitScope(tc.scope), tc.reads
			c.st.Client.Settings.FirstParty = true
			c.ask.Request.Scope = oauth.NewScopes("openid")
			asked := []string{"address", "email", "name"}
			c.ask.Request.Claims = &oauth.ClaimsRequest{Userinfo: asked, IDToken: asked}
			got := c.run()
			if where(got) != "code" {
				t.Fatalf("it leads to %s", where(got))
			}
			for _, change := range got.Changes {
				if put, ok := change.(record.PutCode); ok {
					if diff := cmp.Diff(record.AskedClaims{Userinfo: tc.want, IDToken: tc.want}, put.Code.Request.Claims, cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("claims (-want +got):\n%s", diff)
					}
				}
			}
		})
	}
}

// TestConsentCoversClaimsAndTheClientAsItWas: what was allowed by name or by a
// scope is not asked for again; more is, and so is another face of the client.
func TestConsentCoversClaimsAndTheClientAsItWas(t *testing.T) {
	another := func(change func(*record.Client)) string {
		client := pageClient()
		change(client)
		return face(client)
	}
	for name, tc := range map[string]struct {
		given *record.Consent
		asked []string
		want  string
	}{
		"nothing by name":                 {&record.Consent{Scope: []string{"email", "openid"}}, nil, "code"},
		"an attribute of a scope given":   {&record.Consent{Scope: []string{"email", "openid"}}, []string{"email_verified"}, "code"},
		"an attribute of a scope of then": {&record.Consent{Scope: []string{"email", "openid", "profile"}}, []string{"name"}, "code"},
		"an attribute that was allowed":   {&record.Consent{Scope: []string{"email", "openid"}, Claims: []string{"name"}}, []string{"name"}, "code"},
		"one more":                        {&record.Consent{Scope: []string{"email", "openid"}, Claims: []string{"name"}}, []string{"name", "nickname"}, "consent page"},
		"an attribute for the first time": {&record.Consent{Scope: []string{"email", "openid"}}, []string{"name"}, "consent page"},
		"the same client":                 {&record.Consent{Scope: []string{"email", "openid"}, Face: face(pageClient())}, nil, "code"},
		"the client had another name": {&record.Consent{
			Scope: []string{"email", "openid"}, Face: another(func(c *record.Client) { c.Name = "Shopp" }),
		}, nil, "consent page"},
		"the client had one more address": {&record.Consent{
			Scope: []string{"email", "openid"}, Face: another(func(c *record.Client) { c.Settings.RedirectURIs = append(c.Settings.RedirectURIs, "https://x.example") }),
		}, nil, "consent page"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAuthorize()
			c.st.Consent = tc.given
			c.ask.Request.Claims = &oauth.ClaimsRequest{Userinfo: tc.asked}
			if got := where(c.run()); got != tc.want {
				t.Errorf("it leads to %s, want %s", got, tc.want)
			}
		})
	}
}

// TestAYesIsForTheClientAsItIsNow: what was allowed another face is not added to.
func TestAYesIsForTheClientAsItIsNow(t *testing.T) {
	for name, tc := range map[string]struct {
		before *record.Consent
		want   record.Consent
	}{
		"the same face": {
			&record.Consent{Scope: []string{"openid", "phone"}, Claims: []string{"nickname"}, Face: face(pageClient())},
			record.Consent{Scope: []string{"email", "openid", "phone"}, Claims: []string{"name", "nickname"}},
		},
		"another": {
			&record.Consent{Scope: []string{"openid", "phone"}, Claims: []string{"nickname"}, Face: "another"},
			record.Consent{Scope: []string{"email", "openid"}, Claims: []string{"name"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			st, env := pageState(), tokenEnv()
			st.Consent = tc.before
			st.Interaction.Request.Claims = &oauth.ClaimsRequest{IDToken: []string{"name"}}
			got := Consent(answered(true, st), pageBrowser(), st, nil, env)
			tc.want.UserID, tc.want.ClientID, tc.want.Face, tc.want.MadeAt = "ana", "shop", face(st.Client), tokenNow
			for _, change := range got.Changes {
				if put, ok := change.(record.PutConsent); ok {
					if diff := cmp.Diff(tc.want, put.Consent); diff != "" {
						t.Errorf("consent (-want +got):\n%s", diff)
					}
					return
				}
			}
			t.Errorf("nothing is remembered: %v", got.Changes)
		})
	}
}

// TestAnIDTokenTellsWhatWasAskedForThere: §5.5, in the first and in every renewed
// one alike (§12.2), and no longer than the client may read it.
func TestAnIDTokenTellsWhatWasAskedForThere(t *testing.T) {
	asked := record.AskedClaims{Userinfo: []string{"nickname"}, IDToken: []string{"email", "email_verified", "name"}}
	want := []record.Claim{{Name: "email", Value: []byte(`"ana@shop.example"`)}, {Name: "email_verified", Value: []byte("true")}}

	first := newExchange(tokenClient())
	first.st.Code.Request.Claims, first.st.User = asked, pageUser()
	made := first.run()
	wantRefusal(t, made.Err, "", "")
	if diff := cmp.Diff(want, made.Answer.ID.Claims); diff != "" {
		t.Errorf("the first ID token (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(asked.Userinfo, made.Answer.Access.Userinfo); diff != "" {
		t.Errorf("the access token (-want +got):\n%s", diff)
	}

	again := newRefresh(tokenClient(), 4)
	again.st.Grant.Claims, again.st.User = asked, pageUser()
	renewed := again.run()
	wantRefusal(t, renewed.Err, "", "")
	if diff := cmp.Diff(want, renewed.Answer.ID.Claims); diff != "" {
		t.Errorf("a renewed ID token (-want +got):\n%s", diff)
	}
	again.st.Client.Settings.ReadAttributes = []string{"email"}
	if got := again.run(); len(got.Answer.ID.Claims) != 1 {
		t.Errorf("what was taken from the client is told: %v", got.Answer.ID.Claims)
	}
}
