// Package app is an application that people sign in to, at a real server and
// through its pages: for measurements and for tests that go on when a server dies.
package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/person"
)

// App is a confidential client.
type App struct {
	Issuer, ID, Secret string
	http               *http.Client
}

// Tokens are what an app gets.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// Register makes a client as the metadata say, on the server behind the socket.
func Register(ctx context.Context, office *admin.Client, issuer string, client admin.NewClient) (*App, error) {
	client.Name = client.ClientID
	client.RedirectURIs = nil
	for _, grant := range client.GrantTypes {
		if grant == "authorization_code" {
			client.RedirectURIs = []string{callback(client.ClientID)}
		}
	}
	made, err := office.CreateClient(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("registering %s: %w", client.ClientID, err)
	}
	return &App{Issuer: issuer, ID: made.ClientID, Secret: made.ClientSecret, http: newClient()}, nil
}

// callback is where people come back to. Nothing listens there.
func callback(id string) string { return "https://" + id + ".example/cb" }

// newClient follows no redirects and keeps no connections: the server may be
// another process by the next request.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Browser is a user's browser, without scripts.
type Browser struct {
	user admin.User
	http *http.Client
}

// NewBrowser gives a user, with a password, a fresh browser.
func NewBrowser(user admin.User) (*Browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("making a cookie jar: %w", err)
	}
	b := &Browser{user: user, http: newClient()}
	b.http.Jar = jar
	return b, nil
}

// Code is an authorization code and what it is redeemed with.
type Code struct{ Value, verifier string }

// SignIn has a user let the app in, for one resource, and gives the tokens. A
// browser that is signed in is asked for nothing.
func (a *App) SignIn(ctx context.Context, b *Browser, resource string) (Tokens, error) {
	code, err := a.Code(ctx, b, resource)
	if err != nil {
		return Tokens{}, err
	}
	tokens, ok, err := a.Redeem(ctx, code)
	if err == nil && !ok {
		err = errors.New("the code is refused")
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("signing in: %w", err)
	}
	return tokens, nil
}

// Redeem gives the tokens of a code; false: it is refused for good.
func (a *App) Redeem(ctx context.Context, code Code) (Tokens, bool, error) {
	return a.token(ctx, a.Redemption(code))
}

// Redemption is the form in which a code is redeemed.
func (a *App) Redemption(code Code) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code.Value}, "redirect_uri": {callback(a.ID)}, "code_verifier": {code.verifier},
	}
}

// Code has a user let the app in, and gives the code that comes of it.
func (a *App) Code(ctx context.Context, b *Browser, resource string) (Code, error) {
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	address := a.Issuer + "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {callback(a.ID)}, "scope": {"openid"}, "resource": {resource},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	back, err := b.open(ctx, address, a.Issuer)
	if err != nil {
		return Code{}, fmt.Errorf("signing in: %w", err)
	}
	code := back.Query().Get("code")
	if code == "" {
		return Code{}, fmt.Errorf("signing in: the browser was led to %s", back)
	}
	return Code{code, verifier}, nil
}

// At is the app as it asks another address.
func (a *App) At(address string) *App {
	return &App{Issuer: address, ID: a.ID, Secret: a.Secret, http: a.http}
}

// open follows an address through sign-in and consent until it leads outside.
func (b *Browser) open(ctx context.Context, address, issuer string) (*url.URL, error) {
	method, form := http.MethodGet, url.Values(nil)
	for range 12 {
		status, to, page, err := b.send(ctx, method, address, form)
		switch {
		case err != nil:
			return nil, err
		case to != nil && !strings.HasPrefix(to.String(), issuer+"/"):
			return to, nil
		case to != nil:
			method, address, form = http.MethodGet, to.String(), nil
			continue
		case status != http.StatusOK:
			return nil, fmt.Errorf("%s answers %d", address, status)
		}
		button, fields := "consent-allow", map[string]string(nil)
		if strings.Contains(page, ` id="login-submit"`) {
			button, fields = "login-submit", map[string]string{"login-identifier": b.user.Email, "login-password": b.user.Password}
		}
		action, values, err := person.Fill(page, button, fields)
		if err != nil {
			return nil, err
		}
		method, address, form = http.MethodPost, issuer+action, values
	}
	return nil, errors.New("the pages have no end")
}

func (b *Browser) send(ctx context.Context, method, address string, form url.Values) (status int, to *url.URL, page string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, "", err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, nil, "", fmt.Errorf("reading a page: %w", err)
	}
	if answer.StatusCode == http.StatusSeeOther {
		to, err = answer.Location()
	}
	return answer.StatusCode, to, string(text), err
}

// Own gives the app a token of its own.
func (a *App) Own(ctx context.Context, more url.Values) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, values := range more {
		form[name] = values
	}
	tokens, ok, err := a.token(ctx, form)
	if err == nil && !ok {
		err = errors.New("it is refused")
	}
	if err != nil {
		return "", fmt.Errorf("getting a token of its own: %w", err)
	}
	return tokens.Access, nil
}

// Refresh presents a refresh token; false: it is dead.
func (a *App) Refresh(ctx context.Context, token string) (Tokens, bool, error) {
	tokens, ok, err := a.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	if err == nil && ok && tokens.Refresh == "" {
		tokens.Refresh = token // it is not rotated
	}
	return tokens, ok, err
}

// token asks the token endpoint; false: it is refused for good (RFC 6749 §5.2).
func (a *App) token(ctx context.Context, form url.Values) (tokens Tokens, ok bool, err error) {
	status, body, err := a.Post(ctx, "/oauth2/token", form)
	switch {
	case err != nil:
		return Tokens{}, false, err
	case status == http.StatusBadRequest && strings.Contains(string(body), `"invalid_grant"`):
		return Tokens{}, false, nil
	case status != http.StatusOK:
		return Tokens{}, false, fmt.Errorf("the token endpoint answers %d: %s", status, body)
	}
	if err := json.Unmarshal(body, &tokens); err != nil || tokens.Access == "" {
		return Tokens{}, false, errors.Join(errors.New("the token endpoint's answer has no access token"), err)
	}
	return tokens, true, nil
}

// Active introspects a token.
func (a *App) Active(ctx context.Context, token string) (bool, error) {
	status, body, err := a.Post(ctx, "/oauth2/introspect", url.Values{"token": {token}})
	if err != nil {
		return false, err
	}
	var said struct {
		Active *bool `json:"active"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.Active == nil || status != http.StatusOK {
		return false, fmt.Errorf("introspection answers %d: %s", status, body)
	}
	return *said.Active, nil
}

// Revoke revokes a token (RFC 7009).
func (a *App) Revoke(ctx context.Context, token string) error {
	status, body, err := a.Post(ctx, "/oauth2/revoke", url.Values{"token": {token}})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("revocation answers %d: %s", status, body)
	}
	return err
}

// Post sends a form as the client.
func (a *App) Post(ctx context.Context, path string, form url.Values) (status int, body []byte, err error) {
	request, err := a.Request(ctx, path, form)
	if err != nil {
		return 0, nil, err
	}
	answer, err := a.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// Request is what Post sends.
func (a *App) Request(ctx context.Context, path string, form url.Values) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(a.ID), url.QueryEscape(a.Secret)) // RFC 6749 §2.3.1
	return request, nil
}
