package secret

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// counting is 0, 1, 2, ...: the key under which the fixed values below were
// computed by other programs.
var counting = func() (key [32]byte) {
	for i := range key {
		key[i] = byte(i)
	}
	return key
}()

// A retried attempt, or one replayed in a test, must make the same values for ever.
func TestWhatASeedGivesIsFixed(t *testing.T) {
	seed := Seed(counting)
	for what, c := range map[string]struct{ got, want string }{
		"bytes":         {hex.EncodeToString(seed.Bytes("x", 40)), "8db08a4c40c08899fd8efdacc1da500928e7955234933948273efced957ebbe385e56263d40257ab"},
		"identifier":    {seed.ID("gid"), "HD1jniO6Cq_UkVRFIaXYPA"},
		"timed":         {seed.TimedID("gid", 1_796_060_529_999), "aw21cRw9Y54jugqv1JFURQ"},
		"opaque":        {NewOpaque(seed, "code"), "lcJo1V5MRsbRBo2flrxWkHqsbFI6P4joVvygdhRHJhs"},
		"client secret": {NewClientSecret(seed, "code"), "mcs_lcJo1V5MRsbRBo2flrxWkHqsbFI6P4joVvygdhRHJhs"},
		"setup token":   {NewSetupToken(seed, "code"), "mst_lcJo1V5MRsbRBo2flrxWkHqsbFI6P4joVvygdhRHJhs"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %s, want %s", what, c.got, c.want)
		}
	}
	if got := seed.Uint32n("jitter", 1000); got != 460 {
		t.Errorf("number is %d, want 460", got)
	}
}

func TestLabelsAreIndependentAndLengthsAreNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringN(0, 5, -1)
		a, b := label.Draw(t, "a"), label.Draw(t, "b")
		seed := Seed(counting)
		if (a == b) != bytes.Equal(seed.Bytes(a, 32), seed.Bytes(b, 32)) {
			t.Fatalf("labels %q and %q", a, b)
		}
		n := rapid.IntRange(0, 100).Draw(t, "n")
		if short := seed.Bytes(a, n); len(short) != n || !bytes.HasPrefix(seed.Bytes(a, 100), short) {
			t.Fatalf("%d bytes: %x", n, short)
		}
	})
}

// A label that ends like a counter must not reach into another label's blocks.
func TestNoLabelContinuesAnother(t *testing.T) {
	seed := Seed(counting)
	if bytes.Equal(seed.Bytes("a", 64)[32:], seed.Bytes("a\x00\x00\x00\x01", 32)) ||
		bytes.Equal(seed.Bytes("a", 32), seed.Bytes("a\x00\x00\x00\x00", 32)) {
		t.Error("two labels share a block")
	}
}

func TestNumbersStayBelowTheirBoundAndReachAllOfIt(t *testing.T) {
	seen := make(map[uint32]bool)
	for i := range 200 {
		n := Seed{byte(i)}.Uint32n("jitter", 5)
		if n >= 5 {
			t.Fatalf("%d is not below 5", n)
		}
		seen[n] = true
	}
	if len(seen) != 5 {
		t.Errorf("200 draws below 5 gave only %v", seen)
	}
	if n := Seed(counting).Uint32n("jitter", 0); n != 0 {
		t.Errorf("below 0: %d", n)
	}
}

func TestGeneratedIdentifiersAreValidAndHoldTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := Seed{rapid.Uint8().Draw(t, "seed")}
		id := seed.ID("gid")
		raw, err := RawID(id)
		if err != nil || !ValidID(id) || !bytes.Equal(raw[:], seed.Bytes("gid", 16)) {
			t.Fatalf("%s: %x, %v", id, raw, err)
		}
		second := rapid.Uint32().Draw(t, "second")
		timed := seed.TimedID("gid", int64(second)*1000+rapid.Int64Range(0, 999).Draw(t, "ms"))
		raw, err = RawID(timed)
		if err != nil || binary.BigEndian.Uint32(raw[:]) != second || !bytes.Equal(raw[4:], seed.Bytes("gid", 12)) {
			t.Fatalf("%s of %d: %x, %v", timed, second, raw, err)
		}
	})
}

func TestTextThatIsNoGeneratedIdentifierIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "shop",
		"AAECAwQFBgcICQoLDA0OD",   // 21 characters
		"AAECAwQFBgcICQoLDA0ODwA", // 23
		"AAECAwQFBgcICQoLDA0ODx",  // stray bits: a second text for the same bytes
		"AAECAwQFBgcICQoLDA0O/w",  // the other alphabet
		"AAECAwQFBgcICQoLDA0OD=",
		"AAECAwQFBgcICQoLDA0O\nw",
		"AAECAwQFBgcICQoLDA0\r\nO",
	} {
		if ValidID(text) {
			t.Errorf("%q passes for an identifier", text)
		}
	}
}

func TestOnlyTheSecretThatWasHashedMatches(t *testing.T) {
	secret := NewClientSecret(Seed(counting), "secret")
	hash := Hash(secret)
	if !Matches(secret, hash) {
		t.Error("the secret does not match its hash")
	}
	for _, other := range []string{"", secret[1:], secret + "x", strings.ToUpper(secret)} {
		if Matches(other, hash) {
			t.Errorf("%q matches", other)
		}
	}
	for _, other := range [][]byte{nil, {}, hash[:31], append(Hash(secret), 0)} {
		if Matches(secret, other) {
			t.Errorf("matches the hash %x", other)
		}
	}
}
