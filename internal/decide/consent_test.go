package decide

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// TestAYesGivesTheCodeAndIsRemembered: the page is spent, the code is given and
// the consent is kept in one plan.
func TestAYesGivesTheCodeAndIsRemembered(t *testing.T) {
	for name, tc := range map[string]struct {
		before *record.Consent
		after  []string
	}{
		"nothing was allowed before": {nil, []string{"email", "openid"}},
		"something was":              {&record.Consent{Scope: []string{"openid", "phone"}, Cut: 7}, []string{"email", "openid", "phone"}},
		"an app that was removed":    {&record.Consent{Cut: tokenLC}, []string{"email", "openid"}},
	} {
		t.Run(name, func(t *testing.T) {
			st, env := pageState(), tokenEnv()
			st.Consent = tc.before
			got := Consent(answered(true, st), pageBrowser(), st, nil, env)
			if where(got) != "code" {
				t.Fatalf("it leads to %s", where(got))
			}
			want := []record.Change{
				record.UseInteraction{IDHash: secret.Hash("page"), At: tokenNow},
				seen,
				record.PutCode{Code: pageCode(env)},
				record.PutConsent{Consent: record.Consent{UserID: "ana", ClientID: "shop", Scope: tc.after, Face: face(st.Client), MadeAt: tokenNow}},
				record.Audit{
					At: tokenNow, Event: "consent_given", Actor: "user:ana", UserID: "ana", ClientID: "shop", Detail: "email openid",
				},
			}
			if diff := diffChanges(want, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestANoGoesBackToTheClient: RFC 6749 §4.1.2.1, access_denied, with state.
func TestANoGoesBackToTheClient(t *testing.T) {
	for name, change := range map[string]func(*record.InteractionState){
		"first time":        func(st *record.InteractionState) { st.Consent = nil },
		"asked once more":   func(st *record.InteractionState) { st.Interaction.Request.Prompt = []string{"consent"} },
		"already allowed":   func(*record.InteractionState) {},
		"an app of our own": func(st *record.InteractionState) { st.Client.Settings.FirstParty = true },
	} {
		t.Run(name, func(t *testing.T) {
			st, env := pageState(), tokenEnv()
			change(st)
			got := Consent(answered(false, st), pageBrowser(), st, nil, env)
			wantRefusal(t, got.Err, oauth.ReasonUserDenied, oauth.AccessDenied)
			to, _ := oauth.MatchRedirectURI([]string{tokenRedirect}, tokenRedirect, false)
			answer := AuthorizeAnswer{ClientID: "shop", To: to, CanRedirect: true, State: "a state", Mode: "query"}
			if diff := cmp.Diff(answer, got.Answer, cmp.AllowUnexported(oauth.RedirectURI{})); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			want := []record.Change{
				record.UseInteraction{IDHash: secret.Hash("page"), At: tokenNow},
				record.Audit{
					At: tokenNow, Event: "consent_denied", Actor: "user:ana", UserID: "ana", ClientID: "shop", Detail: "email openid",
				},
			}
			if diff := diffChanges(want, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOnlyWhoIsSignedInAnswersForThemselves: an answer without a session that is
// alive, or of somebody else than was asked for, has no effect.
func TestOnlyWhoIsSignedInAnswersForThemselves(t *testing.T) {
	changes := deadSessions()
	changes["nobody"] = nil
	for _, allow := range []bool{true, false} {
		for cause, kill := range changes {
			st := pageState()
			if kill == nil {
				st.Session, st.User, st.Parents = nil, nil, record.Parents{}
			} else {
				kill(&st.Parents)
			}
			got := Consent(answered(allow, st), pageBrowser(), st, nil, tokenEnv())
			if where(got) != "login page" || len(got.Changes) != 0 {
				t.Errorf("allow %v, session %s: %s and %v", allow, cause, where(got), got.Changes)
			}
			if cause == "nobody" || cause == "user gone" {
				continue
			}
			view := ConsentView(pageBrowser(), st, tokenEnv())
			wantRefusal(t, view.Err, oauth.ReasonLoginRequired, oauth.LoginRequired)
		}
		hint := &record.VerifiedToken{Subject: "bob"}
		got := Consent(answered(allow, pageState()), pageBrowser(), pageState(), hint, tokenEnv())
		if where(got) != "login page" || len(got.Changes) != 0 {
			t.Errorf("allow %v, asked for bob: %s and %v", allow, where(got), got.Changes)
		}
	}
}

// TestAnAnswerIsForWhatTheClientMayHaveNow: the request is decided again, whole.
func TestAnAnswerIsForWhatTheClientMayHaveNow(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*record.InteractionState)
		reason oauth.Reason
		code   oauth.Code
	}{
		"the client was disabled": {func(st *record.InteractionState) {
			st.Client.Enabled = false
		}, oauth.ReasonClientDisabled, oauth.InvalidClient},
		"the redirect URI was taken away": {func(st *record.InteractionState) {
			st.Client.Settings.RedirectURIs = []string{"https://shop.example/other"}
		}, oauth.ReasonRedirectURIUnregistered, oauth.InvalidRequest},
		"the scopes were taken away": {func(st *record.InteractionState) {
			st.Client.ScopeList = []string{"phone"}
		}, oauth.ReasonScopeNotAllowed, oauth.InvalidScope},
	} {
		for _, allow := range []bool{true, false} {
			st := pageState()
			tc.change(st)
			got := Consent(answered(allow, st), pageBrowser(), st, nil, tokenEnv())
			wantRefusal(t, got.Err, tc.reason, tc.code)
			if len(got.Changes) != 0 {
				t.Errorf("%s, allow %v: a refusal writes %v", name, allow, got.Changes)
			}
			wantRefusal(t, ConsentView(pageBrowser(), st, tokenEnv()).Err, tc.reason, tc.code)
		}
	}
}

// TestTheConsentPageSaysWhatIsAllowed: ASVS 10.7.2, RFC 8252 §8.6.
func TestTheConsentPageSaysWhatIsAllowed(t *testing.T) {
	st, env := pageState(), tokenEnv()
	st.Interaction.Request.Scope = oauth.NewScopes("openid", "email", "orders:cancel", "offline_access")
	st.Interaction.Request.Resources = []string{tokenAPI}
	st.Resources[tokenAPI].Settings.AccessTTL = 60
	to, _ := oauth.MatchRedirectURI([]string{tokenRedirect}, tokenRedirect, false)
	want := Consenting{
		Client: st.Client, User: st.User, To: to,
		Scope: oauth.Scopes{"email", "offline_access", "openid"}, Resources: []string{tokenAPI},
		Offline: true, AccessTTL: minute, GrantTTL: 90 * 24 * hour,
	}
	got := ConsentView(pageBrowser(), st, env)
	wantRefusal(t, got.Err, "", "")
	if diff := cmp.Diff(want, got.Answer, cmp.AllowUnexported(oauth.RedirectURI{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Changes) != 0 {
		t.Errorf("looking at a page writes %v", got.Changes)
	}

	st.Client.Settings.GrantTypes = []string{"authorization_code"}
	st.Client.Settings.TokenEndpointAuthMethod, st.Client.Settings.ApplicationType = "none", "native"
	st.Client.Settings.RedirectURIs = []string{"com.example.app:/cb"}
	st.Interaction.Request.RedirectURI = "com.example.app:/cb"
	shown := ConsentView(pageBrowser(), st, env).Answer
	if !shown.Unassured || shown.Offline || shown.GrantTTL != 0 || slices.Contains(shown.Scope, "offline_access") {
		t.Errorf("an application that anyone can pass for, without refresh tokens: %+v", shown)
	}
}

// answered is an answer of the user whom the page asked, who is still signed in.
func answered(allow bool, st *record.InteractionState) ConsentForm {
	form := ConsentForm{Allow: allow}
	if st.Session != nil {
		form.UserID = st.Session.UserID
	}
	return form
}

// ASVS 10.7.1: consent is the user's own. A page that was shown to one user
// gives nothing away when another has signed in meanwhile, in another tab.
func TestAnAnswerCountsForNobodyButWhomThePageAsked(t *testing.T) {
	for _, allow := range []bool{true, false} {
		form := answered(allow, pageState())
		form.UserID = "somebody else"
		got := Consent(form, pageBrowser(), pageState(), nil, tokenEnv())
		if got.Err != nil || got.Answer.Page != PageConsent || got.Answer.Code != "" || got.Changes != nil {
			t.Errorf("allow %v: %+v", allow, got)
		}
	}
}
