package engine_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

const (
	officeIssuer = "http://localhost:8484"
	officeAPI    = "https://api.example"
	callback     = "https://shop.example/cb"
	verifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	goodPassword = "tidal harbour lamp"
)

// office is a server with an API, a client that serves users and itself, and Ana,
// before an administrator does anything.
type office struct {
	*testing.T
	*engine.Engine
	store  *store.Store
	shop   engine.ManagedClient
	secret string
	ana    string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t}
	var err error
	o.store, err = store.Open(t.Context(), store.Options{
		Path: filepath.Join(t.TempDir(), "mintmark.db"), Issuer: officeIssuer, Unsafe: true,
	})
	o.must(err)
	t.Cleanup(func() { o.must(o.store.Close()) })
	o.must(o.store.Migrate(t.Context()))
	o.Engine = o.reopen()
	t.Cleanup(func() { o.Close() })

	_, err = o.CreateResource(t.Context(), officeAPI, record.ResourceSettings{Scopes: []string{"api:read"}})
	o.must(err)
	o.shop, err = o.CreateClient(t.Context(), "shop", shopForm())
	o.must(err)
	o.secret = o.shop.Secret
	ana, err := o.CreateUser(t.Context(), engine.Profile{Email: "Ana@Example.com"}, goodPassword)
	o.must(err)
	o.ana = ana.ID
	return o
}

// reopen starts an engine on the office's database.
func (o *office) reopen() *engine.Engine {
	o.Helper()
	issuer, err := oauth.ParseIssuer(officeIssuer)
	o.must(err)
	e, err := engine.Open(context.Background(), engine.Config{
		Policy: decide.DefaultPolicy(issuer), Store: o.store, KEK: secret.KEK{1}, Log: slog.New(slog.DiscardHandler),
	})
	o.must(err)
	return e
}

func shopForm() engine.ClientForm {
	return engine.ClientForm{Name: "Shop", Settings: record.ClientSettings{
		RedirectURIs: []string{callback},
		GrantTypes:   []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials},
		Scope:        "openid profile email phone offline_access api:read",
		Resources:    []string{officeAPI},
		FirstParty:   true,
	}}
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) fine(err *oauth.Error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) credentials(secret string) oauth.Credentials {
	return oauth.Credentials{ClientID: "shop", Secret: secret, Method: oauth.AuthBasic}
}

// machineToken is a client_credentials token of the shop.
func (o *office) machineToken(secret string) (string, *oauth.Error) {
	tokens, err := o.Token(o.Context(), &oauth.TokenRequest{
		Credentials: o.credentials(secret), GrantType: oauth.GrantClientCredentials,
		Scope: oauth.NewScopes("api:read"), ScopeGiven: true, Resources: []string{officeAPI},
	})
	return tokens.Access, err
}

// login signs Ana in at the shop, in a browser of its own, with whatever password.
func (o *office) login(password string) (record.SignedTokens, *oauth.Error) {
	o.Helper()
	browser := engine.Browser{Browser: "browser of " + o.Name(), Agent: "Firefox", Network: "192.0.2.0/24"}
	asked, err := o.Authorize(o.Context(), &oauth.AuthorizationRequest{
		ClientID: "shop", RedirectURI: callback, ResponseType: oauth.ResponseTypeCode, State: "s",
		Scope: oauth.NewScopes("openid", "profile", "email", "phone"), CodeChallenge: oauth.ChallengeOf(verifier), CodeChallengeMethod: "S256",
	}, nil, browser)
	o.fine(err)
	done, err := o.Login(o.Context(), engine.LoginForm{
		Interaction: asked.Interaction, Identifier: "ana@example.com", Password: password,
	}, browser)
	if err != nil {
		return record.SignedTokens{}, err
	}
	o.fine(done.NextErr)
	return o.Token(o.Context(), &oauth.TokenRequest{
		Credentials: o.credentials(o.secret), GrantType: oauth.GrantAuthorizationCode,
		Code: done.Next.Code, RedirectURI: callback, CodeVerifier: verifier,
	})
}

func (o *office) signIn() record.SignedTokens {
	o.Helper()
	tokens, err := o.login(goodPassword)
	o.fine(err)
	return tokens
}

func (o *office) refresh(token string) *oauth.Error {
	_, err := o.Token(o.Context(), &oauth.TokenRequest{
		Credentials: o.credentials(o.secret), GrantType: oauth.GrantRefreshToken, RefreshToken: token,
	})
	return err
}

func (o *office) active(token string) bool {
	o.Helper()
	answer, err := o.Introspect(o.Context(), &oauth.IntrospectionRequest{Credentials: o.credentials(o.secret), Token: token})
	o.fine(err)
	return answer.Active
}

// allDead holds that a sign-in's tokens are refused everywhere, at once.
func (o *office) allDead(tokens record.SignedTokens) {
	o.Helper()
	if o.active(tokens.Access) {
		o.Error("the access token is still active")
	}
	if o.active(tokens.Refresh) {
		o.Error("the refresh token is still active")
	}
	if err := o.refresh(tokens.Refresh); err == nil || err.Code != oauth.InvalidGrant {
		o.Errorf("the refresh token was answered with %v", err)
	}
	if _, err := o.Userinfo(o.Context(), tokens.Access, nil); err == nil || err.Code != oauth.InvalidToken {
		o.Errorf("userinfo answered with %v", err)
	}
}

// audited holds that the newest rows of the audit trail are these events.
func (o *office) audited(events ...string) {
	o.Helper()
	rows, err := o.store.AuditList(o.Context(), "", 100)
	o.must(err)
	for _, event := range events {
		if !slices.ContainsFunc(rows, func(r record.AuditEntry) bool { return r.Event == event && r.Actor == decide.ActorAdmin }) {
			o.Errorf("there is no audit row %q of an administrator", event)
		}
	}
}

// refused holds that an act was refused as a kind, for exactly these fields.
func (o *office) refused(err error, kind engine.RefusalKind, fields ...string) {
	o.Helper()
	refusal, ok := errors.AsType[*engine.Refusal](err)
	if !ok || refusal.Kind != kind {
		o.Fatalf("got %v, want a refusal that is %s", err, kind)
	}
	var got []string
	for _, field := range refusal.Fields {
		got = append(got, field.Field)
	}
	slices.Sort(got)
	slices.Sort(fields)
	if !slices.Equal(slices.Compact(got), fields) {
		o.Errorf("the refusal names %v, want %v: %v", got, fields, err)
	}
}

func (o *office) json(value any) string {
	o.Helper()
	text, err := json.Marshal(value)
	o.must(err)
	return string(text)
}

// headerOf is the header of a token.
func headerOf(o *office, token string) []byte {
	o.Helper()
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	o.must(err)
	return text
}
