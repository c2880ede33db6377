package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"testing"
)

func TestAPrivateKeyComesBackAsItWasStored(t *testing.T) {
	for _, alg := range every() {
		key := mustGenerate(t, alg)
		der, err := key.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivateKey(alg, der)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := again.Sign([]byte("x"))
		if err != nil || key.Public().Verify([]byte("x"), signature) != nil || again.Public().Kid() != key.Public().Kid() {
			t.Errorf("%s: another key, %v", alg, err)
		}
		for _, other := range every() {
			_, err := ParsePrivateKey(other, der)
			fits := other == alg || (alg != ES256 && alg != Ed25519 && other != ES256 && other != Ed25519)
			if fits != (err == nil) {
				t.Errorf("%s read as %s: %v", alg, other, err)
			}
		}
	}
	if _, err := ParsePrivateKey(ES256, []byte("x")); err == nil {
		t.Error("garbage")
	}
}

func TestOnlyTheFourAlgorithmsHaveKeys(t *testing.T) {
	for _, alg := range []Algorithm{"", "none", "HS256", "ES384", "RS512", "EdDSA", "es256"} {
		if key, err := Generate(alg); key != nil || !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%q: %v", alg, err)
		}
	}
}

// A remote is a key behind an interface, as in a KMS; answer may bend what it
// returns.
type remote struct {
	crypto.Signer
	answer func([]byte, error) ([]byte, error)
}

func (r remote) Sign(rnd io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.answer(r.Signer.Sign(rnd, digest, opts))
}

func TestAKeyElsewhereSignsAndIsNotBelieved(t *testing.T) {
	local := mustGenerate(t, ES256)
	for name, c := range map[string]struct {
		answer func([]byte, error) ([]byte, error)
		fails  bool
	}{
		"works":    {func(b []byte, err error) ([]byte, error) { return b, err }, false},
		"fails":    {func([]byte, error) ([]byte, error) { return nil, io.ErrUnexpectedEOF }, true},
		"is empty": {func([]byte, error) ([]byte, error) { return nil, nil }, true},
		"is raw":   {func([]byte, error) ([]byte, error) { return make([]byte, 64), nil }, true},
	} {
		key, err := NewPrivateKey(ES256, remote{local.signer, c.answer})
		if err != nil {
			t.Fatal(err)
		}
		token, err := Sign(key, "JWT", []byte("{}"))
		if (err != nil) != c.fails || (token == "") != c.fails {
			t.Errorf("%s: %q, %v", name, token, err)
		}
		if _, err := key.Marshal(); err == nil {
			t.Errorf("%s: marshalled", name)
		}
	}
	ed := mustGenerate(t, Ed25519)
	mute, err := NewPrivateKey(Ed25519, remote{ed.signer, func([]byte, error) ([]byte, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := Sign(mute, "", nil); token != "" || err == nil {
		t.Error("an empty signature is no signature")
	}
}

func TestAPrivateKeyDoesNotPrintItself(t *testing.T) {
	key := mustGenerate(t, ES256)
	want := "jose.PrivateKey(" + key.Public().Kid() + ")"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, key); got != want {
			t.Errorf("%s: %s", verb, got)
		}
	}
	var line strings.Builder
	slog.New(slog.NewJSONHandler(&line, nil)).Info("sealed", "key", key)
	if !strings.Contains(line.String(), `"key":{}`) {
		t.Error(line.String())
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	even := new(big.Int).Add(good.N, big.NewInt(1))
	huge := new(big.Int).SetBit(big.NewInt(1), maxRSA, 1)
	for name, c := range map[string]struct {
		alg  Algorithm
		key  crypto.PublicKey
		want error
	}{
		"RFC 7518 §3.3: 1024 bits": {RS256, &small.PublicKey, ErrKey},
		"even modulus":             {RS256, &rsa.PublicKey{N: even, E: 65537}, ErrKey},
		"8193 bits":                {PS256, &rsa.PublicKey{N: huge, E: 65537}, ErrKey},
		"exponent 1":               {PS256, &rsa.PublicKey{N: good.N, E: 1}, ErrKey},
		"even exponent":            {RS256, &rsa.PublicKey{N: good.N, E: 65536}, ErrKey},
		"P-384":                    {ES256, &p384.PublicKey, ErrUnsupported},
		"short Ed25519 key":        {Ed25519, ed25519.PublicKey("short"), ErrKey},
		"Ed25519 as ES256":         {ES256, make(ed25519.PublicKey, 32), ErrUnsupported},
		"RSA as ES256":             {ES256, &good.PublicKey, ErrUnsupported},
		"a shared secret":          {RS256, []byte("secret"), ErrUnsupported},
		"a pointer to Ed25519":     {Ed25519, new(ed25519.PublicKey), ErrUnsupported},
	} {
		if key, err := NewPublicKey(c.alg, c.key); key != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each of these keys takes a signature that anybody can write, S = 0 and R of
// small order, for one message in eight or more: the test shows the forgery
// before it shows the refusal.
func TestEd25519KeysOfSmallOrderAreRefused(t *testing.T) {
	for _, encoded := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		key, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		identity := append([]byte{1}, make([]byte, 63)...) // R = (0, 1), S = 0
		forged := false
		for i := 0; i < 1000 && !forged; i++ {
			forged = ed25519.Verify(key, fmt.Append(nil, i), identity)
		}
		if !forged {
			t.Errorf("%s: not of small order", encoded)
		}
		if _, err := NewPublicKey(Ed25519, ed25519.PublicKey(key)); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", encoded, err)
		}
	}
	beyond, err := hex.DecodeString("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPublicKey(Ed25519, ed25519.PublicKey(beyond)); !errors.Is(err, ErrKey) {
		t.Errorf("y = p: %v", err)
	}
}

func TestOnlyDERIsTakenForASignature(t *testing.T) {
	one := append(make([]byte, 31), 1)
	high := append([]byte{0x80}, make([]byte, 31)...)
	for name, c := range map[string]struct {
		der  string
		r, s []byte // nil if refused
	}{
		"ones":             {"3006020101020101", one, one},
		"high bits":        {"3026022100" + hex.EncodeToString(high) + "020101", high, one},
		"zero":             {"3006020100020101", make([]byte, 32), one},
		"empty":            {"", nil, nil},
		"no sequence":      {"3106020101020101", nil, nil},
		"wrong length":     {"3007020101020101", nil, nil},
		"long form":        {"308106020101020101", nil, nil},
		"trailing":         {"300702010102010100", nil, nil},
		"no integer":       {"3006030101020101", nil, nil},
		"empty integer":    {"30050200020101", nil, nil},
		"negative":         {"3006020180020101", nil, nil},
		"not minimal":      {"300702020001020101", nil, nil},
		"one integer":      {"3003020101", nil, nil},
		"integer too long": {"3006020501020101", nil, nil},
		"33 bytes":         {"3026022101" + hex.EncodeToString(high) + "020101", nil, nil},
	} {
		der, err := hex.DecodeString(c.der)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawSignature(der)
		if want := string(c.r) + string(c.s); string(raw) != want || (err == nil) != (c.r != nil) {
			t.Errorf("%s: %x, %v", name, raw, err)
		}
		if raw != nil && string(appendDER(nil, raw)) != string(der) {
			t.Errorf("%s: back as %x", name, appendDER(nil, raw))
		}
	}
}
