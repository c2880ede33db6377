package oauth

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const bearerType = "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestCredentialsOfAClient(t *testing.T) {
	for _, c := range []struct {
		name, authorization, form string
		want                      Credentials
		reason                    Reason
	}{
		{"RFC 6749 §2.3.1 Basic", "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3", "", Credentials{ClientID: "s6BhdRkqt3", Secret: "7Fjfp0ZBr1KtDRbnfVdmIw", Method: AuthBasic}, ""},
		{"RFC 6749 §2.3.1 body", "", "client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw", Credentials{ClientID: "s6BhdRkqt3", Secret: "7Fjfp0ZBr1KtDRbnfVdmIw", Method: AuthPost}, ""},
		{"RFC 6749 §3.2.1 public", "", "client_id=app", Credentials{ClientID: "app", Method: AuthNone}, ""},
		{"RFC 7617 §2 scheme in any case", "bASIC YTpi", "", Credentials{ClientID: "a", Secret: "b", Method: AuthBasic}, ""},
		{"RFC 6749 §2.3.1 form-encoded inside", basic("a%3Ab+c", "%2B%25%3A:"), "", Credentials{ClientID: "a:b c", Secret: "+%::", Method: AuthBasic}, ""},
		{"same client_id twice", basic("a", "b"), "client_id=a", Credentials{ClientID: "a", Secret: "b", Method: AuthBasic}, ""},
		{"empty secret", basic("a", ""), "", Credentials{ClientID: "a", Method: AuthBasic}, ""},

		{"nothing", "", "", Credentials{}, ReasonClientAuthMissing},
		{"secret alone", "", "client_secret=b", Credentials{}, ReasonClientAuthMissing},
		{"empty client_id", "", "client_id=&client_secret=b", Credentials{}, ReasonClientAuthMissing},
		{"RFC 6749 §2.3 two methods", basic("a", "b"), "client_id=a&client_secret=b", Credentials{}, ReasonClientAuthTwice},
		{"two methods, no id", basic("a", "b"), "client_secret=b", Credentials{}, ReasonClientAuthTwice},
		{"two clients", basic("a", "b"), "client_id=c", Credentials{}, ReasonClientIDMismatch},
		{"bearer", "Bearer abc", "client_id=a", Credentials{}, ReasonClientAuthMethodWrong},
		{"RFC 7523 §2.2", "", "client_id=a&client_assertion=x&" + bearerType, Credentials{ClientID: "a", Assertion: "x", Method: AuthPrivateKeyJWT}, ""},
		{"RFC 7521 §4.2 client_id optional", "", "client_assertion=x&" + bearerType, Credentials{Assertion: "x", Method: AuthPrivateKeyJWT}, ""},
		{"assertion without type", "", "client_id=a&client_assertion=x", Credentials{}, ReasonParameterMissing},
		{"assertion of another type", "", "client_id=a&client_assertion=x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer", Credentials{}, ReasonClientAuthMethodWrong},
		{"assertion type alone", "", "client_id=a&" + bearerType, Credentials{}, ReasonParameterMissing},
		{"assertion and Basic", basic("a", "b"), "client_assertion=x&" + bearerType, Credentials{}, ReasonClientAuthTwice},
		{"assertion and secret", "", "client_id=a&client_secret=b&client_assertion=x&" + bearerType, Credentials{}, ReasonClientAuthTwice},
		{"no base64", "Basic !!!", "", Credentials{}, ReasonClientAuthMalformed},
		{"no base64 at all", "Basic", "", Credentials{}, ReasonClientAuthMalformed},
		{"unpadded", "Basic YTpiYw", "", Credentials{}, ReasonClientAuthMalformed},
		{"loose bits", "Basic YTpiYx==", "", Credentials{}, ReasonClientAuthMalformed},
		{"no colon", "Basic YWI=", "", Credentials{}, ReasonClientAuthMalformed},
		{"no name", basic("", "b"), "", Credentials{}, ReasonClientAuthMalformed},
		{"bad escape", basic("a%", "b"), "", Credentials{}, ReasonClientAuthMalformed},
		{"bad escape in secret", basic("a", "%zz"), "", Credentials{}, ReasonClientAuthMalformed},
		{"control character", basic("a", "b%00"), "", Credentials{}, ReasonClientAuthMalformed},
		{"not ASCII", basic("é", "b"), "", Credentials{}, ReasonClientAuthMalformed},
		{"not ASCII in the body", "", "client_id=%C3%A9", Credentials{}, ReasonParameterMalformed},
		{"secret not ASCII in the body", "", "client_id=a&client_secret=%C3%A9", Credentials{}, ReasonParameterMalformed},
	} {
		got, err := ParseCredentials(c.authorization, mustForm(t, c.form))
		if got != c.want || (err == nil) != (c.reason == "") || err != nil && err.Reason != c.reason {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func TestTokenRequests(t *testing.T) {
	for _, c := range []struct {
		name, form string
		want       TokenRequest
	}{
		{
			"RFC 6749 §4.1.3, RFC 7636 §4.5",
			"grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb&client_id=c&code_verifier=" + exampleVerifier,
			TokenRequest{
				GrantType: GrantAuthorizationCode, Code: "SplxlOBeZQQYbYS6WxSbIA", RedirectURI: "https://client.example.com/cb",
				CodeVerifier: exampleVerifier, Credentials: Credentials{ClientID: "c", Method: AuthNone, Endpoint: PathToken},
			},
		},
		{
			"RFC 6749 §6, RFC 8707 §2.2",
			"grant_type=refresh_token&refresh_token=mrt_x&scope=b+a&client_id=c&resource=https://api.example/&resource=urn:x:y&resource=urn:x:y",
			TokenRequest{
				GrantType: GrantRefreshToken, RefreshToken: "mrt_x", Scope: Scopes{"a", "b"}, ScopeGiven: true,
				Resources: []string{"https://api.example/", "urn:x:y"}, Credentials: Credentials{ClientID: "c", Method: AuthNone, Endpoint: PathToken},
			},
		},
		{
			"RFC 6749 §4.4.2; an empty scope is no scope; unknown parameters are ignored",
			"grant_type=client_credentials&scope=&extra=1&client_id=c&client_secret=s",
			TokenRequest{GrantType: GrantClientCredentials, Credentials: Credentials{ClientID: "c", Secret: "s", Method: AuthPost, Endpoint: PathToken}},
		},
	} {
		got, err := ParseTokenRequest("", mustForm(t, c.form))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func TestTokenRequestsAreRefusedInTheOrderOfTheContract(t *testing.T) {
	for _, c := range []struct {
		form   string
		reason Reason
		param  string
	}{
		{"", ReasonParameterMissing, "grant_type"},
		{"grant_type=", ReasonParameterMissing, "grant_type"},
		{"grant_type=password&username=u&password=p&client_id=c", ReasonGrantTypeUnknown, ""}, // RFC 9700 §2.4
		{"grant_type=Password", ReasonGrantTypeUnknown, ""},
		{"grant_type=implicit", ReasonGrantTypeUnknown, ""},
		{"grant_type=Authorization_code&code=x&client_id=c", ReasonGrantTypeUnknown, ""},
		{"grant_type=authorization_code&client_id=c", ReasonParameterMissing, "code"},
		{"grant_type=refresh_token&client_id=c", ReasonParameterMissing, "refresh_token"},
		{"grant_type=authorization_code&code=%C3%A9&client_id=c", ReasonParameterMalformed, "code"},
		{"grant_type=authorization_code&code=x&client_id=c&code_verifier=short", ReasonParameterMalformed, "code_verifier"}, // RFC 7636 §4.1
		{"grant_type=client_credentials&client_id=c&scope=a++b", ReasonScopeMalformed, "scope"},                             // RFC 6749 §5.2
		{"grant_type=client_credentials&client_id=c&resource=/x", ReasonResourceMalformed, "resource"},                      // RFC 8707 §2
		{"grant_type=client_credentials&client_id=c&resource=https://a/%23f&resource=https://b/#f", ReasonResourceMalformed, "resource"},
		{"grant_type=client_credentials&resource=api", ReasonResourceMalformed, "resource"},
		{"grant_type=client_credentials&resource=https://a/+b", ReasonResourceMalformed, "resource"},
		{"grant_type=refresh_token", ReasonParameterMissing, "refresh_token"}, // step 2 comes before step 3
		{"grant_type=client_credentials", ReasonClientAuthMissing, ""},
		{"grant_type=refresh_token&grant_type=refresh_token", ReasonParameterRepeated, "grant_type"},
	} {
		form, _ := ParseForm(c.form)
		got, err := ParseTokenRequest("", form)
		if err == nil || err.Reason != c.reason || err.Param != c.param || !reflect.DeepEqual(got, TokenRequest{}) {
			t.Errorf("%s: %+v, %v", c.form, got, err)
		}
	}
}

func TestIntrospectionAndRevocationNeedAToken(t *testing.T) {
	form := mustForm(t, "token=x&token_type_hint=refresh_token")
	i, err := ParseIntrospectionRequest(basic("a", "b"), form)
	if want := (IntrospectionRequest{Credentials{ClientID: "a", Secret: "b", Method: AuthBasic, Endpoint: PathIntrospect}, "x", "refresh_token", ""}); err != nil || i != want {
		t.Errorf("introspection: %+v, %v", i, err)
	}
	r, err := ParseRevocationRequest(basic("a", "b"), form)
	if want := (RevocationRequest{Credentials{ClientID: "a", Secret: "b", Method: AuthBasic, Endpoint: PathRevoke}, "x", "refresh_token"}); err != nil || r != want {
		t.Errorf("revocation: %+v, %v", r, err)
	}
	for text, reason := range map[string]Reason{
		"":                        ReasonParameterMissing, // RFC 7009 §2.1, RFC 7662 §2.1
		"token=":                  ReasonParameterMissing,
		"token=x":                 ReasonClientAuthMissing,
		"token=x&token=y":         ReasonParameterRepeated,
		"token=x&client_id=%":     ReasonParameterMalformed,
		"client_id=a&token_=type": ReasonParameterMissing,
	} {
		form, _ := ParseForm(text)
		if _, err := ParseIntrospectionRequest("", form); err == nil || err.Reason != reason {
			t.Errorf("introspection %s: %v", text, err)
		}
		if _, err := ParseRevocationRequest("", form); err == nil || err.Reason != reason {
			t.Errorf("revocation %s: %v", text, err)
		}
	}
}

func TestIntrospectionMayBeAboutOneResource(t *testing.T) {
	for text, want := range map[string]struct {
		resource string
		reason   Reason
	}{
		"token=x":                                         {},
		"token=x&resource=https://api.example/":           {resource: "https://api.example/"},
		"token=x&resource=":                               {},
		"token=x&resource=api":                            {reason: ReasonResourceMalformed},
		"token=x&resource=https://a/%23f":                 {reason: ReasonResourceMalformed},
		"token=x&resource=https://a/&resource=https://b/": {reason: ReasonParameterRepeated},
	} {
		got, err := ParseIntrospectionRequest(basic("a", "b"), mustForm(t, text))
		if want.reason == "" {
			if err != nil || got.Resource != want.resource {
				t.Errorf("%s: %+v, %v", text, got, err)
			}
			continue
		}
		if err == nil || err.Reason != want.reason || err.Param != "resource" || got != (IntrospectionRequest{}) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

// OpenID Connect RP-Initiated Logout §2.
func TestLogoutRequests(t *testing.T) {
	got, err := ParseLogoutRequest(mustForm(t, "id_token_hint=i&logout_hint=l&client_id=c&post_logout_redirect_uri=https://a/&state=s&ui_locales=de"))
	if want := (LogoutRequest{"i", "l", "c", "https://a/", "s", "de"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	form, _ := ParseForm("state=a&state=b&client_id=c")
	if got, err := ParseLogoutRequest(form); err == nil || got != (LogoutRequest{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

const fullAuthorization = "client_id=app&redirect_uri=https://a/cb&response_type=code&response_mode=form_post&scope=openid+email&state=a+%26b&nonce=n" +
	"&code_challenge=" + exampleChallenge + "&code_challenge_method=S256&prompt=login+consent+login&max_age=0&acr_values=x++y&id_token_hint=h" +
	"&login_hint=ana%40example.com&ui_locales=de+en&display=page&claims_locales=de&resource=https://r/1&resource=https://r/2&unknown=1"

func TestAnAuthorizationRequestIsReadWholeAndSurvivesItsRow(t *testing.T) {
	zero := int64(0)
	want := AuthorizationRequest{
		ClientID: "app", RedirectURI: "https://a/cb", ResponseType: "code", ResponseMode: "form_post", Scope: Scopes{"email", "openid"},
		State: "a &b", Nonce: "n", CodeChallenge: exampleChallenge, CodeChallengeMethod: "S256", Prompt: []string{"login", "consent"},
		MaxAge: &zero, ACRValues: []string{"x", "y"}, IDTokenHint: "h", LoginHint: "ana@example.com", UILocales: "de en", Display: "page",
		ClaimsLocales: "de", Resources: []string{"https://r/1", "https://r/2"},
	}
	got, err := ParseAuthorizationRequest(mustForm(t, fullAuthorization))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if !got.Prompts(PromptLogin) || got.Prompts(PromptNone) {
		t.Errorf("prompts %q", got.Prompt)
	}
	row, jsonErr := json.Marshal(got)
	var back AuthorizationRequest
	if jsonErr == nil {
		jsonErr = json.Unmarshal(row, &back)
	}
	if jsonErr != nil || !reflect.DeepEqual(back, want) {
		t.Errorf("%s: %+v, %v", row, back, jsonErr)
	}
}

func TestAuthorizationRequestsThatAreRefused(t *testing.T) {
	const start = "client_id=app&redirect_uri=https://a/cb&state=s&response_type=code&"
	for form, want := range map[string]struct {
		reason Reason
		param  string
	}{
		"client_id=app":                              {ReasonParameterMissing, "response_type"},
		"client_id=app&response_type=token":          {ReasonResponseTypeUnsupported, "response_type"}, // RFC 9700 §2.1.2
		"client_id=app&response_type=code+id_token":  {ReasonResponseTypeUnsupported, "response_type"},
		"response_type=code":                         {ReasonParameterMissing, "client_id"},
		"client_id=%C3%A9&response_type=code":        {ReasonParameterMalformed, "client_id"},
		start + "response_mode=fragment":             {ReasonResponseModeUnsupported, "response_mode"},
		start + "scope=a%0ab":                        {ReasonParameterMalformed, "scope"},
		start + `scope=a"b`:                          {ReasonScopeMalformed, "scope"}, // RFC 6749 §3.3
		start + "scope=a&scope=b":                    {ReasonParameterRepeated, "scope"},
		start + "state=t":                            {ReasonParameterRepeated, "state"},
		start + "prompt=none+login":                  {ReasonParameterMalformed, "prompt"}, // OpenID Connect Core §3.1.2.1
		start + "prompt=sing":                        {ReasonParameterMalformed, "prompt"},
		start + "max_age=-1":                         {ReasonParameterMalformed, "max_age"},
		start + "max_age=1.5":                        {ReasonParameterMalformed, "max_age"},
		start + "max_age=%2B1":                       {ReasonParameterMalformed, "max_age"},
		start + "max_age=9999999999":                 {ReasonParameterMalformed, "max_age"},
		start + "resource=x":                         {ReasonResourceMalformed, "resource"},
		start + "code_challenge=" + exampleChallenge: {ReasonPKCEMethod, "code_challenge_method"}, // RFC 7636 §4.3: omitted means plain
		start + "code_challenge=" + exampleVerifier + "&code_challenge_method=plain":       {ReasonPKCEMethod, "code_challenge_method"},
		start + "code_challenge=" + exampleChallenge + "&code_challenge_method=s256":       {ReasonPKCEMethod, "code_challenge_method"},
		start + "code_challenge_method=S256":                                               {ReasonParameterMissing, "code_challenge"},
		start + "code_challenge=" + exampleChallenge[:42] + "&code_challenge_method=S256":  {ReasonPKCEChallengeMalformed, "code_challenge"}, // RFC 7636 §4.2
		start + "code_challenge=" + exampleChallenge + "%3D&code_challenge_method=S256":    {ReasonPKCEChallengeMalformed, "code_challenge"},
		"scope=a&scope=b&client_id=app&client_id=app&response_type=code":                   {ReasonParameterRepeated, "client_id"},
		"client_id=app&response_type=x&redirect_uri=https://a&redirect_uri=https://b":      {ReasonParameterRepeated, "redirect_uri"},
		"redirect_uri=https://a&redirect_uri=https://b&client_id=a&client_id=a&scope=a++b": {ReasonParameterRepeated, "redirect_uri"},
	} {
		parsed, _ := ParseForm(form)
		_, err := ParseAuthorizationRequest(parsed)
		if err == nil || err.Reason != want.reason || err.Param != want.param {
			t.Errorf("%s: %v, want %s (%s)", form, err, want.reason, want.param)
		}
	}
}

// RFC 6749 §4.1.2.1: an error is redirected unless it is about client or redirect URI; OpenID Connect Core §3.1.2.6: or
// about the way in which the answer would go back, whatever else is wrong.
func TestAFaultLeavesWhatItsRedirectNeeds(t *testing.T) {
	form, _ := ParseForm("client_id=app&redirect_uri=https://a/cb&state=s&response_type=token&scope=a&scope=b")
	q, err := ParseAuthorizationRequest(form)
	if err == nil || err.StaysHere() || q.ClientID != "app" || q.RedirectURI != "https://a/cb" || q.State != "s" {
		t.Errorf("%+v, %v", q, err)
	}
	if q.ResponseMode != "" || q.ResponseType != "" || q.Scope != nil {
		t.Errorf("what was at fault is in the request: %+v", q)
	}
	form, _ = ParseForm("client_id=app&redirect_uri=https://a/cb&redirect_uri=https://b/cb&state=s")
	if q, err := ParseAuthorizationRequest(form); err == nil || !err.StaysHere() || q.RedirectURI != "" {
		t.Errorf("%+v, %v", q, err)
	}
	for _, mode := range []string{"response_mode=what", "response_mode=fragment&scope=a&scope=b", "response_type=token&response_mode=query&response_mode=form_post"} {
		form, _ = ParseForm("client_id=app&redirect_uri=https://a/cb&state=s&" + mode)
		if _, err := ParseAuthorizationRequest(form); err == nil || !err.StaysHere() || err.Param != "response_mode" {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestLongStateAndNoncePass(t *testing.T) {
	state, nonce := strings.Repeat("s", 1000), strings.Repeat("n", 64) // FAPI 2.0 §5.3.2.2-14
	q, err := ParseAuthorizationRequest(mustForm(t, "client_id=a&response_type=code&state="+state+"&nonce="+nonce))
	if err != nil || q.State != state || q.Nonce != nonce {
		t.Errorf("%v", err)
	}
}

// Credentials name exactly one method, and Basic ones are what was encoded.
func FuzzCredentials(f *testing.F) {
	f.Add("Basic YTpi", "client_id=a")
	f.Add("", "client_id=a&client_secret=b")
	f.Add(basic("a%3A", "%2B"), "")
	f.Fuzz(func(t *testing.T, authorization, text string) {
		form, formErr := ParseForm(text)
		c, err := ParseCredentials(authorization, form)
		if err != nil || formErr != nil {
			return
		}
		if c.ClientID == "" || (c.Method == AuthBasic) != (authorization != "") || (c.Method == AuthPost) != (form.Get("client_secret") != "") {
			t.Fatalf("%q %q: %+v", authorization, text, c)
		}
		if c.Method != AuthBasic {
			return
		}
		again, err := ParseCredentials(basic(url.QueryEscape(c.ClientID), url.QueryEscape(c.Secret)), Form{})
		if err != nil || again != c {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
	})
}

// An accepted authorization request obeys its syntax and survives its row.
func FuzzAuthorizationRequest(f *testing.F) {
	f.Add(fullAuthorization)
	f.Add("client_id=a&response_type=code")
	f.Add("client_id=a&response_type=token&client_id=b")
	f.Fuzz(func(t *testing.T, text string) {
		form, formErr := ParseForm(text)
		q, err := ParseAuthorizationRequest(form)
		if formErr != nil && err == nil {
			t.Fatalf("%q: the form's fault was lost", text)
		}
		if q.CodeChallenge != "" && (!IsChallenge(q.CodeChallenge) || q.CodeChallengeMethod != ChallengeMethodS256) {
			t.Fatalf("challenge %q by %q", q.CodeChallenge, q.CodeChallengeMethod)
		}
		if q.Prompts(PromptNone) && len(q.Prompt) > 1 || q.MaxAge != nil && *q.MaxAge < 0 || !slices.IsSorted(q.Scope) {
			t.Fatalf("%+v", q)
		}
		if err != nil {
			return
		}
		row, jsonErr := json.Marshal(q)
		var back AuthorizationRequest
		if jsonErr == nil {
			jsonErr = json.Unmarshal(row, &back)
		}
		if q.ClientID == "" || q.ResponseType != ResponseTypeCode || jsonErr != nil || !reflect.DeepEqual(q, back) {
			t.Fatalf("%+v became %+v, %v", q, back, jsonErr)
		}
	})
}

// RFC 8707 §2: an absolute URI without a fragment.
func TestWhatIsAResource(t *testing.T) {
	for value, want := range map[string]bool{
		"https://api.example": true, "https://api.example/v1?x=y": true, "urn:example:api": true, "api://orders": true,
		"api": false, "/v1": false, "//api.example": false, "https:": false, "https://api.example/#x": false, "https://api.example/#": false,
		"https://api.example/ x": false, "https://api.example/é": false, "https://api.example/%zz": false, ":x": false,
		"https://api.example/" + strings.Repeat("x", 2048): false,
	} {
		if got := IsResource(value); got != want {
			t.Errorf("%.40q: %v", value, got)
		}
	}
}

// OpenID Connect Core §6.1, RFC 9101 §6.3.
func TestParametersOfAnObjectGoOverThoseOfTheForm(t *testing.T) {
	form := mustForm(t, "client_id=app&state=outside&nonce=n&resource=https://a.example&request=x")
	over := []Param{{"state", "inside"}, {"resource", "https://b.example"}, {"resource", "https://c.example"}}
	merged := form.Without("request").Under(over, false)
	if merged.Get("state") != "inside" || merged.Get("nonce") != "n" || merged.Get("request") != "" || merged.Get("client_id") != "app" ||
		!reflect.DeepEqual(merged.All("resource"), []string{"https://b.example", "https://c.example"}) {
		t.Errorf("%+v", merged)
	}
	alone := form.Under(over, true)
	if alone.Get("nonce") != "" || alone.Get("client_id") != "app" || alone.Get("state") != "inside" {
		t.Errorf("%+v", alone)
	}
	if form.Get("state") != "outside" || form.Get("request") != "x" {
		t.Errorf("the form itself changed: %+v", form)
	}
	for name, value := range map[string]string{"malformed": "a\nb", "too long": strings.Repeat("x", maxValueLength+1)} {
		if merged := form.Under([]Param{{"state", value}}, false); merged.Fault() == nil || merged.Fault().Param != "state" || merged.Get("state") != "" {
			t.Errorf("%s: %+v", name, merged)
		}
	}
	if q, _ := ParseAuthorizationRequest(merged); !q.ByObject {
		t.Error("nobody knows that it came in an object")
	}
	for _, name := range []string{"request", "request_uri", "iss", "exp", "client_secret", "code", ""} {
		if IsAuthorizationParameter(name) {
			t.Errorf("%q is one", name)
		}
	}
}
