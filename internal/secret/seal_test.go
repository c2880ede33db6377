package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var fixedNonce = [12]byte{100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111}

const fixedSealed = "01baf6687da72c3d3d6465666768696a6b6c6d6e6f296faa071a8276ff4a423b89ad0b600c8f2daf4699c1dbf610229309b4d6"

// Databases and backups hold sealed values for years: the format (computed by
// another program) never changes.
func TestTheSealedFormatIsFixed(t *testing.T) {
	kek := KEK(counting)
	if got := hex.EncodeToString(kek.Seal("signing key k1", fixedNonce, []byte("attack at dawn"))); got != fixedSealed {
		t.Errorf("sealed %s", got)
	}
	if got := kek.ID(); got != "uvZofacsPT0" {
		t.Errorf("fingerprint %s", got)
	}
}

func TestWhatIsSealedOpensUnderTheSameKeyForTheSamePurposeOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.StringN(0, 3, -1)
		sealedFor, openedFor := purpose.Draw(t, "sealed for"), purpose.Draw(t, "opened for")
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		got, err := KEK(counting).Open(openedFor, KEK(counting).Seal(sealedFor, fixedNonce, plain))
		if sealedFor == openedFor && (err != nil || !bytes.Equal(got, plain)) {
			t.Fatalf("opened %x, %v", got, err)
		}
		if sealedFor != openedFor && !errors.Is(err, ErrUnsealing) {
			t.Fatalf("opened %x for another purpose: %v", got, err)
		}
	})
}

func TestAWrongKeyIsNamedAsSuch(t *testing.T) {
	kek, other := KEK(counting), KEK{7}
	_, err := other.Open("p", kek.Seal("p", fixedNonce, []byte("plain")))
	if !errors.Is(err, ErrOtherKEK) || !strings.Contains(err.Error(), kek.ID()) || !strings.Contains(err.Error(), other.ID()) {
		t.Errorf("%v", err)
	}
}

func TestAnyBitChangedInASealedValueIsRefused(t *testing.T) {
	kek := KEK(counting)
	sealed := kek.Seal("p", fixedNonce, []byte("plain"))
	for bit := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		if got, err := kek.Open("p", changed); got != nil || !errors.Is(err, ErrUnsealing) && !errors.Is(err, ErrOtherKEK) {
			t.Fatalf("bit %d: opens to %x, %v", bit, got, err)
		}
	}
	for n := range sealed {
		if got, err := kek.Open("p", sealed[:n]); got != nil || !errors.Is(err, ErrUnsealing) {
			t.Fatalf("the first %d bytes open to %x, %v", n, got, err)
		}
	}
}

func TestAKeyFileHoldsTheKeyInAnyUsualForm(t *testing.T) {
	kek := KEK(counting)
	high := KEK{0xfb, 0xff} // + and / in base64
	for name, text := range map[string]string{
		"raw":                  string(kek[:]),
		"as Text writes it":    kek.Text(),
		"with a line end":      kek.Text() + "\r\n",
		"hex":                  hex.EncodeToString(kek[:]),
		"hex in capitals":      strings.ToUpper(hex.EncodeToString(kek[:])) + "\n",
		"base64 with padding":  base64.StdEncoding.EncodeToString(kek[:]),
		"broken into lines":    kek.Text()[:20] + "\n" + kek.Text()[20:],
		"base64url and spaces": " " + base64.URLEncoding.EncodeToString(kek[:]) + " ",
	} {
		if got, err := ParseKEK([]byte(text)); got != kek || err != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for _, text := range []string{base64.StdEncoding.EncodeToString(high[:]), high.Text()} {
		if got, err := ParseKEK([]byte(text)); got != high || err != nil {
			t.Errorf("%s: %x, %v", text, got, err)
		}
	}
}

func TestAKeyFileThatHoldsNoKeyIsRefused(t *testing.T) {
	kek := KEK(counting)
	for name, text := range map[string]string{
		"empty":              "",
		"a passphrase":       "correct horse battery staple",
		"16 bytes in hex":    hex.EncodeToString(kek[:16]), // 32 printable characters
		"24 bytes in base64": base64.StdEncoding.EncodeToString(kek[:24]),
		"31 bytes in base64": base64.StdEncoding.EncodeToString(kek[:31]),
		"33 bytes in hex":    hex.EncodeToString(append(kek[:], 1)),
		"raw and a line end": string(kek[:]) + "\n",
		"two keys":           kek.Text() + "\n" + kek.Text(),
	} {
		if got, err := ParseKEK([]byte(text)); got != (KEK{}) || err == nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}
