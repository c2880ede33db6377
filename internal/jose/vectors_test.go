package jose

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

const (
	examplePayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

	keyA2 = `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`
	jwsA2 = "eyJhbGciOiJSUzI1NiJ9." + examplePayload + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

	keyA3 = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	jwsA3 = "eyJhbGciOiJFUzI1NiJ9." + examplePayload + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

	key8037    = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	secret8037 = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	jws8037    = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

	key7638 = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
)

// every is the widest allow-list there is.
func every() []Algorithm { return []Algorithm{ES256, RS256, PS256, Ed25519} }

func mustJWK(t testing.TB, jwk string) *PublicKey {
	t.Helper()
	key, err := ParseJWK([]byte(jwk))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustGenerate(t testing.TB, alg Algorithm) *PrivateKey {
	t.Helper()
	key, err := Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustParse(t testing.TB, token string) *Compact {
	t.Helper()
	c, err := Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheExamplesOfRFC7515Verify(t *testing.T) {
	const want = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	for name, example := range map[string]struct{ jwk, jws string }{
		"RFC 7515 A.2": {keyA2, jwsA2},
		"RFC 7515 A.3": {keyA3, jwsA3},
	} {
		set := KeySet{mustJWK(t, example.jwk)}
		payload, err := mustParse(t, example.jws).Verify(set, every()...)
		if err != nil || payload != want {
			t.Errorf("%s: %q, %v", name, payload, err)
		}
	}
}

// RFC 8037 A.4 and A.5 are written with "EdDSA", a name no key of ours has: the
// signature is right, and the token is refused by whoever does not name it.
func TestTheExampleOfRFC8037SignsAndVerifiesUnderItsOwnNameOnly(t *testing.T) {
	key := mustJWK(t, key8037)
	c := mustParse(t, jws8037)
	if err := key.Verify([]byte(c.input), c.signature); err != nil {
		t.Error(err)
	}
	if _, err := c.Verify(KeySet{key}, Ed25519); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("EdDSA for Ed25519: %v", err)
	}
	if _, err := c.Verify(KeySet{key}, EdDSA); err != nil {
		t.Errorf("EdDSA: %v", err)
	}

	seed, err := decodeBase64(secret8037)
	if err != nil {
		t.Fatal(err)
	}
	private, err := NewPrivateKey(Ed25519, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := private.Sign([]byte(c.input))
	if err != nil || string(signature) != string(c.signature) {
		t.Errorf("signature %x, %v", signature, err)
	}
}

func TestThumbprintsAreThoseOfTheRFCs(t *testing.T) {
	for name, example := range map[string]struct{ jwk, want string }{
		"RFC 7638 §3.1": {key7638, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		"RFC 8037 A.3":  {key8037, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		key := mustJWK(t, example.jwk)
		sum := key.Thumbprint()
		if got := base64.RawURLEncoding.EncodeToString(sum[:]); got != example.want {
			t.Errorf("%s: %s", name, got)
		}
		// Eight bytes are ten characters and two bits of the eleventh.
		if id := key.KeyID(); len(id) != 11 || !strings.HasPrefix(example.want, id[:10]) {
			t.Errorf("%s: key id %s", name, id)
		}
	}
}

// OIDC Core A.3 and A.4 give at_hash and c_hash for RS256. For Ed25519 there is
// no published example: the value is the left half of what sha512sum prints.
func TestAtHashIsTheLeftHalfOfTheHashOfTheAlgorithm(t *testing.T) {
	for _, example := range []struct {
		token string
		alg   Algorithm
		want  string
	}{
		{"jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", RS256, "77QmUPtjPfzWtF2AnpK9RQ"},
		{"Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", ES256, "LDktKdoQak3Pk0cnXxCltA"},
		{"abc", Ed25519, "3a81oZNherrMQXNJriBBMRLm-k6JqX6iCp7u5ktV05o"},
	} {
		if got := AtHash(example.token, example.alg); got != example.want {
			t.Errorf("%s: %s, want %s", example.alg, got, example.want)
		}
	}
}
