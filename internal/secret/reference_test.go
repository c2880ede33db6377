package secret

import (
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

const fixedReference = "r1.ZGVmZ2hpamtsbW5vSRndZnnpVvttk1_s3mFu-UbGAg-OafZ3otSpTf6moE2R7EXGShSdAvv1fj_9QsrPG1ufGN-1vtcFDlPexIyc_0feiGoKZDdSDh6r"

// People quote codes in tickets weeks later: the format (computed by another
// program) never changes, and a code is at most 120 characters.
func TestTheReferenceFormatIsFixed(t *testing.T) {
	reference := Reference{
		Reason: [3]byte{1, 2, 3}, At: 1700000000, Client: [8]byte{4, 4, 4, 4, 4, 4, 4, 4},
		GID: [16]byte{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, KID: [8]byte{6, 6, 6, 6, 6, 6, 6, 6}, Expected: 7, Seen: -1,
	}
	key := ReferenceKey(counting)
	if got := key.Seal(reference, fixedNonce); got != fixedReference || len(got) > 120 {
		t.Errorf("sealed %s", got)
	}
	if got, err := key.Open(fixedReference); got != reference || err != nil {
		t.Errorf("opened %+v, %v", got, err)
	}
	if id := ReasonID("replayed"); hex.EncodeToString(id[:]) != "ae94da" {
		t.Errorf("reason %x", id)
	}
}

func TestEveryReferenceComesBackWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64()
		want := Reference{
			Reason: ReasonID(rapid.String().Draw(t, "reason")), At: number.Draw(t, "at"),
			Expected: number.Draw(t, "expected"), Seen: number.Draw(t, "seen"),
		}
		key := ReferenceKey{rapid.Byte().Draw(t, "key")}
		if got, err := key.Open(key.Seal(want, fixedNonce)); got != want || err != nil {
			t.Fatalf("%+v comes back as %+v, %v", want, got, err)
		}
	})
}

func TestAChangedOrForeignReferenceIsRefused(t *testing.T) {
	key := ReferenceKey(counting)
	for i := range fixedReference {
		for _, c := range "ABYZabyz0189-_ \n=." {
			changed := fixedReference[:i] + string(c) + fixedReference[i+1:]
			if got, err := key.Open(changed); changed != fixedReference && !errors.Is(err, ErrNotReference) {
				t.Fatalf("%q opens to %+v, %v", changed, got, err)
			}
		}
	}
	for _, junk := range []string{"", "r1.", fixedReference[3:], fixedReference + "A", fixedReference[:118], "r2." + fixedReference[3:]} {
		if _, err := key.Open(junk); !errors.Is(err, ErrNotReference) {
			t.Errorf("%q: %v", junk, err)
		}
	}
	if _, err := (ReferenceKey{1}).Open(fixedReference); !errors.Is(err, ErrNotReference) {
		t.Errorf("another server's: %v", err)
	}
}

func FuzzReferenceOpen(f *testing.F) {
	f.Add(fixedReference)
	f.Add("r1.")
	key := ReferenceKey(counting)
	f.Fuzz(func(t *testing.T, code string) {
		got, err := key.Open(code)
		if err == nil && code != fixedReference {
			t.Errorf("%q opens to %+v", code, got)
		}
		if err != nil && got != (Reference{}) {
			t.Errorf("%q: %+v beside %v", code, got, err)
		}
	})
}
