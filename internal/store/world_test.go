package store

import (
	"encoding/json"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// The rows of these tests: one of each, every column with a value of its own.

const (
	day  = 24 * 3600 * 1000
	noon = int64(1_900_000_000_000) // the tests' time, in ms
	born = noon + 1                 // the logical clock of the plan that makes the world
)

func ana() record.User {
	return record.User{
		ID: "ana", Status: record.UserActive, Claims: json.RawMessage(`{"name":"Ana"}`), TokenVersion: 3, Cut: 1,
		MadeAt: noon - 9, Version: 2,
	}
}

func anasEmail() record.Identifier {
	return record.Identifier{Kind: record.IdentifierEmail, Value: "ana@example.com", UserID: "ana", VerifiedAt: noon - 8}
}

func anasPhone() record.Identifier {
	return record.Identifier{Kind: record.IdentifierPhone, Value: "+491701234567", UserID: "ana"}
}

func anasPassword() record.Factor {
	return record.Factor{ID: "f", UserID: "ana", Kind: record.FactorPassword, Data: "$argon2id$1", MadeAt: noon - 7}
}

func app() record.Client {
	window := int64(20)
	return record.Client{
		ID: "app", Name: "App", Enabled: true, MadeAt: noon - 6, Version: 1,
		Settings: record.ClientSettings{
			RedirectURIs: []string{"https://app.example/cb"}, GrantTypes: []string{"authorization_code"},
			TokenEndpointAuthMethod: "client_secret_basic", Scope: "openid api:read", RetryWindow: &window,
		},
		Secrets:   []record.ClientSecret{{Hash: []byte("secret 1"), MadeAt: noon - 6, EndsAt: noon + day}},
		ScopeList: []string{"openid", "api:read"},
	}
}

func api() record.Resource {
	return record.Resource{
		Aud: "https://api.example", Version: 1,
		Settings: record.ResourceSettings{Name: "API", Scopes: []string{"api:read"}, AccessTTL: 300, Alg: "ES256"},
	}
}

func key() record.SigningKey {
	return record.SigningKey{
		KID: "k1", Alg: "ES256", Use: record.KeyUseTokens, Status: record.KeyNext, PublicJWK: []byte(`{"kty":"EC"}`),
		Sealed: []byte{0, 1, 0xff}, MadeAt: noon - 5, SignsFrom: noon + day, PublishedUntil: 0,
	}
}

func session() record.Session {
	return record.Session{
		ID: "sid", CookieHash: []byte("cookie 1"), BrowserHash: []byte("browser 1"), UserID: "ana",
		Proofs: []record.Proof{{Factor: "password", At: noon - 4}}, AuthTime: noon - 4, RVS: born, Agent: "Firefox",
		MadeAt: noon - 4, SeenAt: noon - 3, IdleUntil: noon + day/2, AbsUntil: noon + 30*day,
	}
}

func facts() record.AuthnFacts {
	return record.AuthnFacts{AuthTime: noon - 4, ACR: "urn:acr:one factor", AMR: []string{"pwd", "otp"}}
}

func grant() record.Grant {
	return record.Grant{
		ID: "gid", UserID: "ana", ClientID: "app", SID: "sid", Origin: "sid", Scope: []string{"openid", "api:read"},
		Resources: []string{"https://api.example"}, Facts: facts(), RVS: born,
		Claims: record.AskedClaims{Userinfo: []string{"name"}, IDToken: []string{"email", "name"}},
		MadeAt: noon, Gen: 4, RotatedAt: noon - 2, LateGen: 3, LateRun: 1, JKT: "thumb", X5T: "print",
		IdleUntil: noon + 30*day, AbsUntil: noon + 90*day,
	}
}

func consent() record.Consent {
	return record.Consent{UserID: "ana", ClientID: "app", Scope: []string{"openid", "api:read"}, Claims: []string{"email", "name"}, Face: "a face", MadeAt: noon - 1}
}

func code() record.Code {
	return record.Code{
		Hash: []byte("code 1"), ClientID: "app", UserID: "ana", SID: "sid", GID: "gid",
		Request: record.CodeRequest{
			RedirectURI: "https://app.example/cb", RedirectURIGiven: true, Scope: []string{"openid"},
			Resources: []string{"https://api.example"}, Nonce: "n", Facts: facts(), Offline: true,
			Claims: record.AskedClaims{IDToken: []string{"name"}},
		},
		Challenge: "challenge", RVS: born, EndsAt: noon + 60_000,
	}
}

func interaction() record.Interaction {
	age := int64(60)
	return record.Interaction{
		IDHash: []byte("page 1"), BrowserHash: []byte("browser 1"), MadeAt: noon, EndsAt: noon + 900_000,
		Request: oauth.AuthorizationRequest{
			ClientID: "app", RedirectURI: "https://app.example/cb", ResponseType: "code", State: "s",
			Scope: oauth.NewScopes("openid", "api:read"), Prompt: []string{"login"}, MaxAge: &age,
			Resources: []string{"https://api.example"},
		},
	}
}

// world is a database in which it is noon, ana is signed in and has let the app in.
func world(t testing.TB, change ...func(*Options)) *Store {
	t.Helper()
	s := open(t, append([]func(*Options){func(o *Options) { o.now = func() int64 { return noon } }}, change...)...)
	commit(t, s,
		record.PutUser{User: ana()}, record.PutIdentifier{Identifier: anasEmail()},
		record.PutIdentifier{Identifier: anasPhone()}, record.PutFactor{Factor: anasPassword()},
		record.PutClient{Client: app()}, record.PutResource{Resource: api()}, record.PutKey{Key: key()},
		record.PutSession{Session: session()}, record.PutConsent{Consent: consent()},
		record.PutGrant{Grant: grant(), SessionID: "sid"}, record.PutCode{Code: code()},
		record.PutInteraction{Interaction: interaction()})
	return s
}

// bornAt fills in what the store gives a row at birth.
func bornAt(lc int64, c record.Client, r record.Resource) (*record.Client, *record.Resource) {
	c.Cut, r.Cut = lc, lc
	return &c, &r
}

func withIdentifiers(u record.User) *record.User {
	email, phone := anasEmail(), anasPhone()
	u.Email, u.Phone = &email, &phone
	return &u
}
