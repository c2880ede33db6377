package secret

import (
	"bytes"
	"errors"
	"testing"
)

func TestAnAnswerOpensForItsOwnerKeyAndRequestAlone(t *testing.T) {
	k := AnswerKey{1}
	const owner, chosen, request = "admin:deploy", "8e03978e-40d5-43dd-bc93-6894a57f9324", "POST clients {}"
	answer := []byte(`{"client_secret":"mcs_x"}`)
	sealed := k.Seal(owner, chosen, request, [12]byte{2}, answer)
	if bytes.Contains(sealed, []byte("mcs_")) {
		t.Error("it is in clear")
	}
	if got, err := k.Open(owner, chosen, request, sealed); err != nil || !bytes.Equal(got, answer) {
		t.Errorf("opened %q, %v", got, err)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another owner":   func() ([]byte, error) { return k.Open("admin", chosen, request, sealed) },
		"another key":     func() ([]byte, error) { return k.Open(owner, chosen+"x", request, sealed) },
		"another request": func() ([]byte, error) { return k.Open(owner, chosen, request+" ", sealed) },
		"another server":  func() ([]byte, error) { return AnswerKey{2}.Open(owner, chosen, request, sealed) },
		"a changed one":   func() ([]byte, error) { return k.Open(owner, chosen, request, flipped) },
		"a short one":     func() ([]byte, error) { return k.Open(owner, chosen, request, sealed[:11]) },
		"nothing":         func() ([]byte, error) { return k.Open(owner, chosen, request, nil) },
	} {
		if got, err := open(); !errors.Is(err, ErrUnsealing) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	names := [][]byte{k.Name(owner, chosen), k.Name("admin", chosen), k.Name(owner, chosen+"x"), AnswerKey{2}.Name(owner, chosen), k.Name("admin:deplo", "y\x00"+chosen)}
	for i := range names {
		for j := range i {
			if bytes.Equal(names[i], names[j]) {
				t.Errorf("names %d and %d are the same", i, j)
			}
		}
	}
}
