package decide

import (
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// authorizeSeeds are requests of every kind, and confusions of the address that they
// would go back to.
func authorizeSeeds() []string {
	const usual = "client_id=shop&response_type=code&scope=openid+email&state=s&nonce=n&code_challenge_method=S256&code_challenge="
	challenge := usual + oauth.ChallengeOf(tokenVerifier)
	seeds := []string{
		challenge, usual, challenge + "&prompt=none", challenge + "&prompt=login+consent", challenge + "&max_age=0", challenge + "&prompt=none+login",
		challenge + "&response_mode=form_post", challenge + "&resource=" + tokenAPI, challenge + "&state=again", challenge + "&registration={}",
		challenge + "&claims=%7B%22id_token%22%3A%7B%22acr%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%22aal2%22%7D%7D%7D",
	}
	for _, address := range []string{
		tokenRedirect, tokenRedirect + "/", tokenRedirect + "?x", tokenRedirect + "%23", "https://shop.example%40evil.example/cb", "https://SHOP.example/cb",
		"https://shop.example:443/cb", "//evil.example", "javascript:alert(1)", "https://shop.example/cb/..%2F", "https://sh%C3%B6p.example/cb", "http://127.0.0.1:9/cb",
	} {
		seeds = append(seeds, challenge+"&redirect_uri="+address)
	}
	return seeds
}

// FuzzAuthorize: whatever a request says, its answer goes to the registered address or
// nowhere, a code is for who is signed in and for what they allowed, prompt=none shows
// no page, and what is refused writes nothing.
func FuzzAuthorize(f *testing.F) {
	for _, seed := range authorizeSeeds() {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, signedIn bool) {
		form, formErr := oauth.ParseForm(text)
		request, syntax := oauth.ParseAuthorizationRequest(form)
		if formErr != nil && syntax == nil {
			t.Fatalf("%q: the form's fault was lost", text)
		}
		c := newAuthorize()
		c.ask.Request, c.ask.Syntax = &request, syntax
		if request.ClientID != "shop" {
			c.st.Client = nil // as the state is loaded
		}
		if !signedIn {
			c.st.Session, c.st.User, c.st.Parents = nil, nil, record.Parents{}
		}
		got := c.run()
		code, page := got.Answer.Code != "", got.Answer.Page != PageNone
		switch {
		case got.Answer.CanRedirect && (got.Answer.To.String() != tokenRedirect || c.st.Client == nil):
			t.Fatalf("%q goes to %s", text, got.Answer.To.String())
		case got.Answer.CanRedirect && request.RedirectURI != "" && request.RedirectURI != tokenRedirect:
			t.Fatalf("%q: another address is taken for the registered one", text)
		case got.Err != nil && (code || page || len(got.Changes) > 0):
			t.Fatalf("%q is refused with %v, and there is %+v", text, got.Err, got)
		case got.Err != nil && strings.ContainsFunc(got.Err.Description, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }):
			t.Fatalf("RFC 6749 §4.1.2.1: %q is described with %q", text, got.Err.Description)
		case got.Err == nil && code == page:
			t.Fatalf("%q: a code %v, a page %v", text, code, page)
		case page && request.Prompts(oauth.PromptNone):
			t.Fatalf("%q shows a page", text)
		case code && (!signedIn || syntax != nil || request.CodeChallenge == ""):
			t.Fatalf("%q gives a code", text)
		}
		for _, change := range got.Changes {
			if put, ok := change.(record.PutCode); ok && !covered(put.Code.Request.Scope, c.st.Consent.Scope) {
				t.Fatalf("%q: the code is for %v", text, put.Code.Request.Scope)
			}
		}
	})
}

// covered reports whether all of what was asked for was allowed.
func covered(asked, allowed []string) bool {
	return !slices.ContainsFunc(asked, func(word string) bool { return !slices.Contains(allowed, word) })
}

// FuzzRegister: whatever a client says of itself, it is refused and nothing is written,
// or it is a client that nobody trusts and that asks for no more than a stranger may.
func FuzzRegister(f *testing.F) {
	for _, seed := range []string{
		everything, confidentialBody, publicBody, `{}`, `null`, `[]`, `{"redirect_uris":["https://app.example/cb"],"first_party":true}`,
		`{"redirect_uris":["https://app.example/cb"],"grant_types":["client_credentials"]}`, `{"redirect_uris":["https://app.example/cb"],"scope":"openid orders:read"}`,
		`{"redirect_uris":["https://app.example/cb"],"response_types":["token"]}`, `{"redirect_uris":["app:/cb"],"token_endpoint_auth_method":"none"}`,
		`{"redirect_uris":["https://app.example/cb"],"jwks_uri":"http://169.254.169.254/"}`, `{"redirect_uris":["https://app.example/cb"],"jwks":{"keys":[]},"jwks_uri":"https://a.example/"}`,
	} {
		f.Add(seed)
	}
	env := registrationEnv(RegistrationOpen)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := ReadMetadata(body, false)
		if err != nil {
			return
		}
		got := Register(Registering{Network: "192.0.2.0/24", Metadata: m}, &record.RegistrationState{}, env)
		if got.Err != nil {
			if len(got.Changes) != 0 || got.Answer.Client != nil {
				t.Fatalf("%s is refused with %v, and there is %+v", body, got.Err, got)
			}
			return
		}
		s := got.Answer.Client.Settings
		switch {
		case s.FirstParty || s.Resources != nil || s.DefaultResource != "" || s.AccessTTL != 0 || s.ReadAttributes != nil:
			t.Fatalf("%s gives what only an administrator gives: %+v", body, s)
		case !covered(s.GrantTypes, []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}) || !covered(got.Answer.Client.ScopeList, oauth.StandardScopes()):
			t.Fatalf("%s gives %v %v", body, s.GrantTypes, got.Answer.Client.ScopeList)
		case got.Answer.Client.Public() != (got.Answer.Token == "") || got.Answer.Client.HasSecret() != (got.Answer.Secret != ""):
			t.Fatalf("%s: %+v", body, got.Answer)
		}
	})
}
