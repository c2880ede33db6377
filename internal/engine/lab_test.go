package engine

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// The clients and the resource of these tests.
const (
	labIssuer  = "http://localhost:8484"
	labAPI     = "https://api.example"
	labApp     = "app"  // public, so its refresh tokens rotate
	labSite    = "site" // confidential, so they do not; its access tokens are opaque
	labGateway = "api"  // confidential; it asks what the tokens for the API are worth
	labSecret  = "mcs_the-secret-of-both"
	labReturn  = "https://app.example/cb"
	labProof   = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// lab is an engine on a database of its own.
type lab struct {
	*testing.T
	*Engine
	store *store.Store
	path  string
	kek   secret.KEK
}

// newLab opens an engine on a new database in which the clients and the API are.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := newLabWithoutEngine(t)
	l.Engine = l.start(l.kek)
	return l
}

func newLabWithoutEngine(t *testing.T) *lab {
	t.Helper()
	return newLabOn(t, store.Options{Path: filepath.Join(t.TempDir(), "mintmark.db"), Unsafe: true})
}

func newLabOn(t *testing.T, at store.Options) *lab {
	t.Helper()
	l := &lab{T: t, path: at.Path, kek: secret.KEK{1, 2, 3}}
	l.store = openStoreOn(t, at)
	l.commit(slices.Concat(labClients(), []record.Change{record.PutResource{Resource: record.Resource{
		Aud: labAPI, Version: 1, Settings: record.ResourceSettings{Scopes: []string{"api:read"}},
	}}})...)
	return l
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	return openStoreOn(t, store.Options{Path: path, Unsafe: true})
}

func openStoreOn(t *testing.T, at store.Options) *store.Store {
	t.Helper()
	at.Issuer = labIssuer
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (l *lab) config(kek secret.KEK) Config {
	issuer, err := oauth.ParseIssuer(labIssuer)
	if err != nil {
		l.Fatal(err)
	}
	return Config{Policy: decide.DefaultPolicy(issuer), Store: l.store, KEK: kek, Log: slog.New(slog.DiscardHandler)}
}

// start opens an engine on the database; it is closed before the database is.
func (l *lab) start(kek secret.KEK) *Engine {
	l.Helper()
	e, err := Open(l.Context(), l.config(kek))
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(e.Close)
	return e
}

func (l *lab) commit(changes ...record.Change) {
	l.Helper()
	if err := l.store.Commit(l.Context(), changes); err != nil {
		l.Fatal(err)
	}
}

// lc is the logical clock.
func (l *lab) lc() int64 {
	l.Helper()
	head, err := l.store.Head(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	return head.LC
}

func labClients() []record.Change {
	settings := record.ClientSettings{
		RedirectURIs:            []string{labReturn},
		GrantTypes:              []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		TokenEndpointAuthMethod: "none",
		Scope:                   "openid offline_access api:read",
		Resources:               []string{labAPI},
		TokenProfile:            record.StandardProfile,
		SecurityProfile:         record.OIDCProfile,
		PKCE:                    record.PKCERequired,
	}
	app := record.Client{ID: labApp, Name: "App", Settings: settings, Enabled: true, Version: 1}
	settings.TokenEndpointAuthMethod, settings.AccessFormat = "client_secret_basic", record.AccessOpaque
	secrets := []record.ClientSecret{{Hash: secret.Hash(labSecret), MadeAt: 1}}
	site := record.Client{ID: labSite, Name: "Site", Settings: settings, Enabled: true, Version: 1, Secrets: secrets}
	settings.GrantTypes, settings.AccessFormat = []string{oauth.GrantClientCredentials}, ""
	gateway := record.Client{ID: labGateway, Name: "API", Settings: settings, Enabled: true, Version: 1, Secrets: secrets}
	return []record.Change{
		record.PutClient{Client: app}, record.PutClient{Client: site}, record.PutClient{Client: gateway},
	}
}

// credentials are what a client of the lab shows.
func credentials(clientID string) oauth.Credentials {
	if clientID == labApp {
		return oauth.Credentials{ClientID: clientID, Method: oauth.AuthNone}
	}
	return oauth.Credentials{ClientID: clientID, Secret: labSecret, Method: oauth.AuthBasic}
}

func refreshRequest(clientID, token string) *oauth.TokenRequest {
	return &oauth.TokenRequest{
		Credentials: credentials(clientID), GrantType: oauth.GrantRefreshToken, RefreshToken: token,
	}
}

func exchangeRequest(clientID, code string) *oauth.TokenRequest {
	return &oauth.TokenRequest{
		Credentials: credentials(clientID), GrantType: oauth.GrantAuthorizationCode,
		Code: code, RedirectURI: labReturn, CodeVerifier: labProof,
	}
}

// household is a user with what hangs from them, as rows: two browsers that are
// signed in, and codes and grants of the first of them.
type household struct {
	user     record.User
	email    record.Identifier
	password record.Factor
	here     record.Session
	there    record.Session
	app      record.Grant // in the session here
	offline  record.Grant // outlives it
	site     record.Grant // in the session here; its tokens do not rotate
	code     record.Code  // of the session here; its grant will be too
	lasting  record.Code  // of the session here; its grant will be offline
	cookies  [2]string    // of the browsers here and there
	codes    [2]string    // the codes themselves
}

const labHour = 3600 * 1000

// newHousehold draws a user whose rows vouch for the state at the logical clock rvs.
func newHousehold(rvs, now int64, phc string) *household {
	var seed secret.Seed
	_, _ = rand.Read(seed[:])
	sub := seed.ID("sub")
	address := strings.ToLower(base64.RawURLEncoding.EncodeToString(seed.Bytes("address", 6))) + "@example.com"
	h := &household{
		user:     record.User{ID: sub, Status: record.UserActive, Claims: []byte(`{}`), MadeAt: now, Version: 1},
		email:    record.Identifier{Kind: record.IdentifierEmail, Value: address, UserID: sub},
		password: record.Factor{ID: seed.ID("factor"), UserID: sub, Kind: record.FactorPassword, Data: phc, MadeAt: now - 1},
		cookies:  [2]string{secret.NewOpaque(seed, "here"), secret.NewOpaque(seed, "there")},
		codes:    [2]string{secret.NewOpaque(seed, "code"), secret.NewOpaque(seed, "lasting")},
	}
	session := func(name, cookie string) record.Session {
		return record.Session{
			ID: seed.ID(name), CookieHash: secret.Hash(cookie), BrowserHash: secret.Hash(cookie + "'s browser"), UserID: sub,
			Proofs: []record.Proof{{Factor: record.FactorPassword, At: now}}, AuthTime: now, RVS: rvs, Agent: name,
			MadeAt: now, SeenAt: now, IdleUntil: now + labHour, AbsUntil: now + 24*labHour,
		}
	}
	h.here, h.there = session("here", h.cookies[0]), session("there", h.cookies[1])
	facts := record.AuthnFacts{AuthTime: now, ACR: "aal1", AMR: []string{"pwd"}}
	grant := func(name, clientID, sid string) record.Grant {
		return record.Grant{
			ID: seed.ID(name), UserID: sub, ClientID: clientID, SID: sid, Origin: sid, Scope: []string{"api:read"},
			Resources: []string{labAPI}, Facts: facts, RVS: rvs, MadeAt: now, Gen: 3, RotatedAt: now,
			IdleUntil: now + 30*24*labHour, AbsUntil: now + 90*24*labHour,
		}
	}
	h.app, h.offline, h.site = grant("app", labApp, h.here.ID), grant("offline", labApp, ""), grant("site", labSite, h.here.ID)
	code := func(text string, offline bool) record.Code {
		return record.Code{
			Hash: secret.Hash(text), ClientID: labApp, UserID: sub, SID: h.here.ID, GID: seed.ID("of " + text),
			Request: record.CodeRequest{
				RedirectURI: labReturn, RedirectURIGiven: true, Scope: []string{"api:read"}, Resources: []string{labAPI},
				Facts: facts, Offline: offline,
			},
			Challenge: oauth.ChallengeOf(labProof), RVS: rvs, EndsAt: now + labHour,
		}
	}
	h.code, h.lasting = code(h.codes[0], false), code(h.codes[1], true)
	return h
}

// rows are all of the household's.
func (h *household) rows() []record.Change {
	return []record.Change{
		record.PutUser{User: h.user},
		record.PutIdentifier{Identifier: h.email},
		record.PutFactor{Factor: h.password},
		record.PutSession{Session: h.here},
		record.PutSession{Session: h.there},
		record.PutGrant{Grant: h.app, SessionID: h.here.ID},
		record.PutGrant{Grant: h.offline, SessionID: h.here.ID},
		record.PutGrant{Grant: h.site, SessionID: h.here.ID},
		record.PutCode{Code: h.code},
		record.PutCode{Code: h.lasting},
	}
}

// settleIn puts a new household into the database.
func (l *lab) settleIn() *household {
	l.Helper()
	h := newHousehold(l.lc(), time.Now().UnixMilli(), cheapHash("a password", 1))
	l.commit(h.rows()...)
	return h
}

// cheapHash is a password hash that takes microseconds to make and to check.
// number makes hashes of one password different.
func cheapHash(password string, number byte) string {
	salt := []byte{'8', ' ', 'o', 'r', ' ', 'm', 'o', 'r', 'e', number}
	key := argon2.IDKey([]byte(password), salt, 1, 8, 1, 16)
	return fmt.Sprintf("$argon2id$v=%d$m=8,t=1,p=1$%s$%s", argon2.Version,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}
