package mint

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

const (
	issuer = "http://localhost:8484"
	now    = int64(1_790_000_000_000)
	userID = "AAAAAAAAAAAAAAAAAAAAAA"
)

var kek = secret.KEK{1, 2, 3}

func fresh() (n [12]byte) {
	_, _ = rand.Read(n[:])
	return n
}

// key makes a row with a status, as the database would hold it.
func key(t *testing.T, alg string, status record.KeyStatus) record.SigningKey {
	t.Helper()
	row, err := NewKey(alg, kek, fresh())
	if err != nil {
		t.Fatal(err)
	}
	row.Status = status
	return row
}

func minter(t *testing.T, keys ...record.SigningKey) *Mint {
	t.Helper()
	ring, err := NewRing(keys, kek, now)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := secret.NewRoots([]secret.Root{{KeyID: 1, Key: [32]byte{9}}})
	if err != nil {
		t.Fatal(err)
	}
	return &Mint{Issuer: issuer, Ring: ring, Roots: roots}
}

func userTokens() *record.Tokens {
	return &record.Tokens{
		Access: &record.AccessFacts{
			Profile: record.StandardProfile, Alg: ES256, Subject: userID, ClientID: "BBBBBBBBBBBBBBBBBBBBBA",
			Audience: []string{"https://api.example.com", issuer}, Scope: "address email offline_access openid phone profile",
			JTI: "CCCCCCCCCCCCCCCCCCCCCA", SID: "DDDDDDDDDDDDDDDDDDDDDA", GID: "EEEEEEEEEEEEEEEEEEEEEA",
			IssuedAt: now / 1000, ExpiresAt: now/1000 + 900, AuthTime: now/1000 - 5, ACR: "aal1", AMR: []string{"pwd"}, RVS: now - 3,
		},
		ID: &record.IDFacts{
			Profile: record.StandardProfile, Alg: ES256, Subject: userID, ClientID: "BBBBBBBBBBBBBBBBBBBBBA", Nonce: "n-0S6_WzA2Mj",
			SID: "DDDDDDDDDDDDDDDDDDDDDA", IssuedAt: now / 1000, ExpiresAt: now/1000 + 3600, AuthTime: now/1000 - 5, ACR: "aal1", AMR: []string{"pwd"},
		},
		Refresh:   &record.RefreshFacts{GID: "EEEEEEEEEEEEEEEEEEEEEA", Generation: 3},
		ExpiresIn: 900,
		Scope:     "openid",
	}
}

func TestWhatIsSignedReadsBackAsTheSameFacts(t *testing.T) {
	m := minter(t, key(t, ES256, record.KeyActive))
	want := userTokens()
	signed, err := m.Sign(want)
	if err != nil {
		t.Fatal(err)
	}
	got, reason := m.VerifyAccess(signed.Access)
	if reason != "" {
		t.Fatalf("our own access token is refused: %s", reason)
	}
	f := want.Access
	if got.Subject != f.Subject || got.ClientID != f.ClientID || got.JTI != f.JTI || got.SID != f.SID || got.GID != f.GID ||
		got.RVS != f.RVS || got.IssuedAt != f.IssuedAt || got.ExpiresAt != f.ExpiresAt || got.AuthTime != f.AuthTime ||
		got.ACR != f.ACR || strings.Join(got.AMR, " ") != "pwd" || strings.Join(got.Scope, " ") != f.Scope ||
		strings.Join(got.Audience, " ") != strings.Join(f.Audience, " ") {
		t.Errorf("read %+v\nwant %+v", got, f)
	}
	opened, err := m.Roots.Open(signed.Refresh)
	if err != nil || opened.GID != f.GID || opened.Generation != 3 {
		t.Errorf("refresh token opens as %+v, %v", opened, err)
	}
}

// RFC 9068 §2.1 and §4; OpenID Connect Core §2 and §3.1.3.6.
func TestTheTypesKeepAccessAndIDTokensApart(t *testing.T) {
	m := minter(t, key(t, ES256, record.KeyActive))
	signed, err := m.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	if _, reason := m.VerifyAccess(signed.ID); reason != oauth.ReasonTokenWrongType {
		t.Errorf("an ID token as an access token: %q", reason)
	}
	if _, reason := m.VerifyIDHint(signed.Access); reason != oauth.ReasonTokenWrongType {
		t.Errorf("an access token as an ID token hint: %q", reason)
	}
	hint, reason := m.VerifyIDHint(signed.ID)
	if reason != "" || hint.Subject != userID || hint.ClientID != "BBBBBBBBBBBBBBBBBBBBBA" {
		t.Errorf("hint %+v, %q", hint, reason)
	}
	var claims struct {
		AtHash string `json:"at_hash"`
		Nonce  string `json:"nonce"`
	}
	if err := json.Unmarshal(hint.Claims, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.AtHash != jose.AtHash(signed.Access, jose.ES256) || claims.Nonce != "n-0S6_WzA2Mj" {
		t.Errorf("ID token claims %+v", claims)
	}
}

func TestForeignTokensAreRefusedWithTheirReason(t *testing.T) {
	ours := minter(t, key(t, ES256, record.KeyActive))
	other := minter(t, key(t, ES256, record.KeyActive))
	signed, err := other.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := *ours
	elsewhere.Issuer = "https://id.example.com"
	abroad, err := elsewhere.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	own, err := ours.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token string
		want        oauth.Reason
	}{
		{"a key that is not ours", signed.Access, oauth.ReasonTokenSignature},
		{"our key, another issuer", abroad.Access, oauth.ReasonTokenIssuer},
		{"truncated", own.Access[:len(own.Access)-2], oauth.ReasonTokenSignature},
		{"no token at all", "mat_nothing", oauth.ReasonTokenMalformed},
		{"empty", "", oauth.ReasonTokenMalformed},
	} {
		if _, reason := ours.VerifyAccess(c.token); reason != c.want {
			t.Errorf("%s: %q, want %q", c.name, reason, c.want)
		}
	}
}

// tokens.md, part 3: a token without rvs cannot be taken back.
func TestATokenWithoutRVSIsRefused(t *testing.T) {
	row := key(t, ES256, record.KeyActive)
	m := minter(t, row)
	w := jose.BeginObject(nil)
	for _, claim := range []string{"sub", "client_id", "jti", "aud"} {
		w.String(claim, "x")
	}
	w.String("iss", issuer)
	w.Int("iat", 1)
	w.Int("exp", 2)
	token, err := jose.Sign(m.Ring.signers[jose.ES256], "at+jwt", w.End())
	if err != nil {
		t.Fatal(err)
	}
	if _, reason := m.VerifyAccess(token); reason != oauth.ReasonTokenMalformed {
		t.Errorf("reason %q", reason)
	}
}

func TestTheRingPublishesWhatVerifiesAndNothingElse(t *testing.T) {
	active, next := key(t, ES256, record.KeyActive), key(t, ES256, record.KeyNext)
	retired, old := key(t, ES256, record.KeyRetired), key(t, ES256, record.KeyRetired)
	retired.PublishedUntil, old.PublishedUntil = now+1, now
	compromised := key(t, ES256, record.KeyCompromised)
	before := minter(t, func() record.SigningKey { k := old; k.Status = record.KeyActive; return k }())
	signed, err := before.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	m := minter(t, active, next, retired, old, compromised)
	jwks := string(m.Ring.JWKS())
	for _, c := range []struct {
		kid  string
		want bool
	}{{active.KID, true}, {next.KID, true}, {retired.KID, true}, {old.KID, false}, {compromised.KID, false}} {
		if got := strings.Contains(jwks, `"`+c.kid+`"`); got != c.want {
			t.Errorf("%s published: %v, want %v", m.Ring.Status(c.kid), got, c.want)
		}
	}
	if strings.Contains(jwks, `"d"`) {
		t.Error("a private member is published")
	}
	if _, reason := m.VerifyIDHint(signed.ID); reason != "" {
		t.Errorf("a hint of an unpublished key is refused: %s", reason)
	}
	withdrawn := old
	withdrawn.Status = record.KeyCompromised
	if _, reason := minter(t, active, withdrawn).VerifyAccess(signed.Access); reason != oauth.ReasonTokenSignature {
		t.Errorf("a compromised key still verifies: %q", reason)
	}
}

func TestAMissingAlgorithmAndAWrongKEKAreNamed(t *testing.T) {
	m := minter(t, key(t, ES256, record.KeyActive))
	tokens := userTokens()
	tokens.ID.Alg = RS256
	if _, err := m.Sign(tokens); !errors.Is(err, ErrNoKey) {
		t.Errorf("signing with a missing key: %v", err)
	}
	row := key(t, ES256, record.KeyActive)
	if _, err := NewRing([]record.SigningKey{row}, secret.KEK{4}, now); !errors.Is(err, secret.ErrOtherKEK) || !strings.Contains(err.Error(), row.KID) {
		t.Errorf("a wrong key-encryption key: %v", err)
	}
	swapped := row
	swapped.KID = "AAAAAAAAAAA"
	if _, err := NewRing([]record.SigningKey{swapped}, kek, now); err == nil {
		t.Error("a sealed key opened under another key's name")
	}
}

// The figures: 480 bytes for client_credentials, 700 for a user with all
// standard claims.
func TestAccessTokensStayWithinTheirSize(t *testing.T) {
	m := minter(t, key(t, ES256, record.KeyActive))
	user := userTokens()
	user.Access.Audience = []string{issuer}
	machine := &record.Tokens{Access: &record.AccessFacts{
		Profile: record.StandardProfile, Alg: ES256, Subject: "BBBBBBBBBBBBBBBBBBBBBA", ClientID: "BBBBBBBBBBBBBBBBBBBBBA",
		Audience: []string{issuer}, Scope: "orders:read", JTI: "CCCCCCCCCCCCCCCCCCCCCA",
		IssuedAt: now / 1000, ExpiresAt: now/1000 + 900, RVS: now,
	}}
	for _, c := range []struct {
		name   string
		tokens *record.Tokens
		most   int
	}{{"client_credentials", machine, 480}, {"user", user, 700}} {
		signed, err := m.Sign(c.tokens)
		if err != nil {
			t.Fatal(err)
		}
		if len(signed.Access) > c.most {
			t.Errorf("%s: %d bytes, at most %d", c.name, len(signed.Access), c.most)
		}
		t.Logf("%s: %d bytes", c.name, len(signed.Access))
	}
}

// OpenID Connect Core §5.3.2: iss and aud beside the claims, by the key of the algorithm; and an ID token to nobody.
func TestSignedUserinfoSaysForWhomAndIsNoIDToken(t *testing.T) {
	m := minter(t, key(t, ES256, record.KeyActive), key(t, Ed25519, record.KeyActive), key(t, PS256, record.KeyActive))
	for _, alg := range []string{ES256, Ed25519, PS256} {
		token, err := m.SignUserinfo(alg, "client", []byte(`{"sub":"ana","name":"Ana"}`))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.Parse(token)
		if err != nil || !parsed.Header().HasType("JWT") {
			t.Fatalf("%s: %v", alg, err)
		}
		payload, err := parsed.Verify(m.Ring.known, jose.Algorithm(alg))
		if err != nil || payload != `{"iss":"`+issuer+`","aud":"client","sub":"ana","name":"Ana"}` {
			t.Errorf("%s: %s, %v", alg, payload, err)
		}
		if _, reason := m.VerifyIDHint(token); reason != oauth.ReasonTokenMalformed {
			t.Errorf("%s: it is taken for an ID token: %q", alg, reason)
		}
		if _, reason := m.VerifyAccess(token); reason != oauth.ReasonTokenWrongType {
			t.Errorf("%s: it is taken for an access token: %q", alg, reason)
		}
	}
	if _, err := m.SignUserinfo(RS256, "client", []byte(`{"sub":"ana"}`)); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

// RFC 8705 §3.1: what a token is bound to stands in it, signed or sealed; one that is
// bound to something else than is known here is no token.
func TestWhatATokenIsBoundToIsReadBack(t *testing.T) {
	m := sealer(t, key(t, ES256, record.KeyActive))
	for _, opaque := range []bool{false, true} {
		tokens := userTokens()
		tokens.Access.X5T, tokens.Access.Opaque = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2", opaque
		signed, err := m.Sign(tokens)
		if err != nil {
			t.Fatal(err)
		}
		got, reason := m.VerifyAccess(signed.Access)
		if reason != "" || got.X5T != tokens.Access.X5T || !strings.Contains(string(got.Claims), `"cnf":{"x5t#S256":"`+tokens.Access.X5T+`"}`) {
			t.Errorf("opaque %v: %+v, %q", opaque, got, reason)
		}
	}
	for _, cnf := range []string{
		`"x"`, `{}`, `null`, `{"jkt":"x"}`, `{"x5t#S256":""}`, `{"x5t#S256":7}`, `{"x5t#S256":"x","jkt":"x"}`, `["x5t#S256"]`,
	} {
		payload := `{"iss":"` + issuer + `","sub":"a","client_id":"b","jti":"c","aud":"d","rvs":1,"iat":1,"exp":2,"cnf":` + cnf + `}`
		token, err := jose.Sign(m.Ring.signers[jose.ES256], "at+jwt", []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if got, reason := m.VerifyAccess(token); reason != oauth.ReasonTokenMalformed {
			t.Errorf("bound to %s: %v, %q", cnf, got, reason)
		}
	}
}
