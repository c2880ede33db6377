package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mintmark-id/mintmark/bench/load"
)

const (
	serviceClient = "bench-service" // confidential: client_credentials
	apiClient     = "bench-api"     // confidential: introspects the users' tokens that it was given itself
	webClient     = "bench-web"     // public: the code flow with PKCE, rotating refresh tokens
	redirectURI   = "https://app.example/cb"
	verifier      = "bench-verifier-0123456789-0123456789-0123456789"

	offlineScope = "openid profile email offline_access"
	onlineScope  = "openid profile email phone address"
)

// tenants are the clients and signed-in people of a site.
type tenants struct {
	*site
	service, api client
	people       []signedIn
}

type signedIn struct {
	person
	browser *browser
	cookies string // as a header line
}

// settle creates the clients and lets people sign in and consent once each.
func settle(ctx context.Context, s *site, people int) (*tenants, error) {
	t := &tenants{site: s}
	var err error
	if t.service, err = s.createClient(ctx, serviceClient, "--grant", "client_credentials"); err != nil {
		return nil, err
	}
	t.api, err = s.createClient(ctx, apiClient, "--grant", "authorization_code,client_credentials",
		"--redirect-uri", redirectURI, "--scope", "openid,profile,email")
	if err != nil {
		return nil, err
	}
	_, err = s.createClient(ctx, webClient, "--public", "--grant", "authorization_code,refresh_token",
		"--redirect-uri", redirectURI, "--scope", "openid,profile,email,phone,address,offline_access")
	if err != nil {
		return nil, err
	}
	for i := range people {
		who, err := t.signIn(ctx, fmt.Sprintf("person%d@example.com", i))
		if err != nil {
			return nil, fmt.Errorf("signing in: %w", err)
		}
		t.people = append(t.people, who)
	}
	return t, nil
}

func (t *tenants) signIn(ctx context.Context, email string) (signedIn, error) {
	who, err := t.createPerson(ctx, email)
	if err != nil {
		return signedIn{}, err
	}
	b, err := newBrowser()
	if err != nil {
		return signedIn{}, err
	}
	if _, err := b.authorize(ctx, t.issuer+authorizeTarget(webClient, offlineScope), who); err != nil {
		return signedIn{}, err
	}
	at, err := url.Parse(t.issuer + "/oauth2/authorize")
	if err != nil {
		return signedIn{}, err
	}
	var cookies []string
	for _, cookie := range b.client.Jar.Cookies(at) {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	return signedIn{who, b, "Cookie: " + strings.Join(cookies, "; ")}, nil
}

// authorizeTarget is an authorization request with PKCE: path and query.
func authorizeTarget(client, scope string) string {
	challenge := sha256.Sum256([]byte(verifier))
	return "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirectURI}, "scope": {scope},
		"state": {"bench-state"}, "nonce": {"bench-nonce"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}.Encode()
}

// codeForm exchanges a code of a public client.
func codeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {webClient}, "code": {code},
		"redirect_uri": {redirectURI}, "code_verifier": {verifier},
	}
}

type tokenSet struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
}

// token asks the token endpoint once, outside of any measurement. client may have no secret.
func (s *site) token(ctx context.Context, c client, form url.Values) (tokenSet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return tokenSet{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.Secret != "" {
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)) // RFC 6749 §2.3.1
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return tokenSet{}, err
	}
	defer response.Body.Close()
	var tokens tokenSet
	if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil || response.StatusCode != http.StatusOK || tokens.Access == "" {
		return tokenSet{}, errors.Join(fmt.Errorf("the token endpoint answered %s", response.Status), err)
	}
	return tokens, nil
}

// grant gets a public client's tokens for one of the people, by the code flow.
func (t *tenants) grant(ctx context.Context, i int, scope string) (tokenSet, error) {
	who := t.people[i%len(t.people)]
	code, err := who.browser.authorize(ctx, t.issuer+authorizeTarget(webClient, scope), who.person)
	if err != nil {
		return tokenSet{}, err
	}
	return t.token(ctx, client{ID: webClient}, codeForm(code))
}

// apiGrant gets a user's access token for the confidential client.
func (t *tenants) apiGrant(ctx context.Context, i int) (tokenSet, error) {
	who := t.people[i%len(t.people)]
	code, err := who.browser.authorize(ctx, t.issuer+authorizeTarget(apiClient, "openid profile email"), who.person)
	if err != nil {
		return tokenSet{}, err
	}
	form := codeForm(code)
	form.Del("client_id")
	return t.token(ctx, t.api, form)
}

// basic is a header line that authenticates a confidential client: RFC 6749 §2.3.1.
func (c client) basic() string {
	pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret)
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// serviceToken is the request of one client_credentials token.
func (s *site) serviceToken(c client) load.Script {
	form := url.Values{"grant_type": {"client_credentials"}}
	return repeat(load.Post(s.address, "/oauth2/token", form, c.basic()), `"access_token":"`)
}
