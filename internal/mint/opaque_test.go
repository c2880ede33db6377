package mint

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

func accessRoots(t *testing.T, id uint32, key byte) *secret.AccessRoots {
	t.Helper()
	roots, err := secret.NewAccessRoots([]secret.Root{{KeyID: id, Key: [32]byte{key}}})
	if err != nil {
		t.Fatal(err)
	}
	return roots
}

// sealer mints opaque access tokens.
func sealer(t *testing.T, keys ...record.SigningKey) *Mint {
	t.Helper()
	m := minter(t, keys...)
	m.Sealed = accessRoots(t, 4, 7)
	return m
}

func opaqueTokens() *record.Tokens {
	tokens := userTokens()
	tokens.Access.Opaque = true
	return tokens
}

// tokens.md, part 1: "mat_ + the same claims under AEAD". The ID token stays a
// JWT, for it is the client that reads it, and the refresh token what it always is.
func TestAnOpaqueTokenHoldsTheClaimsOfTheJWT(t *testing.T) {
	m := sealer(t, key(t, ES256, record.KeyActive))
	opaque, err := m.Sign(opaqueTokens())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := m.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(opaque.Access, "mat_") || strings.Contains(opaque.Access, ".") {
		t.Fatalf("the access token is %s", opaque.Access)
	}
	got, reason := m.VerifyAccess(opaque.Access)
	if reason != "" {
		t.Fatal(reason)
	}
	want, reason := m.VerifyAccess(plain.Access)
	if reason != "" {
		t.Fatal(reason)
	}
	if string(got.Claims) != string(want.Claims) || got.RVS != want.RVS || got.JTI != want.JTI || got.GID != want.GID {
		t.Errorf("sealed were %s\nsigned were %s", got.Claims, want.Claims)
	}
	if got.KID != "access-root-4" {
		t.Errorf("it hangs from the root %q", got.KID)
	}
	if strings.Count(opaque.ID, ".") != 2 || !strings.HasPrefix(opaque.Refresh, "mrt_") || opaque.Refresh != plain.Refresh {
		t.Errorf("beside it are %s and %s", opaque.ID, opaque.Refresh)
	}
}

// OpenID Connect Core §3.1.3.6: at_hash is over the access token as the client has it.
func TestAtHashIsOverTheOpaqueToken(t *testing.T) {
	m := sealer(t, key(t, ES256, record.KeyActive))
	signed, err := m.Sign(opaqueTokens())
	if err != nil {
		t.Fatal(err)
	}
	hint, reason := m.VerifyIDHint(signed.ID)
	if reason != "" {
		t.Fatal(reason)
	}
	var claims struct {
		AtHash string `json:"at_hash"`
	}
	if err := json.Unmarshal(hint.Claims, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.AtHash != jose.AtHash(signed.Access, jose.ES256) {
		t.Errorf("at_hash is %s", claims.AtHash)
	}
}

func TestTwoOpaqueTokensOfTheSameFactsAreTwo(t *testing.T) {
	m := sealer(t, key(t, ES256, record.KeyActive))
	seen := map[string]bool{}
	for range 3 {
		signed, err := m.Sign(opaqueTokens())
		if err != nil {
			t.Fatal(err)
		}
		seen[signed.Access] = true
	}
	if len(seen) != 3 {
		t.Error("whoever compares two tokens learns that they say the same")
	}
}

func TestAForeignOpaqueTokenIsRefusedWithItsReason(t *testing.T) {
	row := key(t, ES256, record.KeyActive)
	m := sealer(t, row)
	sign := func(change func(*Mint)) string {
		other := *m
		change(&other)
		signed, err := other.Sign(opaqueTokens())
		if err != nil {
			t.Fatal(err)
		}
		return signed.Access
	}
	own := sign(func(*Mint) {})
	claims := func(text string) string {
		sealed, err := m.Sealed.Seal(issuer, [16]byte{1}, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	for _, c := range []struct {
		name, token string
		want        oauth.Reason
	}{
		{"another server's", sign(func(o *Mint) { o.Sealed = accessRoots(t, 4, 8) }), oauth.ReasonTokenSignature},
		{"of a root that is gone", sign(func(o *Mint) { o.Sealed = accessRoots(t, 3, 7) }), oauth.ReasonTokenSignature},
		{"our root, another issuer", sign(func(o *Mint) { o.Issuer = "https://id.example.com" }), oauth.ReasonTokenSignature},
		{"truncated", own[:len(own)-2], oauth.ReasonTokenMalformed},
		{"with a word behind it", own + "A", oauth.ReasonTokenMalformed},
		{"the prefix alone", "mat_", oauth.ReasonTokenMalformed},
		{"a JWT behind the prefix", "mat_" + strings.Repeat("eyJ", 30), oauth.ReasonTokenMalformed},
		{"the prefix in capitals", "MAT_" + own[4:], oauth.ReasonTokenMalformed},
		{"claims of another issuer", claims(`{"iss":"https://id.example.com"}`), oauth.ReasonTokenIssuer},
		{"claims without rvs", claims(`{"iss":"` + issuer + `","sub":"x","client_id":"x","jti":"x","aud":"x","iat":1,"exp":2}`), oauth.ReasonTokenMalformed},
		{"no claims", claims(`[]`), oauth.ReasonTokenMalformed},
	} {
		if verified, reason := m.VerifyAccess(c.token); verified != nil || reason != c.want {
			t.Errorf("%s: %q, want %q", c.name, reason, c.want)
		}
	}
	if _, reason := m.VerifyIDHint(own); reason != oauth.ReasonTokenMalformed {
		t.Errorf("as an ID token hint it is %q", reason)
	}
}

// It needs no signing key, so one that is still being made holds up nobody.
func TestSealingNeedsNoSigningKey(t *testing.T) {
	m := sealer(t)
	tokens := opaqueTokens()
	tokens.ID = nil
	if signed, err := m.Sign(tokens); err != nil || !strings.HasPrefix(signed.Access, "mat_") {
		t.Errorf("%s, %v", signed.Access, err)
	}
	tokens.Access.Profile = "none"
	if _, err := m.Sign(tokens); err == nil {
		t.Error("a token profile that is none was sealed")
	}
}

// Asked about again it costs no decryption, as a JWT costs no verification.
func TestAnOpaqueTokenThatWasOpenedIsRemembered(t *testing.T) {
	m := sealer(t, key(t, ES256, record.KeyActive))
	m.Seen = NewSeen()
	signed, err := m.Sign(opaqueTokens())
	if err != nil {
		t.Fatal(err)
	}
	first, reason := m.VerifyAccess(signed.Access)
	if reason != "" {
		t.Fatal(reason)
	}
	if again, reason := m.VerifyAccess(strings.Clone(signed.Access)); again != first || reason != "" {
		t.Error("it is opened again")
	}
	if _, reason := m.VerifyAccess(signed.Access[:len(signed.Access)-1]); reason == "" || len(m.Seen.young) != 1 {
		t.Errorf("%q, and %d tokens are remembered", reason, len(m.Seen.young))
	}
}

// The figure for a JWT with the same claims is 700 bytes; sealing them
// must not cost more than signing them.
func TestAnOpaqueTokenIsNoLongerThanTheJWT(t *testing.T) {
	m := sealer(t, key(t, ES256, record.KeyActive))
	opaque, err := m.Sign(opaqueTokens())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := m.Sign(userTokens())
	if err != nil {
		t.Fatal(err)
	}
	if len(opaque.Access) > len(plain.Access) {
		t.Errorf("%d bytes, the JWT %d", len(opaque.Access), len(plain.Access))
	}
}
