package jose

import (
	"encoding/json"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

// theirs is go-jose's name for an algorithm: it knows Ed25519 as EdDSA only.
func theirs(alg Algorithm) gojose.SignatureAlgorithm {
	if alg == Ed25519 {
		return gojose.EdDSA
	}
	return gojose.SignatureAlgorithm(alg)
}

func TestGoJoseVerifiesWhatWeSign(t *testing.T) {
	for _, alg := range every() {
		key := mustGenerate(t, alg)
		token, err := Sign(key, "at+jwt", []byte(`{"sub":"ana"}`))
		if err != nil {
			t.Fatal(err)
		}
		if alg == Ed25519 {
			token = forge(t, key, `{"alg":"EdDSA"}`, `{"sub":"ana"}`)
		}
		jws, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{theirs(alg)})
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		payload, err := jws.Verify(key.signer.Public())
		if err != nil || string(payload) != `{"sub":"ana"}` {
			t.Errorf("%s: %q, %v", alg, payload, err)
		}
	}
}

func TestWeVerifyWhatGoJoseSigns(t *testing.T) {
	for _, alg := range every() {
		key := mustGenerate(t, alg)
		signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: theirs(alg), Key: key.signer}, nil)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := signer.Sign([]byte(`{"sub":"ana"}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		c := mustParse(t, token)
		if alg == Ed25519 {
			if err := key.Public().Verify([]byte(c.input), c.signature); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
			continue
		}
		payload, err := c.Verify(KeySet{key.Public()}, alg)
		if err != nil || payload != `{"sub":"ana"}` {
			t.Errorf("%s: %q, %v", alg, payload, err)
		}
	}
}

func TestGoJoseReadsOurKeysAndWeReadTheirs(t *testing.T) {
	for _, alg := range every() {
		key := mustGenerate(t, alg).Public()
		data, err := json.Marshal(KeySet{key})
		if err != nil {
			t.Fatal(err)
		}
		var set gojose.JSONWebKeySet
		if err := json.Unmarshal(data, &set); err != nil || len(set.Keys) != 1 || !set.Keys[0].IsPublic() || !set.Keys[0].Valid() {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		data, err = json.Marshal(gojose.JSONWebKeySet{Keys: set.Keys})
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKeySet(data)
		if err != nil || len(again) != 1 || again[0].Kid() != key.Kid() || again[0].Algorithm() != alg || again[0].KeyID() != key.KeyID() {
			t.Errorf("%s: %s: %v", alg, data, err)
		}
	}
}
