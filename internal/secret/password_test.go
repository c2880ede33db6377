package secret

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Computed by another program: 19 MiB, 2 passes, and a hash of little cost.
const (
	fixedHash = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$0AuQxA+RjPiJeA19Op7DwrFxnfh9xeTU2T6mFj2wThc"
	cheapHash = "$argon2id$v=19$m=64,t=1,p=2$AAECAwQFBgcICQoLDA0ODw$mnOOQEE0FBgLo1aRzvn2yt8Fi/2KMoSKZWN9Nf6UglQ"
)

func TestThePasswordHashIsFixed(t *testing.T) {
	if got := HashPassword("correct horse", [16]byte(counting[:16])); got != fixedHash {
		t.Errorf("hashed %s", got)
	}
	ok, rehash, err := CheckPassword("correct horse", fixedHash)
	if !ok || rehash || err != nil {
		t.Errorf("checked: %v, rehash %v, %v", ok, rehash, err)
	}
}

func TestAHashOfAnotherCostMatchesAndAsksToBeReplaced(t *testing.T) {
	ok, rehash, err := CheckPassword("correct horse", cheapHash)
	if !ok || !rehash || err != nil {
		t.Errorf("checked: %v, rehash %v, %v", ok, rehash, err)
	}
	ok, rehash, err = CheckPassword("wrong horse", cheapHash)
	if ok || rehash || err != nil {
		t.Errorf("wrong password: %v, rehash %v, %v", ok, rehash, err)
	}
}

// NIST SP 800-63B-4 §3.1.1.2: the whole password is verified, as received.
func TestAPasswordIsTakenWholeAndAsReceived(t *testing.T) {
	password := strings.Repeat("pässword ", 30)
	hash := cheaplyHashed(password)
	for _, other := range []string{
		strings.TrimSpace(password), strings.ToUpper(password), password + "x", password[:256], password + "\x00",
		strings.ReplaceAll(password, "ä", "a\u0308"), // the same to the eye
		"",
	} {
		if ok, _, err := CheckPassword(other, hash); ok || err != nil {
			t.Errorf("%q: %v, %v", other, ok, err)
		}
	}
	if ok, _, err := CheckPassword(password, hash); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestOnlyTheHashedPasswordMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if ok, _, err := CheckPassword(b, cheaplyHashed(a)); ok != (a == b) || err != nil {
			t.Fatalf("%q against the hash of %q: %v, %v", b, a, ok, err)
		}
	})
}

func TestTheDummyHashCostsWhatARealOneDoesAndMatchesNothing(t *testing.T) {
	dummy, err := parsePHC(DummyHash)
	if err != nil || !dummy.current() {
		t.Fatalf("%+v, %v", dummy, err)
	}
	if ok, _, err := CheckPassword("", DummyHash); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestAStoredHashThatCouldExhaustTheServerOrIsNotOursIsRefused(t *testing.T) {
	replaced := func(old, replacement string) string { return strings.Replace(cheapHash, old, replacement, 1) }
	for name, phc := range map[string]string{
		"empty":                    "",
		"plain text":               "correct horse",
		"argon2i":                  replaced("argon2id", "argon2i"),
		"bcrypt":                   "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"an older version":         replaced("v=19", "v=16"),
		"no version":               replaced("$v=19", ""),
		"too much memory":          replaced("m=64", "m=131073"),
		"memory beyond 32 bits":    replaced("m=64", "m=4294967360"),
		"too little memory":        replaced("m=64", "m=15"), // RFC 9106 §3.1: 8 KiB a lane
		"too many passes":          replaced("t=1", "t=11"),
		"no pass":                  replaced("t=1", "t=0"),
		"too many lanes":           replaced("p=2", "p=9"),
		"lanes beyond 8 bits":      replaced("p=2", "p=258"),
		"no lane":                  replaced("p=2", "p=0"),
		"a negative cost":          replaced("t=1", "t=-1"),
		"a leading zero":           replaced("t=1", "t=01"),
		"another order":            replaced("m=64,t=1", "t=1,m=64"),
		"another parameter":        replaced("p=2", "p=2,data=AAAA"),
		"a short salt":             replaced("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBg"),
		"a long salt":              replaced("AAECAwQFBgcICQoLDA0ODw", strings.Repeat("A", 88)),
		"stray bits in the salt":   replaced("Dw$", "Dx$"),
		"a line break in the salt": replaced("Dw$", "D\nw$"),
		"a short key":              cheapHash[:len(cheapHash)-24],
		"a key of nothing":         cheapHash[:len(cheapHash)-43],
		"a long key":               cheapHash + strings.Repeat("A", 44),
		"padding":                  cheapHash + "=",
		"more fields":              cheapHash + "$",
		"text before":              "x" + cheapHash,
		"far too long":             cheapHash + strings.Repeat("A", 1<<20),
	} {
		if ok, rehash, err := CheckPassword("correct horse", phc); ok || rehash || !errors.Is(err, ErrMalformedHash) {
			t.Errorf("%s: %v, rehash %v, %v", name, ok, rehash, err)
		}
	}
}

func TestOnlyACheckedPasswordGivesEvidence(t *testing.T) {
	verified, ok := VerifyPassword("correct horse", cheapHash, 1700000000000)
	if !ok || verified.Factor() != FactorPassword || verified.At() != 1700000000000 || !verified.Rehash() {
		t.Errorf("%+v, %v", verified, ok)
	}
	for password, phc := range map[string]string{"wrong horse": cheapHash, "correct horse": "correct horse"} {
		if verified, ok := VerifyPassword(password, phc, 1700000000000); ok || verified != (Verified{}) {
			t.Errorf("%q against %q: %+v, %v", password, phc, verified, ok)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(fixedHash)
	f.Add(cheapHash)
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$$")
	f.Fuzz(func(t *testing.T, phc string) {
		h, err := parsePHC(phc)
		if err == nil && (h.String() != phc || !h.bounded()) {
			t.Errorf("%q is read as %+v", phc, h)
		}
	})
}

func cheaplyHashed(password string) string {
	h := phcHash{memory: 8, time: 1, threads: 1, salt: counting[:16]}
	h.key = h.derive(password, 16)
	return h.String()
}
