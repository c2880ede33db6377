//go:build external

package clients

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// app is a relying party as its documentation says to write one with go-oidc and
// oauth2.
type app struct {
	t        *testing.T
	issuer   string
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth2.Config
}

// newApp registers an app and discovers the server from its issuer alone. How
// the client authenticates is left to oauth2, which tries.
func newApp(t *testing.T, s *server.Server, flags ...string) *app {
	t.Helper()
	client := s.NewClient("Go app", append([]string{
		"--grant", "authorization_code,refresh_token", "--redirect-uri", callback,
		"--scope", "openid,profile,email,offline_access",
	}, flags...)...)
	provider := discover(t, s)
	return &app{
		t:        t,
		issuer:   s.Issuer,
		provider: provider,
		verifier: provider.Verifier(&oidc.Config{ClientID: client.ClientID}),
		Config: oauth2.Config{
			ClientID: client.ClientID, ClientSecret: client.ClientSecret, RedirectURL: callback,
			Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
		},
	}
}

func discover(t *testing.T, s *server.Server) *oidc.Provider {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), s.Issuer)
	if err != nil {
		t.Fatalf("discovering %s: %v", s.Issuer, err)
	}
	return provider
}

// signIn sends a person through the pages and gives what came back, with the
// PKCE verifier and the nonce of the request.
func (a *app) signIn(p *person.Person) (back url.Values, pkce, nonce string) {
	a.t.Helper()
	pkce, nonce = oauth2.GenerateVerifier(), rand.Text()
	state := rand.Text()
	address, err := url.Parse(p.Open(a.AuthCodeURL(state, oauth2.S256ChallengeOption(pkce), oidc.Nonce(nonce))))
	if err != nil {
		a.t.Fatal(err)
	}
	back = address.Query()
	if back.Get("code") == "" || back.Get("state") != state || back.Get("iss") != a.issuer {
		a.t.Fatalf("the browser came back to %s", address)
	}
	return back, pkce, nonce
}

// tokens is a sign-in and its code exchange, with the ID token verified.
func (a *app) tokens(p *person.Person) (*oauth2.Token, *oidc.IDToken) {
	a.t.Helper()
	back, pkce, nonce := a.signIn(p)
	token, err := a.Exchange(a.t.Context(), back.Get("code"), oauth2.VerifierOption(pkce))
	if err != nil {
		a.t.Fatalf("exchanging the code: %v", err)
	}
	id := a.verify(a.verifier, token)
	if id.Nonce != nonce {
		a.t.Errorf("nonce = %q, sent %q", id.Nonce, nonce)
	}
	return token, id
}

// verify checks the ID token of an answer, and that it belongs to its access token.
func (a *app) verify(verifier *oidc.IDTokenVerifier, token *oauth2.Token) *oidc.IDToken {
	a.t.Helper()
	id, err := verifier.Verify(a.t.Context(), rawID(token))
	if err != nil {
		a.t.Fatalf("verifying the ID token: %v", err)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		a.t.Errorf("at_hash: %v", err)
	}
	return id
}

func rawID(token *oauth2.Token) string {
	raw, _ := token.Extra("id_token").(string)
	return raw
}

// refresh presents a refresh token.
func (a *app) refresh(refreshToken string) (*oauth2.Token, error) {
	return a.TokenSource(a.t.Context(), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

func (a *app) mustRefresh(refreshToken string) *oauth2.Token {
	a.t.Helper()
	token, err := a.refresh(refreshToken)
	if err != nil {
		a.t.Fatalf("refreshing: %v", err)
	}
	return token
}

// userinfo asks with an access token.
func (a *app) userinfo(token *oauth2.Token) (*oidc.UserInfo, error) {
	return a.provider.UserInfo(a.t.Context(), oauth2.StaticTokenSource(token))
}

// refused holds an error of the token endpoint to its code.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refusal.ErrorCode != code || refusal.Response.StatusCode != http.StatusBadRequest {
		t.Errorf("the token endpoint said %v; want %s", err, code)
	}
}

// signedBy holds a token's header to an algorithm and gives its key.
func signedBy(t *testing.T, s *server.Server, raw, alg string) string {
	t.Helper()
	head := header(t, raw)
	if head.Alg != alg {
		t.Errorf("signed with %s, want %s", head.Alg, alg)
	}
	for _, key := range s.Keys() {
		if key.KID == head.KID && key.Alg == alg {
			return head.KID
		}
	}
	t.Errorf("the server has no key %q for %s", head.KID, alg)
	return ""
}

func TestGoOIDCTakesAUserFromDiscoveryToUserinfoAndOn(t *testing.T) {
	s := server.Start(t)
	for _, c := range []struct {
		name, alg string
		flags     []string
	}{
		{"ES256 and client_secret_basic", "ES256", nil},
		{"RS256 and client_secret_post", "RS256", []string{"--id-token-alg", "RS256", "--auth-method", "client_secret_post"}},
		{"a public client", "ES256", []string{"--public"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			user := s.NewUser(c.alg+rand.Text()+"@example.com", "--verified", "--name", "Ana Sousa")
			a, p := newApp(t, s, c.flags...), person.New(t, s.Issuer, user)
			token, id := a.tokens(p)
			if want := []string{"login-submit", "consent-allow"}; !slices.Equal(p.Met, want) {
				t.Errorf("the person answered %v, want %v", p.Met, want)
			}
			signedBy(t, s, rawID(token), c.alg)
			if id.Subject != user.Sub {
				t.Errorf("sub = %q, want %q", id.Subject, user.Sub)
			}
			info, err := a.userinfo(token)
			if err != nil {
				t.Fatalf("userinfo: %v", err)
			}
			var profile struct{ Name string }
			if err := info.Claims(&profile); err != nil {
				t.Fatal(err)
			}
			if info.Subject != user.Sub || info.Email != user.Email || !info.EmailVerified || profile.Name != "Ana Sousa" {
				t.Errorf("userinfo = %+v, %+v", info, profile)
			}
			renewsTokens(t, a, token, id)
		})
	}
}

// renewsTokens: OpenID Connect Core §12.2, the ID token of a refresh names the
// same user and the same sign-in.
func renewsTokens(t *testing.T, a *app, token *oauth2.Token, id *oidc.IDToken) {
	t.Helper()
	renewed := a.mustRefresh(token.RefreshToken)
	if renewed.AccessToken == token.AccessToken {
		t.Error("the access token is not new")
	}
	var first, second struct {
		AuthTime int64  `json:"auth_time"`
		SID      string `json:"sid"`
	}
	again := a.verify(a.verifier, renewed)
	if err := errors.Join(id.Claims(&first), again.Claims(&second)); err != nil {
		t.Fatal(err)
	}
	if again.Subject != id.Subject || first != second || first.AuthTime == 0 {
		t.Errorf("the sign-in was %+v and is %+v after the refresh", first, second)
	}
	if _, err := a.userinfo(renewed); err != nil {
		t.Errorf("userinfo with the renewed token: %v", err)
	}
}

// TestASecondSignInMeetsNoPage: the session and the consent are remembered.
func TestASecondSignInMeetsNoPage(t *testing.T) {
	s := server.Start(t)
	a, p := newApp(t, s), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	_, first := a.tokens(p)
	_, second := a.tokens(p)
	if len(p.Met) != 0 || first.Subject != second.Subject {
		t.Errorf("the second sign-in met %v, as %s and then %s", p.Met, first.Subject, second.Subject)
	}
}

// TestACodeUsedTwiceTakesItsTokensAlong: RFC 6749 §4.1.2.
func TestACodeUsedTwiceTakesItsTokensAlong(t *testing.T) {
	s := server.Start(t)
	a, p := newApp(t, s), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	back, pkce, _ := a.signIn(p)
	token, err := a.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(pkce))
	if err != nil {
		t.Fatalf("exchanging the code: %v", err)
	}
	if _, err := a.userinfo(token); err != nil {
		t.Fatalf("userinfo before: %v", err)
	}
	_, err = a.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(pkce))
	refused(t, err, "invalid_grant")
	if _, err := a.userinfo(token); err == nil {
		t.Error("userinfo still takes the access token")
	}
	_, err = a.refresh(token.RefreshToken)
	refused(t, err, "invalid_grant")
}

// TestACodeWithoutItsVerifierIsWorthNothing: RFC 7636 §4.6. It hurts nobody: the
// code is still good for its owner.
func TestACodeWithoutItsVerifierIsWorthNothing(t *testing.T) {
	s := server.Start(t)
	a, p := newApp(t, s), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	a.Endpoint.AuthStyle = oauth2.AuthStyleInHeader // else oauth2 tries another after any error
	back, pkce, _ := a.signIn(p)
	_, err := a.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier()))
	refused(t, err, "invalid_grant")
	if _, err := a.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(pkce)); err != nil {
		t.Errorf("exchanging the code by its owner: %v", err)
	}
}

// TestARefreshTokenFromTwoRotationsAgoEndsTheGrant: RFC 9700 §4.14.2.
func TestARefreshTokenFromTwoRotationsAgoEndsTheGrant(t *testing.T) {
	s := server.Start(t)
	a, p := newApp(t, s, "--public"), person.New(t, s.Issuer, s.NewUser("ana@example.com"))
	first, _ := a.tokens(p)
	second := a.mustRefresh(first.RefreshToken)
	if second.RefreshToken == first.RefreshToken {
		t.Fatal("a public client's refresh token did not rotate")
	}
	if again := a.mustRefresh(first.RefreshToken); again.RefreshToken != second.RefreshToken {
		t.Error("a retry at once got another successor")
	}
	third := a.mustRefresh(second.RefreshToken)
	_, err := a.refresh(first.RefreshToken)
	refused(t, err, "invalid_grant")
	_, err = a.refresh(third.RefreshToken)
	refused(t, err, "invalid_grant")
	if _, err := a.userinfo(third); err == nil {
		t.Error("userinfo still takes the newest access token")
	}
}

// TestOAuth2GetsATokenForTheClientItself, which an API verifies with go-oidc.
func TestOAuth2GetsATokenForTheClientItself(t *testing.T) {
	const api = "https://api.example.com"
	s := server.Start(t)
	s.NewResource(api, "--scope", "orders:read")
	for _, c := range []struct {
		method string
		style  oauth2.AuthStyle
	}{
		{"client_secret_basic", oauth2.AuthStyleInHeader},
		{"client_secret_post", oauth2.AuthStyleInParams},
	} {
		t.Run(c.method, func(t *testing.T) {
			client := s.NewClient("Job", "--grant", "client_credentials", "--auth-method", c.method,
				"--scope", "orders:read", "--resource", api)
			provider := discover(t, s)
			config := clientcredentials.Config{
				ClientID: client.ClientID, ClientSecret: client.ClientSecret, AuthStyle: c.style,
				TokenURL: provider.Endpoint().TokenURL, Scopes: []string{"orders:read"},
				EndpointParams: url.Values{"resource": {api}},
			}
			token, err := config.Token(t.Context())
			if err != nil {
				t.Fatalf("asking for a token: %v", err)
			}
			if token.RefreshToken != "" {
				t.Error("RFC 6749 §4.4.3: there is a refresh token")
			}
			verified, err := provider.Verifier(&oidc.Config{ClientID: api}).Verify(t.Context(), token.AccessToken)
			if err != nil {
				t.Fatalf("verifying the access token: %v", err)
			}
			if verified.Subject != client.ClientID || header(t, token.AccessToken).Typ != "at+jwt" {
				t.Errorf("sub = %q, typ = %q", verified.Subject, header(t, token.AccessToken).Typ)
			}
			config.ClientSecret = "mcs_wrong"
			_, err = config.Token(t.Context())
			refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
			if !ok || refusal.ErrorCode != "invalid_client" || refusal.Response.StatusCode != http.StatusUnauthorized {
				t.Errorf("with a wrong secret: %v", err)
			}
		})
	}
}
