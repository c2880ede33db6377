package secret

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	fixedIssuer = "http://localhost:8484"
	fixedClaims = `{"iss":"http://localhost:8484","sub":"shop"}`
	fixedAccess = "mat_AAAACRAREhMUFRYXGBkaGxwdHh87BApRhGOLBMI1yLhBW7rY-OFvzw0m6YHqvHtI8VxxzlcmQnRHCle2TO98tcrDU4XhKcFfPKRVtRSofDVdvsT6"
)

func accessRoots(t *testing.T, roots ...Root) *AccessRoots {
	t.Helper()
	made, err := NewAccessRoots(roots)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// fixedRoots are those of fixedAccess, and an older one.
func fixedRoots(t *testing.T) *AccessRoots {
	t.Helper()
	return accessRoots(t, Root{KeyID: 1, Key: [32]byte{1}}, Root{KeyID: 9, Key: counting})
}

// The format, computed by another program, is what the servers of an update share.
func TestTheOpaqueAccessTokenFormatIsFixed(t *testing.T) {
	roots := fixedRoots(t)
	if got, err := roots.Seal(fixedIssuer, [16]byte(counting[16:]), []byte(fixedClaims)); got != fixedAccess || err != nil {
		t.Errorf("sealed %s, %v", got, err)
	}
	if got, root, err := roots.Open(fixedIssuer, fixedAccess); string(got) != fixedClaims || root != 9 || err != nil {
		t.Errorf("opened %s by root %d, %v", got, root, err)
	}
	if got, err := ReadAccess(fixedAccess); got != 9 || err != nil {
		t.Errorf("read %d, %v", got, err)
	}
}

func TestEveryOpaqueAccessTokenOpensForItsIssuerAlone(t *testing.T) {
	roots := fixedRoots(t)
	rapid.Check(t, func(t *rapid.T) {
		claims := rapid.SliceOf(rapid.Byte()).Draw(t, "claims")
		salt := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt"))
		of, at := rapid.StringN(0, 3, -1).Draw(t, "issuer"), rapid.StringN(0, 3, -1).Draw(t, "opened by")
		token, err := roots.Seal(of, salt, claims)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := roots.Open(at, token)
		if of == at && (err != nil || !bytes.Equal(got, claims)) {
			t.Fatalf("opens to %x, %v", got, err)
		}
		if of != at && !errors.Is(err, ErrForged) {
			t.Fatalf("another issuer opens it to %x, %v", got, err)
		}
	})
}

func TestAnyChangedCharacterMakesAnOpaqueAccessTokenJunk(t *testing.T) {
	roots := fixedRoots(t)
	for i := range fixedAccess {
		for _, c := range "ABYZabyz0189-_ \n=." {
			changed := fixedAccess[:i] + string(c) + fixedAccess[i+1:]
			if got, _, err := roots.Open(fixedIssuer, changed); changed != fixedAccess && !errors.Is(err, ErrNotAccessToken) {
				t.Fatalf("%q opens to %s, %v", changed, got, err)
			}
		}
	}
	for _, junk := range []string{
		"", "mat_", fixedAccess[4:], fixedAccess + "A", fixedAccess[:len(fixedAccess)-1], "mrt_" + fixedAccess[4:],
		"mat_" + strings.Repeat("A", 48), "mat_" + strings.Repeat("A", maxAccessSize),
	} {
		if _, _, err := roots.Open(fixedIssuer, junk); !errors.Is(err, ErrNotAccessToken) {
			t.Errorf("%.80q: %v", junk, err)
		}
		if _, err := ReadAccess(junk); !errors.Is(err, ErrNotAccessToken) {
			t.Errorf("%.80q is read: %v", junk, err)
		}
	}
}

// Whoever knows the format can fix the checksum, but not the tag.
func TestAnyBitChangedInAnOpaqueAccessTokenIsAForgery(t *testing.T) {
	roots := fixedRoots(t)
	raw, err := encoding.DecodeString(fixedAccess[len(PrefixAccess):])
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[:len(raw)-crc32.Size]
	for bit := range len(raw) * 8 {
		forged := bytes.Clone(raw)
		forged[bit/8] ^= 1 << (bit % 8)
		forged = binary.BigEndian.AppendUint32(forged, crc32.ChecksumIEEE(forged))
		if got, _, err := roots.Open(fixedIssuer, PrefixAccess+encoding.EncodeToString(forged)); got != nil || !errors.Is(err, ErrForged) {
			t.Fatalf("bit %d: opens to %s, %v", bit, got, err)
		}
	}
}

func TestTheLargestAccessRootSealsAndOlderOnesStillOpen(t *testing.T) {
	before := accessRoots(t, Root{KeyID: 1, Key: [32]byte{1}})
	old, err := before.Seal(fixedIssuer, [16]byte{}, []byte(fixedClaims))
	if err != nil {
		t.Fatal(err)
	}
	if got, root, err := fixedRoots(t).Open(fixedIssuer, old); string(got) != fixedClaims || root != 1 || err != nil {
		t.Errorf("the old token opens to %s, %v", got, err)
	}
	if _, _, err := before.Open(fixedIssuer, fixedAccess); !errors.Is(err, ErrForged) {
		t.Errorf("an unknown root: %v", err)
	}
	if _, _, err := accessRoots(t, Root{KeyID: 9, Key: [32]byte{9}}).Open(fixedIssuer, fixedAccess); !errors.Is(err, ErrForged) {
		t.Errorf("the same key id, another root: %v", err)
	}
	if got, err := NewAccessRoots(nil); got != nil || err == nil {
		t.Error("no root at all is accepted")
	}
}

func TestClaimsThatAreTooLongForATokenAreNotSealed(t *testing.T) {
	if token, err := fixedRoots(t).Seal(fixedIssuer, [16]byte{}, make([]byte, maxAccessSize)); token != "" || err == nil {
		t.Errorf("a token of %d characters", len(token))
	}
}

func FuzzAccessOpen(f *testing.F) {
	roots, err := NewAccessRoots([]Root{{KeyID: 9, Key: counting}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(fixedAccess)
	f.Add("mat_" + strings.Repeat("A", 60))
	f.Fuzz(func(t *testing.T, token string) {
		claims, _, err := roots.Open(fixedIssuer, token)
		if err == nil && (token != fixedAccess || string(claims) != fixedClaims) {
			t.Errorf("%q opens to %q", token, claims)
		}
	})
}
