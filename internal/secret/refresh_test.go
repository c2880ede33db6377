package secret

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

const (
	fixedGID     = "AAECAwQFBgcICQoLDA0ODw"
	fixedRefresh = "mrt_AAAACQABAgMEBQYHCAkKCwwNDg8AAAAAAAAAB6loAtQMrSGkzYBhaLlkWzzmN3DJ"
)

// Tokens live for months in other people's storage: the format (computed by
// another program) never changes.
func TestTheRefreshTokenFormatIsFixed(t *testing.T) {
	roots := testRoots(t)
	if got, err := roots.Derive(fixedGID, 7); got != fixedRefresh || err != nil {
		t.Errorf("derived %s, %v", got, err)
	}
	if got, err := roots.Open(fixedRefresh); got != (Refresh{GID: fixedGID, Generation: 7}) || err != nil {
		t.Errorf("opened %+v, %v", got, err)
	}
}

func TestAnybodyCanReadWhatARefreshTokenNames(t *testing.T) {
	want := UnverifiedRefresh{Refresh: Refresh{GID: fixedGID, Generation: 7}, KeyID: 9}
	if got, err := ReadRefresh(fixedRefresh); got != want || err != nil {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, err := ReadRefresh(fixedRefresh[:len(fixedRefresh)-1] + "I"); !errors.Is(err, ErrNotRefreshToken) {
		t.Errorf("with a wrong checksum: %+v, %v", got, err)
	}
}

func TestEveryRefreshTokenOpensToWhatItWasDerivedFrom(t *testing.T) {
	roots := testRoots(t)
	rapid.Check(t, func(t *rapid.T) {
		want := Refresh{
			GID:        Seed{rapid.Uint8().Draw(t, "seed")}.ID("gid"),
			Generation: rapid.Int64Min(0).Draw(t, "generation"),
		}
		token, err := roots.Derive(want.GID, want.Generation)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := roots.Open(token); got != want || err != nil {
			t.Fatalf("%s opens to %+v, %v", token, got, err)
		}
	})
}

func TestAnyChangedCharacterMakesARefreshTokenJunk(t *testing.T) {
	roots := testRoots(t)
	for i := range fixedRefresh {
		for _, c := range "ABYZabyz0189-_ \n=." {
			changed := fixedRefresh[:i] + string(c) + fixedRefresh[i+1:]
			if got, err := roots.Open(changed); changed != fixedRefresh && !errors.Is(err, ErrNotRefreshToken) {
				t.Fatalf("%q opens to %+v, %v", changed, got, err)
			}
		}
	}
	for _, junk := range []string{"", "mrt_", fixedRefresh[4:], fixedRefresh + "A", fixedRefresh[:67], "mat_" + fixedRefresh[4:], strings.Repeat("A", 68)} {
		if _, err := roots.Open(junk); !errors.Is(err, ErrNotRefreshToken) {
			t.Errorf("%q: %v", junk, err)
		}
	}
}

// Whoever knows the format can fix the checksum, but not the tag.
func TestAnyBitChangedUnderARightChecksumIsAForgery(t *testing.T) {
	roots := testRoots(t)
	raw, err := encoding.DecodeString(fixedRefresh[len(PrefixRefresh):])
	if err != nil {
		t.Fatal(err)
	}
	for bit := range checkedSize * 8 {
		forged := append([]byte(nil), raw[:checkedSize]...)
		forged[bit/8] ^= 1 << (bit % 8)
		if got, err := roots.Open(withChecksum(forged)); !errors.Is(err, ErrForged) {
			t.Fatalf("bit %d: opens to %+v, %v", bit, got, err)
		}
	}
}

func TestATokenOfAnUnknownRootIsAForgery(t *testing.T) {
	others, err := NewRoots([]Root{{KeyID: 9, Key: [32]byte{8}}, {KeyID: 10, Key: [32]byte{9}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := others.Open(fixedRefresh); !errors.Is(err, ErrForged) {
		t.Errorf("the same key id, another root: %v", err)
	}
	token, err := others.Derive(fixedGID, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testRoots(t).Open(token); !errors.Is(err, ErrForged) {
		t.Errorf("the same root, another key id: %v", err)
	}
}

func TestTheLargestKeyIDDerivesAndOlderRootsStillOpen(t *testing.T) {
	old := []Root{{KeyID: 1, Key: [32]byte{1}}}
	before, err := NewRoots(old)
	if err != nil {
		t.Fatal(err)
	}
	token, err := before.Derive(fixedGID, 3)
	if err != nil {
		t.Fatal(err)
	}
	after := testRoots(t)
	if got, err := after.Open(token); got != (Refresh{GID: fixedGID, Generation: 3}) || err != nil {
		t.Errorf("the old token opens to %+v, %v", got, err)
	}
	if renewed, err := after.Derive(fixedGID, 3); renewed == token || err != nil {
		t.Errorf("the old root still derives: %s, %v", renewed, err)
	}
}

func TestRootsThatCannotBeMeantAreRefused(t *testing.T) {
	for name, roots := range map[string][]Root{
		"none":           nil,
		"one id twice":   {{KeyID: 1, Key: [32]byte{1}}, {KeyID: 1, Key: [32]byte{2}}},
		"one left empty": {{KeyID: 1, Key: [32]byte{1}}, {KeyID: 2}},
	} {
		if got, err := NewRoots(roots); got != nil || err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewRoots([]Root{{KeyID: 0, Key: [32]byte{1}}}); err != nil {
		t.Errorf("key id 0: %v", err)
	}
}

func TestOnlyAGeneratedGrantAndAGenerationDeriveAToken(t *testing.T) {
	roots := testRoots(t)
	if got, err := roots.Derive("my-grant", 0); got != "" || !errors.Is(err, ErrNotID) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := roots.Derive(fixedGID, -1); got != "" || err == nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestManyGoroutinesShareRoots(t *testing.T) {
	roots := testRoots(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				token, err := roots.Derive(fixedGID, 7)
				if err != nil || token != fixedRefresh {
					t.Errorf("derived %s, %v", token, err)
				}
				if _, err := roots.Open(token); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzRefreshOpen(f *testing.F) {
	f.Add(fixedRefresh)
	f.Add("mrt_")
	f.Add(PrefixRefresh + strings.Repeat("A", textRefreshSize))
	roots := testRoots(f)
	f.Fuzz(func(t *testing.T, token string) {
		got, err := roots.Open(token)
		if err != nil {
			if got != (Refresh{}) {
				t.Errorf("%q: %+v beside %v", token, got, err)
			}
			return
		}
		if !ValidID(got.GID) || got.Generation < 0 || len(token) != len(fixedRefresh) {
			t.Errorf("%q opens to %+v", token, got)
		}
	})
}

func withChecksum(checked []byte) string {
	raw := binary.BigEndian.AppendUint32(checked, crc32.ChecksumIEEE(checked))
	return PrefixRefresh + encoding.EncodeToString(raw)
}
