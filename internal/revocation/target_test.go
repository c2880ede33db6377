package revocation

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The encoding is shared with verifiers that run older and newer versions: these
// bytes and names (computed by another program) never change.
func TestEncodingsAndFeedNamesAreFixed(t *testing.T) {
	var key FeedKey
	for i := range key {
		key[i] = byte(i)
	}
	for _, c := range []struct {
		target  Target
		encoded string
		name    uint64
	}{
		{ForJTI("AAECAwQFBgcICQoLDA0ODw"), "01001641414543417751464267634943516f4c4441304f4477", 0x2263648dce61999e},
		{ForSub("ana"), "050003616e61", 0x721911b564790311},
		{ForConsent("ana", "shop"), "070003616e61000473686f70", 0x3d3316e116318d94},
		{ForAll(), "09", 0x1a6130f9ab0a44d7},
		{ForTouch("clients", "shop"), "400007636c69656e7473000473686f70", 0xb8a92d68357192c0},
	} {
		if got := hex.EncodeToString(c.target.Append(nil)); got != c.encoded {
			t.Errorf("%v encodes to %s, want %s", c.target, got, c.encoded)
		}
		if got := key.Namer().Append(nil, ForAll(), c.target); got[1] != c.name {
			t.Errorf("%v: a namer says %x", c.target, got[1])
		}
		if got := key.Name(c.target); got != c.name {
			t.Errorf("%v is named %#x, want %#x", c.target, got, c.name)
		}
	}
}

func TestKindsKeepTheirNumbersNamesAndCutoffs(t *testing.T) {
	for _, c := range []struct {
		target  Target
		kind    Kind
		number  byte
		name    string
		forever bool
		text    string
	}{
		{ForJTI("x"), JTI, 1, "jti", true, `jti "x"`},
		{ForSID("x"), SID, 2, "sid", true, `sid "x"`},
		{ForGID("x"), GID, 3, "gid", true, `gid "x"`},
		{ForKID("x"), KID, 4, "kid", true, `kid "x"`},
		{ForSub("x"), Sub, 5, "sub", false, `sub "x"`},
		{ForClient("x"), Client, 6, "client", false, `client "x"`},
		{ForConsent("x", "y"), Consent, 7, "consent", false, `consent "x" "y"`},
		{ForAud("x"), Aud, 8, "aud", false, `aud "x"`},
		{ForAll(), All, 9, "all", false, "all"},
		{ForTouch("x", "y"), Touch, 64, "touch", false, `touch "x" "y"`},
	} {
		kind := c.target.Kind()
		if kind != c.kind || byte(kind) != c.number || kind.String() != c.name || kind.Forever() != c.forever {
			t.Errorf("%s: kind %d, %v, forever %v", c.name, kind, kind, kind.Forever())
		}
		if parsed, err := ParseKind(c.name); parsed != c.kind || err != nil {
			t.Errorf("ParseKind(%q) = %v, %v", c.name, parsed, err)
		}
		if c.target.String() != c.text {
			t.Errorf("renders as %s, want %s", c.target, c.text)
		}
	}
}

func TestNamesThatAreNoKindAreRefused(t *testing.T) {
	for _, name := range []string{"", "JTI", "dev", "kind(0)", "kind(10)"} {
		if _, err := ParseKind(name); !errors.Is(err, ErrUnknownKind) {
			t.Errorf("ParseKind(%q): %v", name, err)
		}
	}
}

func TestPartsStandInTheOrderOfTheArguments(t *testing.T) {
	target := ForConsent("ana", "shop")
	for i, want := range map[int]string{-1: "", 0: "ana", 1: "shop", 2: ""} {
		if got := target.Part(i); got != want {
			t.Errorf("part %d is %q, want %q", i, got, want)
		}
	}
}

func TestEveryTargetIsReadBackAndNoTwoShareAnEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyTarget(t), anyTarget(t)
		encodedA, encodedB := a.Append(nil), b.Append(nil)
		if back, err := ParseTarget(encodedA); back != a || err != nil {
			t.Fatalf("%v comes back as %v, %v", a, back, err)
		}
		if (a == b) != bytes.Equal(encodedA, encodedB) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	got := ForSub("ana").Append([]byte("before"))
	if !bytes.Equal(got, append([]byte("before"), ForSub("ana").Append(nil)...)) {
		t.Errorf("%q", got)
	}
}

func TestPartsTooLongForTheEncodingShareTheirRevocations(t *testing.T) {
	long := strings.Repeat("a", 1<<16-1)
	if ForSub(long+"x") != ForSub(long+"y") || ForSub(long) != ForSub(long+"x") {
		t.Error("over-long parts are not cut alike")
	}
	if ForSub(long) == ForSub(long[1:]) {
		t.Error("parts within the limit are cut")
	}
	if back, err := ParseTarget(ForSub(long + "x").Append(nil)); back != ForSub(long) || err != nil {
		t.Error("the longest part does not come back")
	}
}

func TestBytesThatAreNoTargetAreRefused(t *testing.T) {
	for encoded, want := range map[string]error{
		"":                       ErrMalformedTarget,
		"01":                     ErrMalformedTarget, // no part
		"0100":                   ErrMalformedTarget, // half a length
		"010001":                 ErrMalformedTarget, // no bytes
		"01000161ff":             ErrMalformedTarget, // one byte more
		"070003616e61":           ErrMalformedTarget, // one part of two
		"0900":                   ErrMalformedTarget, // all has no part
		"00000161":               ErrUnknownKind,
		"0a000161":               ErrUnknownKind, // reserved
		"41000161000161":         ErrUnknownKind,
		"0500036162630003616263": ErrMalformedTarget, // sub has one part
	} {
		b, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseTarget(b); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", encoded, err, want)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add(ForSub("ana").Append(nil))
	f.Add(ForConsent("ana", "shop").Append(nil))
	f.Add(ForAll().Append(nil))
	f.Add([]byte{7, 0, 1, 'a', 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		target, err := ParseTarget(b)
		if err == nil && !bytes.Equal(target.Append(nil), b) {
			t.Errorf("%x is read as %v", b, target)
		}
		if err != nil && target != (Target{}) {
			t.Errorf("%x gives %v beside %v", b, target, err)
		}
	})
}

func BenchmarkName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		FeedKey{1}.Name(ForSub("AAECAwQFBgcICQoLDA0ODw"))
	}
}

func anyTarget(t *rapid.T) Target {
	part := rapid.OneOf(rapid.StringN(0, 3, -1), rapid.SampledFrom([]string{"", "a", "b", "ab", "\x00\x01a"}))
	x, y := part.Draw(t, "x"), part.Draw(t, "y")
	return rapid.SampledFrom([]Target{
		ForJTI(x), ForSID(x), ForGID(x), ForKID(x), ForSub(x), ForClient(x), ForConsent(x, y), ForAud(x), ForAll(), ForTouch(x, y),
	}).Draw(t, "target")
}
