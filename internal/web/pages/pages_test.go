package pages

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 0, 40, 0, 0, time.UTC)

// every returns each page, filled, under its template's name. The client's
// name and addresses are those given.
func every(client Client) map[string]Page {
	form := Form{Token: "token-1", Interaction: "interaction-1"}
	user := User{Name: "Ana Morales", Identifier: "ana@example.com"}
	scopes := []Scope{{Name: "openid"}, {Name: "invoices:read", Description: "Read your invoices"}, {Name: "invoices:pay"}, {Name: "offline_access"}}
	list := []Page{
		Login{
			Form: form, Client: client, RedirectURI: "https://app.example/cb", Identifier: "ana@example.com",
			SignUp: true, Notice: NoticeReauthenticate, Problem: Problem{Kind: ProblemCredentials},
			Upstreams: []Upstream{{ID: "harbour", Name: "Harbour & Sons"}, {ID: "mint-two", Name: "Mint"}},
		},
		SignUp{
			Form: form, Client: client, RedirectURI: "https://app.example/cb", Email: "ana@example.com", PasswordMinimum: 8,
			Problem: Problem{Kind: ProblemTooShort, Minimum: 8},
		},
		Consent{
			Form: form, Client: client, User: user, RedirectURI: "https://app.example/cb", Scopes: scopes,
			Resources: []string{"https://api.example"}, Lasts: 90 * 24 * time.Hour, Idle: 30 * 24 * time.Hour, Unassured: true,
		},
		Choose{Form: form, Client: client, User: user, Subject: "sub-1", RedirectURI: "https://app.example/cb"},
		Logout{
			Form: form, User: user, Client: client, RedirectURI: "https://app.example/bye",
			Parameters: []Parameter{{"state", "s\"><b>"}},
		},
		SignedOut{Client: client, Continue: "https://app.example/bye"},
		Failure{Code: "invalid_request", Parameter: "redirect_uri", Description: "not registered", Reference: "r1.abc"},
		Setup{Form: form, SetupToken: "mst_x", Email: "ana@example.com", PasswordMinimum: 8, Problem: Problem{Kind: ProblemTooShort, Minimum: 8}},
		SetupDone{Email: "ana@example.com"},
		Account{
			Form: form, Now: now, User: user, Subject: "sub-1", EmailVerified: true, PasswordMinimum: 8,
			Notice: NoticeAppRemoved, Problem: Problem{Kind: ProblemCurrentPassword},
			Sessions: []Session{
				{ID: "sid-1", UserAgent: "Mozilla/5.0 (X11; Linux) Firefox/145.0", SignedIn: now.Add(-time.Hour), Seen: now, Current: true},
				{ID: "sid-2", SignedIn: now.Add(-50 * time.Hour), Seen: now.Add(-2 * time.Hour)},
			},
			Apps:     []App{{ID: "client-1", Client: client, Scopes: scopes, Since: now}},
			Links:    []Link{{ID: "link-a", Name: "Harbour & Sons", Since: now}},
			Password: true, Lately: true, Upstreams: []Upstream{{ID: "mint-two", Name: "Mint"}},
		},
		FormPost{RedirectURI: "https://app.example/cb", Parameters: []Parameter{{"code", "c\"><b>"}, {"state", "s"}}},
		Index{},
		NewOnward("https://op.example/authorize?state=\"><b>&nonce=n"),
	}
	pages := make(map[string]Page, len(list))
	for _, page := range list {
		pages[page.template()] = page
	}
	return pages
}

var harmless = Client{
	Name: "Harbour Ledger", HomeURI: "https://ledger.example/", LogoURI: "https://ledger.example/logo.png",
	PolicyURI: "https://ledger.example/privacy", TermsURI: "https://ledger.example/terms",
}

func write(t *testing.T, issuer string, page Page) *httptest.ResponseRecorder {
	t.Helper()
	return writeIn(t, "en", issuer, page)
}

func writeIn(t *testing.T, language, issuer string, page Page) *httptest.ResponseRecorder {
	t.Helper()
	site, err := New(issuer)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := site.Write(w, http.StatusOK, language, page); err != nil {
		t.Fatal(err)
	}
	return w
}

func body(t *testing.T, page Page) string {
	t.Helper()
	return bodyIn(t, "en", page)
}

func bodyIn(t *testing.T, language string, page Page) string {
	t.Helper()
	return writeIn(t, language, "https://id.example", page).Body.String()
}

// element is a start tag: its name and attributes.
type element struct {
	name  string
	attrs map[string]string
}

var (
	tagPattern  = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z:-]+(?:="[^"]*")?)*)\s*(/?)>`)
	attrPattern = regexp.MustCompile(`([a-zA-Z:-]+)(?:="([^"]*)")?`)
	void        = []string{"meta", "link", "input", "img", "br", "circle", "path"}
)

// elements reads the page's start tags and fails the test unless every other
// element is closed in its place.
func elements(t *testing.T, page string) []element {
	t.Helper()
	var list []element
	var open []string
	for _, m := range tagPattern.FindAllStringSubmatch(page, -1) {
		name := m[2]
		if m[1] == "/" {
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes nothing; open: %v", name, open)
			}
			open = open[:len(open)-1]
			continue
		}
		attrs := map[string]string{}
		for _, a := range attrPattern.FindAllStringSubmatch(m[3], -1) {
			if _, twice := attrs[a[1]]; twice {
				t.Errorf("<%s> has %s twice", name, a[1])
			}
			attrs[a[1]] = html.UnescapeString(a[2])
		}
		list = append(list, element{name, attrs})
		if !slices.Contains(void, name) {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		t.Errorf("never closed: %v", open)
	}
	if got, want := strings.Count(page, "<"), len(tagPattern.FindAllString(page, -1))+1; got != want {
		t.Errorf("%d '<' but %d tags and a doctype: something is not well formed", got, want)
	}
	return list
}

func byID(list []element) map[string]element {
	ids := map[string]element{}
	for _, e := range list {
		if id := e.attrs["id"]; id != "" {
			ids[id] = e
		}
	}
	return ids
}

func TestEveryPageIsSound(t *testing.T) {
	for _, language := range Languages() {
		everyPageIsSound(t, language)
	}
}

func everyPageIsSound(t *testing.T, language string) {
	t.Helper()
	for name, page := range every(harmless) {
		t.Run(language+"/"+name, func(t *testing.T) {
			list := elements(t, bodyIn(t, language, page))
			headings, mains := 0, 0
			seen := map[string]bool{}
			for _, e := range list {
				switch e.name {
				case "h1":
					headings++
				case "main":
					mains++
				case "html":
					if e.attrs["lang"] != language {
						t.Error("no lang")
					}
				}
				if id := e.attrs["id"]; id != "" {
					if seen[id] {
						t.Errorf("id %s is used twice", id)
					}
					seen[id] = true
				}
			}
			if headings != 1 || mains != 1 {
				t.Errorf("%d h1, %d main", headings, mains)
			}
			checkReferences(t, list)
			checkNothingInline(t, list)
		})
	}
}

// checkReferences follows labels, ARIA references and links within the page.
func checkReferences(t *testing.T, list []element) {
	t.Helper()
	ids, labelled := byID(list), map[string]bool{}
	for _, e := range list {
		if e.name == "label" {
			labelled[e.attrs["for"]] = true
		}
		refs := strings.Fields(e.attrs["for"] + " " + e.attrs["aria-describedby"] + " " + e.attrs["aria-labelledby"])
		if inside, ok := strings.CutPrefix(e.attrs["href"], "#"); ok {
			refs = append(refs, inside)
		}
		for _, ref := range refs {
			if _, ok := ids[ref]; !ok {
				t.Errorf("<%s> refers to #%s, which is not there", e.name, ref)
			}
		}
	}
	for _, e := range list {
		_, unseen := e.attrs["hidden"]
		if e.name == "input" && e.attrs["type"] != "hidden" && !unseen {
			if !labelled[e.attrs["id"]] {
				t.Errorf("input %s has no label", e.attrs["name"])
			}
			if e.attrs["type"] != "checkbox" && e.attrs["autocomplete"] == "" {
				t.Errorf("input %s has no autocomplete", e.attrs["name"])
			}
		}
	}
}

func checkNothingInline(t *testing.T, list []element) {
	t.Helper()
	for _, e := range list {
		for attr := range e.attrs {
			if attr == "style" || strings.HasPrefix(attr, "on") {
				t.Errorf("<%s> has %s", e.name, attr)
			}
		}
		if e.name == "style" || e.name == "script" && e.attrs["nonce"] == "" {
			t.Errorf("inline <%s>", e.name)
		}
	}
}

func TestTheIDsThatOthersBuildOnAreThere(t *testing.T) {
	want := map[string][]string{
		"login":   {"login-identifier", "login-password", "login-submit", "login-signup"},
		"signup":  {"signup-email", "signup-password", "signup-submit", "signup-login"},
		"consent": {"consent-allow", "consent-deny"},
		"logout":  {"logout-confirm", "logout-cancel"},
		"account": {
			"account-password-current", "account-password-new", "account-password-submit", "account-signout-all",
			"account-session-end-1", "account-session-end-2", "account-app-remove-1",
		},
		"failure": {"error-code", "error-parameter", "error-reference"},
		"setup":   {"setup-email", "setup-password", "setup-confirm", "setup-submit"},
	}
	pages := every(harmless)
	for name, ids := range want {
		have := byID(elements(t, body(t, pages[name])))
		for _, id := range ids {
			if _, ok := have[id]; !ok {
				t.Errorf("%s page lacks #%s", name, id)
			}
		}
	}
}

func TestFormsSendTheFieldsThatHandlersRead(t *testing.T) {
	want := map[string][]string{
		"login":   {FieldToken, FieldLanguage + "=en", FieldInteraction, FieldIdentifier, FieldPassword},
		"signup":  {FieldToken, FieldInteraction, FieldEmail, FieldNewPassword},
		"consent": {FieldToken, FieldInteraction, FieldUser, FieldDecision + "=" + DecisionAllow, FieldDecision + "=" + DecisionDeny, FieldDecision + "=" + DecisionSwitch},
		"logout":  {FieldToken, FieldInteraction, "state=s\"><b>", FieldDecision + "=" + DecisionLogout, FieldDecision + "=" + DecisionCancel},
		"setup":   {FieldToken, FieldSetupToken + "=mst_x", FieldEmail, FieldNewPassword, FieldConfirmPassword},
		"account": {
			FieldToken, FieldCurrentPassword, FieldNewPassword, FieldSignOutOthers + "=" + Checked, FieldSession + "=sid-2",
			FieldClient + "=client-1", FieldSignOut + "=" + SignOutHere, FieldSignOut + "=" + SignOutEverywhere,
		},
	}
	pages := every(harmless)
	for name, fields := range want {
		var have []string
		for _, e := range elements(t, body(t, pages[name])) {
			if e.attrs["name"] != "" {
				have = append(have, e.attrs["name"], e.attrs["name"]+"="+e.attrs["value"])
			}
		}
		for _, field := range fields {
			if !slices.Contains(have, field) {
				t.Errorf("%s page does not send %s", name, field)
			}
		}
	}
}

func TestFormsPostBelowTheIssuersPathAndCarryTheToken(t *testing.T) {
	targets := map[string][]string{
		"login": {PathLogin, PathUpstream}, "signup": {PathSignUp}, "consent": {PathConsent}, "logout": {PathLogout}, "setup": {PathSetup},
		"account": {PathAccountSignOut, PathAccountSession, PathAccountApp, PathAccountPass, PathAccountLink, PathAccountUnlink},
	}
	pages := every(harmless)
	for name, paths := range targets {
		page := write(t, "https://example.com/auth/", pages[name]).Body.String()
		posts, tokens := 0, 0
		for _, e := range elements(t, page) {
			if e.name == "form" {
				posts++
				path := strings.TrimPrefix(e.attrs["action"], "/auth")
				if e.attrs["method"] != "post" || !slices.Contains(paths, path) || path == e.attrs["action"] {
					t.Errorf("%s page has a form to %s %s", name, e.attrs["method"], e.attrs["action"])
				}
			}
			if e.attrs["name"] == FieldToken && e.attrs["value"] == "token-1" {
				tokens++
			}
		}
		if posts == 0 || posts != tokens {
			t.Errorf("%s page: %d forms, %d tokens", name, posts, tokens)
		}
	}
}

func TestHostileClientsAreShownAndNotObeyed(t *testing.T) {
	hostile := Client{
		Name:      "<script>alert(1)</script>\u202egnp.exe\"",
		HomeURI:   "javascript:alert(2)",
		LogoURI:   "javascript:alert(1)",
		PolicyURI: "data:text/html,hello",
		TermsURI:  "http://plain.example/terms",
	}
	for name, page := range every(hostile) {
		t.Run(name, func(t *testing.T) {
			text := body(t, page)
			for _, bad := range []string{"<script>", "javascript:", "data:text", "plain.example", "\u202e", "<b>", "ZgotmplZ"} {
				if strings.Contains(text, bad) {
					t.Errorf("page holds %q", bad)
				}
			}
			elements(t, text)
		})
	}
	if text := body(t, every(hostile)["consent"]); !strings.Contains(text, "&lt;script&gt;alert(1)&lt;/script&gt;gnp.exe&#34;") {
		t.Error("the name is not shown as text")
	}
}

func TestAnErrorPageShowsCodeParameterAndReferenceAsTheyAre(t *testing.T) {
	for _, parameter := range []string{"redirect_uri", "request_uri", "id_token_hint", "client_id"} {
		text := body(t, Failure{Code: "invalid_request", Parameter: parameter, Reference: "r1.xyz"})
		for _, want := range []string{">invalid_request</code>", ">" + parameter + "</code>", ">r1.xyz</code>", "administrator"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: page lacks %q", parameter, want)
			}
		}
	}
}

func TestConsentSaysHowLongAccessLasts(t *testing.T) {
	page := Consent{RedirectURI: "https://app.example/cb", Lasts: 90 * 24 * time.Hour, Idle: 30 * 24 * time.Hour, Scopes: []Scope{{Name: "openid"}}}
	if text := body(t, page); !strings.Contains(text, "until you sign out, at most 90 days") {
		t.Error("online access is not bounded by the session")
	}
	page.Scopes = append(page.Scopes, Scope{Name: "offline_access"})
	if text := body(t, page); !strings.Contains(text, "up to 90 days, signed in or not; it ends sooner if unused for 30 days") {
		t.Error("offline access is not said in words")
	}
}

func TestAPageOfAnotherNameSendsNothing(t *testing.T) {
	site, err := New("https://id.example")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := site.Write(w, http.StatusOK, "en", strangePage{}); err == nil {
		t.Error("no error")
	}
	if w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Error("something was sent")
	}
}

type strangePage struct{}

func (strangePage) template() string { return "strange" }

func (strangePage) address() string { return "" }

func (strangePage) policy() Policy { return Policy{} }

func TestAFormPostSubmitsItselfUnderItsNonce(t *testing.T) {
	w := write(t, "https://id.example", every(harmless)["formpost"])
	nonce := ""
	for _, e := range elements(t, w.Body.String()) {
		if e.name == "script" {
			nonce = e.attrs["nonce"]
		}
	}
	policy := w.Header().Get("Content-Security-Policy")
	if nonce == "" || !strings.Contains(policy, fmt.Sprintf("script-src 'nonce-%s'", nonce)) {
		t.Errorf("nonce %q, policy %q", nonce, policy)
	}
	if !strings.Contains(w.Body.String(), "<noscript>") {
		t.Error("no button without script")
	}
	again := write(t, "https://id.example", every(harmless)["formpost"])
	if again.Header().Get("Content-Security-Policy") == policy {
		t.Error("the nonce is used twice")
	}
}

func TestAFormPostNeedsAWebAddress(t *testing.T) {
	for _, address := range []string{"com.example.app:/cb", "javascript:alert(1)", "", "https:///cb"} {
		if _, err := NewFormPost(address, nil); !errors.Is(err, errFormPostTarget) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := NewFormPost("http://127.0.0.1:3000/cb", nil); err != nil {
		t.Error(err)
	}
}

// RFC 7591 §2, client_uri: shown "in a clickable fashion".
func TestAClientsNameLeadsToItsHomePage(t *testing.T) {
	link := `<a rel="noopener noreferrer" href="https://ledger.example/"><bdi class="client">Harbour Ledger</bdi></a>`
	bare := harmless
	bare.PolicyURI, bare.TermsURI = "", ""
	for what, client := range map[string]Client{"with policy and terms": harmless, "with neither": bare} {
		if text := body(t, every(client)["consent"]); strings.Count(text, link) != 1 {
			t.Errorf("%s: the consent page has the link %d times", what, strings.Count(text, link))
		}
	}
	bare.HomeURI = ""
	if text := body(t, every(bare)["consent"]); strings.Contains(text, `rel="noopener noreferrer"`) {
		t.Error("a client without a home page is a link")
	}
}
