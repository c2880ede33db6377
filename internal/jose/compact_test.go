package jose

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs a header as it is given, as an attacker who has a key would.
func forge(t testing.TB, key *PrivateKey, header, payload string) string {
	t.Helper()
	input := b64(header) + "." + b64(payload)
	signature, err := key.Sign([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(string(signature))
}

func TestASignedTokenVerifiesAndSaysWhatItWasGiven(t *testing.T) {
	for _, alg := range every() {
		key := mustGenerate(t, alg)
		token, err := Sign(key, "at+jwt", []byte(`{"sub":"ana"}`))
		if err != nil {
			t.Fatal(err)
		}
		c := mustParse(t, token)
		want := Header{Alg: alg, Kid: key.Public().Kid(), Typ: "at+jwt"}
		if c.Header() != want {
			t.Errorf("%s: header %+v", alg, c.Header())
		}
		payload, err := c.Verify(KeySet{key.Public()}, alg)
		if err != nil || payload != `{"sub":"ana"}` || c.UnverifiedPayload() != payload {
			t.Errorf("%s: %q, %v", alg, payload, err)
		}
		if len(c.signature) != key.Public().signatureLen() {
			t.Errorf("%s: signature of %d bytes", alg, len(c.signature))
		}
	}
}

// What a parser remembers of one token never stands for another.
func TestAParserReadsEachTokenAsParseDoes(t *testing.T) {
	one, other := mustGenerate(t, ES256), mustGenerate(t, ES256)
	head := func(typ string, key *PrivateKey) string {
		return fmt.Sprintf(`{"alg":"ES256","typ":%q,"kid":%q}`, typ, key.Public().Kid())
	}
	tokens := []string{
		forge(t, one, head("at+jwt", one), `{"sub":"ana"}`), forge(t, one, head("at+jwt", one), `{"sub":"ben"}`),
		forge(t, other, head("at+jwt", other), `{}`), forge(t, one, head("JWT", one), `{}`),
		forge(t, one, `{"alg":"ES256","alg":"none"}`, `{}`), "", ".", "a.b.c", "a.b.c.d.e", b64(head("at+jwt", one)) + "..",
	}
	var parser Parser
	for _, first := range tokens {
		for _, second := range tokens {
			for _, token := range []string{first, second, second} {
				got, gotErr := parser.Parse(token)
				want, wantErr := Parse(token)
				if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
					t.Fatalf("after %q, %q is %+v, %v; want %+v, %v", first, token, got, gotErr, want, wantErr)
				}
			}
		}
	}
}

func TestTheKeyDecidesTheAlgorithm(t *testing.T) {
	es, ed, rs := mustGenerate(t, ES256), mustGenerate(t, Ed25519), mustGenerate(t, RS256)
	rsAsPS, err := NewPrivateKey(PS256, rs.signer)
	if err != nil {
		t.Fatal(err)
	}
	head := func(alg string, key *PrivateKey) string {
		return fmt.Sprintf(`{"alg":%q,"kid":%q}`, alg, key.Public().Kid())
	}
	set := KeySet{es.Public(), ed.Public(), rs.Public()}
	for name, c := range map[string]struct {
		token   string
		allowed []Algorithm
		want    error
	}{
		"as it should be":               {forge(t, es, head("ES256", es), "x"), every(), nil},
		"RFC 8725 §3.1: not allowed":    {forge(t, es, head("ES256", es), "x"), []Algorithm{RS256}, ErrAlgorithm},
		"RFC 8725 §3.1: nothing is":     {forge(t, es, head("ES256", es), "x"), nil, ErrAlgorithm},
		"not the key's":                 {forge(t, es, head("ES256", ed), "x"), every(), ErrAlgorithm},
		"right key, wrong name":         {forge(t, es, head("Ed25519", es), "x"), every(), ErrAlgorithm},
		"RSA, the other padding":        {forge(t, rsAsPS, head("PS256", rs), "x"), every(), ErrAlgorithm},
		"RSA, the other padding hidden": {forge(t, rsAsPS, head("RS256", rs), "x"), every(), ErrSignature},
		"RFC 9864 §2.2: EdDSA":          {forge(t, ed, head("EdDSA", ed), "x"), every(), ErrAlgorithm},
		"RFC 8037 §3.1: where named":    {forge(t, ed, head("EdDSA", ed), "x"), append(every(), EdDSA), nil},
		"EdDSA of another kind of key":  {forge(t, es, head("EdDSA", es), "x"), append(every(), EdDSA), ErrAlgorithm},
		"RFC 8725 §3.2: none":           {forge(t, es, head("none", es), "x"), append(every(), "none"), ErrAlgorithm},
		"RFC 8725 §2.1: HS256":          {forge(t, rs, head("HS256", rs), "x"), append(every(), "HS256"), ErrAlgorithm},
		"another case":                  {forge(t, es, head("es256", es), "x"), append(every(), "es256"), ErrAlgorithm},
		"another's signature":           {forge(t, ed, head("ES256", es), "x"), every(), ErrSignature},
		"unknown kid":                   {forge(t, es, `{"alg":"ES256","kid":"?"}`, "x"), every(), ErrUnknownKey},
		"OIDC Core §10.1: no kid":       {forge(t, es, `{"alg":"ES256"}`, "x"), every(), ErrUnknownKey},
	} {
		payload, err := mustParse(t, c.token).Verify(set, c.allowed...)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if (payload != "") != (c.want == nil) {
			t.Errorf("%s: payload %q", name, payload)
		}
	}
}

func TestAKidIsNeededUnlessThereIsOneKey(t *testing.T) {
	a, b := mustGenerate(t, Ed25519), mustGenerate(t, Ed25519)
	c := mustParse(t, forge(t, a, `{"alg":"Ed25519"}`, "x"))
	if _, err := c.Verify(KeySet{a.Public()}, Ed25519); err != nil {
		t.Error(err)
	}
	twin := *b.Public()
	twin.kid = a.Public().kid
	named := mustParse(t, forge(t, a, fmt.Sprintf(`{"alg":"Ed25519","kid":%q}`, twin.kid), "x"))
	for name, set := range map[string]KeySet{"none": nil, "other": {b.Public()}, "two of one kid": {a.Public(), &twin}} {
		if _, err := named.Verify(set, Ed25519); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyAStrictTokenParses(t *testing.T) {
	const ok = `{"alg":"ES256"}`
	good := b64(ok) + ".eA.eA"
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty":                        "",
		"two parts":                    b64(ok) + ".eA",
		"four parts":                   good + ".eA",
		"six parts":                    good + ".eA.eA.eA",
		"no header":                    ".eA.eA",
		"no signature":                 b64(ok) + ".eA.",
		"RFC 7515 §2: padding":         b64(ok) + ".eA==.eA",
		"stray bits in the payload":    b64(ok) + ".eB.eA",
		"stray bits in the signature":  b64(ok) + ".eA.eB",
		"line break in the header":     b64(ok)[:4] + "\n" + good[4:],
		"line break in the payload":    b64(ok) + ".e\r\nA.eA",
		"line break at the end":        good + "\n",
		"space":                        " " + good,
		"alphabet of base64":           b64(ok) + ".+/+/.eA",
		"header no object":             b64(`["ES256"]`) + ".eA.eA",
		"header not UTF-8":             b64("{\"alg\":\"ES256\",\"x\":\"\xff\"}") + ".eA.eA",
		"header with more behind":      b64(ok+`{}`) + ".eA.eA",
		"RFC 7515 §4: duplicate":       b64(`{"alg":"ES256","alg":"none"}`) + ".eA.eA",
		"duplicate by escape":          b64(`{"alg":"ES256","\u0061lg":"none"}`) + ".eA.eA",
		"duplicate in an unused one":   b64(`{"alg":"ES256","jwk":{"x":1,"x":2}}`) + ".eA.eA",
		"RFC 7515 §4.1.1: no alg":      b64(`{"typ":"JWT"}`) + ".eA.eA",
		"alg of another case":          b64(`{"Alg":"ES256"}`) + ".eA.eA",
		"alg no string":                b64(`{"alg":["ES256"]}`) + ".eA.eA",
		"kid no string":                b64(`{"alg":"ES256","kid":1}`) + ".eA.eA",
		"typ no string":                b64(`{"alg":"ES256","typ":null}`) + ".eA.eA",
		"cty no string":                b64(`{"alg":"ES256","cty":{}}`) + ".eA.eA",
		"RFC 7515 §4.1.11: crit":       b64(`{"alg":"ES256","crit":["exp"],"exp":1}`) + ".eA.eA",
		"crit, empty":                  b64(`{"alg":"ES256","crit":[]}`) + ".eA.eA",
		"RFC 7797 §3: b64":             b64(`{"alg":"ES256","b64":false}`) + ".eA.eA",
		"RFC 8725 §3.6: zip":           b64(`{"alg":"ES256","zip":"DEF"}`) + ".eA.eA",
		"RFC 7515 §7.2: JSON":          `{"protected":"` + b64(ok) + `","payload":"eA","signature":"eA"}`,
		"longer than MaxToken":         b64(ok) + "." + strings.Repeat("AAAA", MaxToken/4) + ".eA",
		"deep header, 33 levels of it": b64(`{"alg":"ES256","x":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+`}`) + ".eA.eA",
	} {
		c, err := Parse(token)
		if c != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	if c, err := Parse(good + ".eA.eA"); c != nil || !errors.Is(err, ErrEncrypted) || errors.Is(err, ErrMalformed) {
		t.Errorf("RFC 7516 §9: five parts: %v, %v", c, err)
	}
}

// RFC 8725 §3.10: what a header says about where keys are is not looked at.
func TestKeysInAHeaderAreIgnored(t *testing.T) {
	ours, theirs := mustGenerate(t, ES256), mustGenerate(t, ES256)
	jwk, err := theirs.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"jwk":%s,"jku":"https://evil.example","x5u":1,"x5c":[]}`, ours.Public().Kid(), jwk)
	set := KeySet{ours.Public()}
	if _, err := mustParse(t, forge(t, theirs, header, "x")).Verify(set, ES256); !errors.Is(err, ErrSignature) {
		t.Errorf("theirs: %v", err)
	}
	if _, err := mustParse(t, forge(t, ours, header, "x")).Verify(set, ES256); err != nil {
		t.Errorf("ours: %v", err)
	}
}

func TestATypeIsComparedAsAMediaType(t *testing.T) {
	for have, want := range map[string]bool{
		"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "Application/At+Jwt": true,
		"": false, "JWT": false, "at+jwt2": false, "text/at+jwt": false, "application/": false, "application/application/at+jwt": false,
	} {
		if got := (Header{Typ: have}).HasType("at+jwt"); got != want {
			t.Errorf("%q: %v", have, got)
		}
	}
	if (Header{}).HasType("") {
		t.Error("an absent type is no type")
	}
}

func TestEveryFlippedBitOfATokenIsNoticed(t *testing.T) {
	key := mustGenerate(t, Ed25519)
	token, err := Sign(key, "JWT", []byte(`{"sub":"ana","n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(token) * 8 {
		bent := []byte(token)
		bent[i/8] ^= 1 << (i % 8)
		c, err := Parse(string(bent))
		if err != nil {
			continue
		}
		if _, err := c.Verify(KeySet{key.Public()}, Ed25519); err == nil {
			t.Errorf("bit %d", i)
		}
	}
}

func TestATokenNobodyWouldReadIsNotSigned(t *testing.T) {
	key := mustGenerate(t, ES256)
	fits := make([]byte, 12<<10-160)
	if token, err := Sign(key, "", fits); err != nil || mustParse(t, token).Header().Typ != "" {
		t.Errorf("%d, %v", len(token), err)
	}
	if token, err := Sign(key, "", make([]byte, 12<<10)); token != "" || err == nil {
		t.Errorf("%d bytes, %v", len(token), err)
	}
}

// RFC 7515 appendix A.5: a JWS that nobody signed is read where that is asked for, as strictly as others, and is
// believed nowhere.
func TestWhatNobodySignedIsReadOnlyWhereThatIsAskedFor(t *testing.T) {
	const example = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	c, err := ParseUnsecured(example) // RFC 7519 §6.1
	if err != nil || c.Header().Alg != "none" || !strings.Contains(c.UnverifiedPayload(), `"joe"`) {
		t.Fatal(c, err)
	}
	key := mustGenerate(t, ES256).Public()
	if _, err := c.Verify(KeySet{key}, "none", ES256); err == nil {
		t.Error("it was believed")
	}
	if _, err := Parse(example); !errors.Is(err, ErrMalformed) {
		t.Errorf("it was taken for a signed one: %v", err)
	}
	for _, token := range []string{
		"", ".", "..", example + "AA", strings.TrimSuffix(example, "."), example + ".", "e30.e30.", "eyJhbGciOiJOb25lIn0.e30.",
		"eyJhbGciOiJFUzI1NiJ9.e30.", "eyJhbGciOiJub25lIiwiY3JpdCI6WyJ4Il0sIngiOjF9.e30.", "a.b.c.d.", "eyJhbGciOiJub25lIn0=.e30.",
	} {
		if c, err := ParseUnsecured(token); err == nil {
			t.Errorf("%q is read as %v", token, c.Header())
		}
	}
}
