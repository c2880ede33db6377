package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// authorizeCase is a request as it arrives from the client: the user is signed
// in and has consented.
type authorizeCase struct {
	ask Ask
	st  record.AuthorizeState
	env Env
}

func newAuthorize() *authorizeCase {
	request := pageRequest()
	return &authorizeCase{
		ask: Ask{Request: &request, By: pageBrowser()},
		st:  pageState().AuthorizeState,
		env: tokenEnv(),
	}
}

func (c *authorizeCase) run() Outcome[AuthorizeAnswer] { return Authorize(c.ask, &c.st, c.env) }

// where says where an authorization goes on.
func where(o Outcome[AuthorizeAnswer]) string {
	switch {
	case o.Err != nil:
		return string(o.Err.Reason)
	case o.Answer.Page == PageLogin:
		return "login page"
	case o.Answer.Page == PageConsent:
		return "consent page"
	case o.Answer.Page == PageChoose:
		return "account page"
	case o.Answer.Page == PageSignUp:
		return "sign-up page"
	}
	return "code"
}

// pageCode is the code that the request above gives.
func pageCode(env Env) record.Code {
	return record.Code{
		Hash:      secret.Hash(secret.NewOpaque(env.Seed, "code")),
		ClientID:  "shop",
		UserID:    "ana",
		SID:       "session",
		GID:       env.Seed.TimedID("gid", env.Now),
		Challenge: oauth.ChallengeOf(tokenVerifier),
		RVS:       tokenLC,
		EndsAt:    tokenNow + 60*second,
		Request: record.CodeRequest{
			RedirectURI:      tokenRedirect,
			RedirectURIGiven: true,
			Scope:            []string{"email", "openid"},
			Nonce:            "a nonce",
			Facts:            record.AuthnFacts{AuthTime: pageSignedIn, ACR: "aal1", AMR: []string{"pwd"}},
		},
	}
}

// seen moves the session's idle limit, never beyond its end.
var seen = record.SeeSession{ID: "session", SeenAt: tokenNow, IdleUntil: tokenNow + 2*hour}

// TestASessionAndAConsentGiveACode: what a code holds is the session's snapshot,
// so the grant that comes of it hangs from what was alive then (tokens.md, part 2).
func TestASessionAndAConsentGiveACode(t *testing.T) {
	c := newAuthorize()
	got := c.run()
	wantRefusal(t, got.Err, "", "")
	to, _ := oauth.MatchRedirectURI([]string{tokenRedirect}, tokenRedirect, false)
	want := AuthorizeAnswer{
		ClientID: "shop",
		To:       to, CanRedirect: true, Code: secret.NewOpaque(c.env.Seed, "code"), State: "a state", Mode: "query",
	}
	if diff := cmp.Diff(want, got.Answer, cmp.AllowUnexported(oauth.RedirectURI{})); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := diffChanges([]record.Change{seen, record.PutCode{Code: pageCode(c.env)}}, got.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestAPageWaitsForTheUser(t *testing.T) {
	c := newAuthorize()
	c.st.Session, c.st.Parents = nil, record.Parents{}
	got := c.run()
	if where(got) != "login page" {
		t.Fatalf("without a session: %s", where(got))
	}
	id := secret.NewOpaque(c.env.Seed, "interaction")
	if got.Answer.Interaction != id || len(id) != 43 {
		t.Errorf("the page's id is %q, want %q", got.Answer.Interaction, id)
	}
	want := []record.Change{record.PutInteraction{Interaction: record.Interaction{
		IDHash: secret.Hash(id), BrowserHash: c.ask.By.Hash, Request: *c.ask.Request,
		MadeAt: tokenNow, EndsAt: tokenNow + 15*minute,
	}}}
	if diff := diffChanges(want, got.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// TestARequestIsRefused: the order is the contract's, and what concerns client_id
// or redirect_uri stays on a page of ours (RFC 6749 §4.1.2.1).
func TestARequestIsRefused(t *testing.T) {
	const here, there = false, true
	for name, tc := range map[string]struct {
		change func(*authorizeCase)
		reason oauth.Reason
		code   oauth.Code
		goes   bool
	}{
		"unknown client":  {func(c *authorizeCase) { c.st.Client = nil }, oauth.ReasonClientUnknown, oauth.InvalidClient, here},
		"disabled client": {func(c *authorizeCase) { c.st.Client.Enabled = false }, oauth.ReasonClientDisabled, oauth.InvalidClient, here},
		"another redirect URI, RFC 9700 §2.1": {func(c *authorizeCase) {
			c.ask.Request.RedirectURI += "/"
		}, oauth.ReasonRedirectURIUnregistered, oauth.InvalidRequest, here},
		"another port for a web client, RFC 8252 §7.3": {func(c *authorizeCase) {
			c.st.Client.Settings.RedirectURIs = []string{"http://127.0.0.1:80/cb"}
			c.ask.Request.RedirectURI = "http://127.0.0.1:81/cb"
		}, oauth.ReasonRedirectURIUnregistered, oauth.InvalidRequest, here},
		"no redirect URI of two, RFC 6749 §3.1.2.3": {func(c *authorizeCase) {
			c.st.Client.Settings.RedirectURIs = append(c.st.Client.Settings.RedirectURIs, "https://shop.example/cb2")
			c.ask.Request.RedirectURI = ""
		}, oauth.ReasonRedirectURIMissing, oauth.InvalidRequest, here},
		"a fault of syntax after an unknown redirect URI": {func(c *authorizeCase) {
			c.ask.Syntax = oauth.Refuse(oauth.ReasonParameterRepeated)
			c.ask.Request.RedirectURI = "https://evil.example"
		}, oauth.ReasonRedirectURIUnregistered, oauth.InvalidRequest, here},
		"a fault of syntax": {func(c *authorizeCase) {
			c.ask.Syntax = oauth.Refuse(oauth.ReasonParameterRepeated)
		}, oauth.ReasonParameterRepeated, oauth.InvalidRequest, there},
		"no request object of a client that signs all, RFC 9101 §10.5": {func(c *authorizeCase) {
			c.st.Client.Settings.RequireSignedRequestObject = true
		}, oauth.ReasonRequestObjectMissing, oauth.InvalidRequest, there},
		"a registration, OpenID Connect Core §7.2.1": {func(c *authorizeCase) {
			c.ask.Request.Registration = "{}"
		}, oauth.ReasonRegistrationUnsupported, oauth.RegistrationNotSupported, there},
		"a client without the grant type": {func(c *authorizeCase) {
			c.st.Client.Settings.GrantTypes = []string{"client_credentials"}
		}, oauth.ReasonGrantNotAllowed, oauth.UnauthorizedClient, there},
		"no challenge, RFC 9700 §2.1.1": {func(c *authorizeCase) {
			c.ask.Request.CodeChallenge = ""
		}, oauth.ReasonPKCEMissing, oauth.InvalidRequest, there},
		"a hint that is not ours": {func(c *authorizeCase) {
			c.ask.BadHint = true
		}, oauth.ReasonParameterMalformed, oauth.InvalidRequest, there},
		"no scope that the client may have": {func(c *authorizeCase) {
			c.ask.Request.Scope = oauth.NewScopes("orders:cancel", "unheard-of")
		}, oauth.ReasonScopeNotAllowed, oauth.InvalidScope, there},
		"nothing but offline access for a client that cannot refresh": {func(c *authorizeCase) {
			c.st.Client.Settings.GrantTypes = []string{"authorization_code"}
			c.ask.Request.Scope = oauth.NewScopes("offline_access")
		}, oauth.ReasonScopeNotAllowed, oauth.InvalidScope, there},
		"a scope whose attributes it may not read": {func(c *authorizeCase) {
			c.st.Client.Settings.ReadAttributes = []string{"phone_number"}
		}, oauth.ReasonScopeAttributesUnreadable, oauth.InvalidScope, there},
		"an unknown resource, RFC 8707 §2": {func(c *authorizeCase) {
			c.ask.Request.Resources = []string{"https://unknown.example"}
		}, oauth.ReasonResourceUnknown, oauth.InvalidTarget, there},
		"a resource of others, RFC 8707 §2": {func(c *authorizeCase) {
			c.st.Client.Settings.Resources = nil
			c.ask.Request.Resources = []string{tokenAPI}
		}, oauth.ReasonResourceNotAllowed, oauth.InvalidTarget, there},
		"a response mode that the client does not take, ASVS 10.4.12": {func(c *authorizeCase) {
			c.st.Client.Settings.ResponseModes = []string{"query"}
			c.ask.Request.ResponseMode = "form_post"
		}, oauth.ReasonResponseModeUnsupported, oauth.InvalidRequest, there},
		"the default response mode for a client that takes another": {func(c *authorizeCase) {
			c.st.Client.Settings.ResponseModes = []string{"form_post"}
		}, oauth.ReasonResponseModeUnsupported, oauth.InvalidRequest, there},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAuthorize()
			tc.change(c)
			got := c.run()
			wantRefusal(t, got.Err, tc.reason, tc.code)
			if got.Answer.CanRedirect != tc.goes || (got.Answer.To.String() != "") != tc.goes {
				t.Errorf("it goes back to the client: %v, want %v", got.Answer.CanRedirect, tc.goes)
			}
			if !tc.goes && !got.Err.StaysHere() {
				t.Errorf("the error does not say that it stays here: it blames %q", got.Err.Param)
			}
			if len(got.Changes) != 0 {
				t.Errorf("a refusal writes: %v", got.Changes)
			}
		})
	}
}

// TestWhoMustSendAChallenge: RFC 9700 §2.1.1; security requirement C1.
func TestWhoMustSendAChallenge(t *testing.T) {
	for _, public := range []bool{true, false} {
		for _, mode := range []record.PKCEMode{"", record.PKCERequired, record.PKCEOptional} {
			for _, profile := range []record.SecurityProfile{"", record.OIDCProfile, "fapi2"} {
				c := newAuthorize()
				c.ask.Request.CodeChallenge = ""
				settings := &c.st.Client.Settings
				settings.PKCE, settings.SecurityProfile = mode, profile
				if public {
					settings.TokenEndpointAuthMethod = "none"
				}
				want := "pkce_missing"
				if !public && mode == record.PKCEOptional && profile == record.OIDCProfile {
					want = "code"
				}
				if got := where(c.run()); got != want {
					t.Errorf("public %v, pkce %q, profile %q: %s, want %s", public, mode, profile, got, want)
				}
			}
		}
	}
}

// TestAClientThatAnyoneCanPassForIsAskedAbout: RFC 8252 §8.6.
func TestAClientThatAnyoneCanPassForIsAskedAbout(t *testing.T) {
	for _, tc := range []struct {
		public bool
		uri    string
		prompt string
		want   string
	}{
		{true, "http://127.0.0.1/cb", "", "consent page"},
		{true, "http://127.0.0.1/cb", "none", "consent_required"},
		{true, "com.example.app:/cb", "", "consent page"},
		{true, "https://shop.example/cb", "", "code"},
		{false, "http://127.0.0.1/cb", "", "code"}, // it has a secret to show
	} {
		for _, own := range []bool{true, false} {
			c := newAuthorize()
			settings := &c.st.Client.Settings
			settings.RedirectURIs, settings.FirstParty, settings.ApplicationType = []string{tc.uri}, own, "native"
			if tc.public {
				settings.TokenEndpointAuthMethod = "none"
			}
			c.ask.Request.RedirectURI = tc.uri
			if tc.prompt != "" {
				c.ask.Request.Prompt = []string{tc.prompt}
			}
			if got := where(c.run()); got != tc.want {
				t.Errorf("public %v at %s, prompt %q, own %v: %s, want %s", tc.public, tc.uri, tc.prompt, own, got, tc.want)
			}
		}
	}
}

// TestWhatACodeIsForFollowsTheRequestAndTheClient: scope, resource, offline
// access, response mode and redirect URI.
func TestWhatACodeIsForFollowsTheRequestAndTheClient(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*authorizeCase)
		want   func(*record.CodeRequest)
		mode   string
	}{
		"narrowed to the client's list, RFC 6749 §3.3": {func(c *authorizeCase) {
			c.ask.Request.Scope = oauth.NewScopes("openid", "email", "orders:cancel")
		}, func(*record.CodeRequest) {}, "query"},
		"offline access, OpenID Connect Core §11": {func(c *authorizeCase) {
			c.ask.Request.Scope = oauth.NewScopes("openid", "offline_access")
		}, func(r *record.CodeRequest) { r.Scope, r.Offline = []string{"offline_access", "openid"}, true }, "query"},
		"offline access without refresh tokens is ignored": {func(c *authorizeCase) {
			c.ask.Request.Scope = oauth.NewScopes("openid", "offline_access")
			c.st.Client.Settings.GrantTypes = []string{"authorization_code"}
		}, func(r *record.CodeRequest) { r.Scope = []string{"openid"} }, "query"},
		"a resource, RFC 8707 §2.1": {func(c *authorizeCase) {
			c.ask.Request.Resources = []string{tokenAPI}
		}, func(r *record.CodeRequest) { r.Resources = []string{tokenAPI} }, "query"},
		"the issuer as a resource is what openid means": {func(c *authorizeCase) {
			c.ask.Request.Resources = []string{tokenIssuer}
		}, func(*record.CodeRequest) {}, "query"},
		"the default resource": {func(c *authorizeCase) {
			c.st.Client.Settings.DefaultResource = tokenAPI
		}, func(r *record.CodeRequest) { r.Resources = []string{tokenAPI} }, "query"},
		"the only redirect URI, RFC 6749 §4.1.3": {func(c *authorizeCase) {
			c.ask.Request.RedirectURI = ""
		}, func(r *record.CodeRequest) { r.RedirectURIGiven = false }, "query"},
		"form_post": {func(c *authorizeCase) {
			c.ask.Request.ResponseMode = oauth.ResponseFormPost
		}, func(*record.CodeRequest) {}, "form_post"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAuthorize()
			c.st.Client.Settings.FirstParty = true
			tc.change(c)
			got := c.run()
			if where(got) != "code" {
				t.Fatalf("it leads to %s", where(got))
			}
			want := pageCode(c.env)
			tc.want(&want.Request)
			if diff := diffChanges([]record.Change{seen, record.PutCode{Code: want}}, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if got.Answer.Mode != tc.mode {
				t.Errorf("response mode %s, want %s", got.Answer.Mode, tc.mode)
			}
		})
	}
}

// TestAPageBelongsToItsBrowser: RFC 9700 §4.7. The answer to a page needs the
// browser that it was put up in, once, in time, whatever is done with it.
func TestAPageBelongsToItsBrowser(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*record.InteractionState, *Browser)
		reason oauth.Reason
	}{
		"unknown":         {func(st *record.InteractionState, _ *Browser) { st.Interaction = nil }, oauth.ReasonInteractionUnknown},
		"another browser": {func(_ *record.InteractionState, by *Browser) { by.Hash = secret.Hash("other") }, oauth.ReasonInteractionOtherBrowser},
		"no browser":      {func(_ *record.InteractionState, by *Browser) { by.Hash = nil }, oauth.ReasonInteractionOtherBrowser},
		"used":            {func(st *record.InteractionState, _ *Browser) { st.Interaction.UsedAt = 1 }, oauth.ReasonInteractionUsed},
		"too late":        {func(st *record.InteractionState, _ *Browser) { st.Interaction.EndsAt = tokenNow }, oauth.ReasonInteractionExpired},
	} {
		t.Run(name, func(t *testing.T) {
			st, by, env := pageState(), pageBrowser(), tokenEnv()
			tc.change(st, &by)
			for _, got := range []Outcome[AuthorizeAnswer]{
				Resume(st, nil, by, env), Consent(answered(true, st), by, st, nil, env), Consent(answered(false, st), by, st, nil, env),
			} {
				wantRefusal(t, got.Err, tc.reason, oauth.InvalidRequest)
				if diff := cmp.Diff(Outcome[AuthorizeAnswer]{}, got, cmpopts.IgnoreFields(Outcome[AuthorizeAnswer]{}, "Err"),
					cmp.AllowUnexported(oauth.RedirectURI{})); diff != "" {
					t.Errorf("beside the refusal there is\n%s", diff)
				}
			}
			_, err := Waiting(st, by, env)
			wantRefusal(t, err, tc.reason, oauth.InvalidRequest)
			wantRefusal(t, ConsentView(by, st, env).Err, tc.reason, oauth.InvalidRequest)
		})
	}
}
