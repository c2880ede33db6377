package jose

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const okp = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`

const a3 = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`

func TestAPublishedKeyComesBack(t *testing.T) {
	set := KeySet{}
	for _, alg := range every() {
		set = append(set, mustGenerate(t, alg).Public())
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseKeySet(data)
	if err != nil || len(again) != len(set) {
		t.Fatalf("%d keys, %v", len(again), err)
	}
	for i, key := range again {
		if key.Algorithm() != set[i].Algorithm() || key.Kid() != set[i].Kid() || key.KeyID() != set[i].Kid() {
			t.Errorf("%v became %v", set[i], key)
		}
	}
	if data, err := json.Marshal(KeySet(nil)); err != nil || string(data) != `{"keys":[]}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestAPublishedKeyHasTheseMembersAndNoOthers(t *testing.T) {
	key := mustJWK(t, `{`+a3+`,"kid":"k1","ext":true}`)
	want := `{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","alg":"ES256","use":"sig","kid":"k1"}`
	if data, err := json.Marshal(key); err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
	nameless := mustJWK(t, `{`+a3+`}`)
	if data, err := json.Marshal(nameless); err != nil || strings.Contains(string(data), "kid") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestAJWKIsReadStrictly(t *testing.T) {
	rsaN := strings.TrimSuffix(strings.TrimPrefix(keyA2, `{"kty":"RSA","e":"AQAB",`), "}")
	for name, c := range map[string]struct {
		jwk  string
		want error // nil: accepted; errAny: refused, whatever the reason
	}{
		"RFC 7517 §4.4: alg agrees":       {`{` + a3 + `,"alg":"ES256"}`, nil},
		"alg of another curve":            {`{` + a3 + `,"alg":"ES384"}`, ErrUnsupported},
		"alg of another type":             {`{` + a3 + `,"alg":"RS256"}`, ErrUnsupported},
		"alg none":                        {`{` + a3 + `,"alg":"none"}`, ErrUnsupported},
		"alg null":                        {`{` + a3 + `,"alg":null}`, errAny},
		"RSA may be PS256":                {`{"kty":"RSA","e":"AQAB",` + rsaN + `,"alg":"PS256"}`, nil},
		"RSA is not RS512":                {`{"kty":"RSA","e":"AQAB",` + rsaN + `,"alg":"RS512"}`, ErrUnsupported},
		"RFC 9864: Ed25519":               {`{` + okp + `,"alg":"Ed25519"}`, nil},
		"RFC 8037 §3.1: EdDSA":            {`{` + okp + `,"alg":"EdDSA"}`, nil},
		"EdDSA on P-256":                  {`{` + a3 + `,"alg":"EdDSA"}`, ErrUnsupported},
		"RFC 7517 §4.2: use sig":          {`{` + a3 + `,"use":"sig"}`, nil},
		"use enc":                         {`{` + a3 + `,"use":"enc"}`, ErrUnsupported},
		"use empty":                       {`{` + a3 + `,"use":""}`, ErrUnsupported},
		"use no string":                   {`{` + a3 + `,"use":["sig"]}`, errAny},
		"RFC 7517 §4.3: key_ops":          {`{` + a3 + `,"key_ops":["verify"]}`, nil},
		"key_ops without verify":          {`{` + a3 + `,"key_ops":["sign","encrypt"]}`, ErrUnsupported},
		"key_ops no array":                {`{` + a3 + `,"key_ops":"verify"}`, errAny},
		"RFC 7518 §6.2.2: d":              {`{` + a3 + `,"d":"AA"}`, ErrPrivateKey},
		"d null":                          {`{` + a3 + `,"d":null}`, ErrPrivateKey},
		"RFC 7518 §6.3.2: qi":             {`{"kty":"RSA","e":"AQAB",` + rsaN + `,"qi":"AA"}`, ErrPrivateKey},
		"RFC 7518 §6.4: oct":              {`{"kty":"oct","k":"AA"}`, ErrPrivateKey},
		"RFC 7517 §4.5: kid":              {`{` + a3 + `,"kid":"a"}`, nil},
		"kid no string":                   {`{` + a3 + `,"kid":7}`, errAny},
		"no kty":                          {`{"crv":"P-256"}`, ErrAbsent},
		"kty of another case":             {strings.Replace(`{`+a3+`}`, `"EC"`, `"ec"`, 1), ErrUnsupported},
		"duplicate":                       {`{` + a3 + `,"x":"AA"}`, errAny},
		"crv P-384":                       {strings.Replace(`{`+a3+`}`, "P-256", "P-384", 1), ErrUnsupported},
		"crv Ed448":                       {strings.Replace(`{`+okp+`}`, "Ed25519", "Ed448", 1), ErrUnsupported},
		"RFC 8725 §3.4: off the curve":    {strings.Replace(`{`+a3+`}`, "f83O", "g83O", 1), ErrKey},
		"RFC 7518 §6.2.1.2: short":        {`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, ErrKey},
		"no y":                            {`{"kty":"EC","crv":"P-256","x":"AQ"}`, ErrAbsent},
		"padding":                         {strings.Replace(`{`+a3+`}`, "VEU", "VEU=", 1), ErrKey},
		"line break":                      {strings.Replace(`{`+a3+`}`, "VEU", `V\nEU`, 1), ErrKey},
		"RFC 7518 §6.3.1: leading zero":   {`{"kty":"RSA","e":"AAEAAQ",` + rsaN + `}`, ErrKey},
		"RFC 7518 §6.3.1: exponent 1":     {`{"kty":"RSA","e":"AQ",` + rsaN + `}`, ErrKey},
		"exponent of five bytes":          {`{"kty":"RSA","e":"AQAAAAE",` + rsaN + `}`, ErrKey},
		"exponent of 32 bits":             {`{"kty":"RSA","e":"_____w",` + rsaN + `}`, ErrKey},
		"empty modulus":                   {`{"kty":"RSA","e":"AQAB","n":""}`, ErrKey},
		"RFC 8037 §2: short":              {`{"kty":"OKP","crv":"Ed25519","x":"AQ"}`, ErrKey},
		"RFC 8037 §2: Ed25519, but of EC": {strings.Replace(`{`+okp+`}`, "OKP", "EC", 1), ErrUnsupported},
		"no object":                       {`[]`, errAny},
	} {
		key, err := ParseJWK([]byte(c.jwk))
		if (key == nil) != (c.want != nil) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, %v", name, key, err)
		}
		if c.want != nil && !errors.Is(c.want, errAny) && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errAny = errors.New("any error")

func TestASetLeavesOutWhatIsNotOursAndFallsWithWhatIsBroken(t *testing.T) {
	good := `{` + a3 + `,"kid":"a"}`
	for name, c := range map[string]struct {
		keys string
		want int // -1: refused
	}{
		"none":                         {``, 0},
		"one":                          {good, 1},
		"RFC 7517 §5: unknown kty":     {good + `,{"kty":"AKP","alg":"ML-DSA-44"}`, 1},
		"unknown crv":                  {good + `,{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, 1},
		"unknown alg":                  {good + `,{` + a3 + `,"alg":"ECDH-ES","kid":"b"}`, 1},
		"for encryption":               {good + `,{` + a3 + `,"use":"enc","kid":"a"}`, 1},
		"two without a kid":            {`{` + a3 + `},` + key8037, 2},
		"RFC 7517 §4.5: one kid twice": {good + `,{"kid":"a",` + key8037[1:], -1},
		"a private member":             {good + `,{` + a3 + `,"d":"AA","kid":"b"}`, -1},
		"a shared secret":              {good + `,{"kty":"oct","k":"AA"}`, -1},
		"off the curve":                {good + `,` + strings.Replace(good, "f83O", "g83O", 1), -1},
		"not objects":                  {`"a"`, -1},
		"65 keys":                      {key8037 + strings.Repeat(`,`+key8037, 64), -1},
	} {
		set, err := ParseKeySet([]byte(`{"keys":[` + c.keys + `],"x":1}`))
		if (set == nil) != (c.want < 0) || (err != nil) != (c.want < 0) || (c.want >= 0 && len(set) != c.want) {
			t.Errorf("%s: %d keys, %v", name, len(set), err)
		}
	}
	for _, data := range []string{``, `[]`, `{}`, `{"keys":{}}`, `{"keys":[],"keys":[]}`} {
		if set, err := ParseKeySet([]byte(data)); set != nil || err == nil {
			t.Errorf("%s: %v", data, set)
		}
	}
}

// RFC 8725 §3.1: a key has one algorithm; its owner may say elsewhere which, but
// not another than the key itself says.
func TestAnRSAKeyWithoutAnAlgorithmTakesTheOneOfItsOwner(t *testing.T) {
	rsaN := strings.TrimSuffix(strings.TrimPrefix(keyA2, `{"kty":"RSA","e":"AQAB",`), "}")
	set, err := ParseKeySet([]byte(`{"keys":[` +
		`{"kty":"RSA","e":"AQAB",` + rsaN + `,"kid":"open"},` +
		`{"kty":"RSA","e":"AQAB",` + rsaN + `,"kid":"said","alg":"RS256"},` +
		`{` + okp + `,"kid":"ed","alg":"EdDSA"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for alg, want := range map[Algorithm]Algorithm{PS256: PS256, RS256: RS256, ES256: RS256, "": RS256} {
		bound := set.Assume(alg)
		if bound[0].alg != want || bound[1].alg != RS256 || bound[2].alg != Ed25519 {
			t.Errorf("%s: %s, %s, %s", alg, bound[0].alg, bound[1].alg, bound[2].alg)
		}
	}
	if set[0].alg != RS256 || !set.Holds("open") || set.Holds("gone") || set.Holds("") {
		t.Error("the set itself changed, or does not know its keys")
	}
}
