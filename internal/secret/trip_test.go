package secret

import (
	"errors"
	"testing"
)

func TestATripOpensInItsOwnBrowserAlone(t *testing.T) {
	key, browser := TripKey{1}, Hash("a browser")
	state := key.Seal(browser, [12]byte{2}, []byte("a trip"))
	if got, err := key.Open(browser, state); err != nil || string(got) != "a trip" {
		t.Fatalf("%q %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another browser":   func() ([]byte, error) { return key.Open(Hash("another"), state) },
		"no browser":        func() ([]byte, error) { return key.Open(nil, key.Seal(nil, [12]byte{2}, nil)) },
		"another key":       func() ([]byte, error) { return TripKey{2}.Open(browser, state) },
		"a letter changed":  func() ([]byte, error) { return key.Open(browser, "B"+state[1:]) },
		"cut":               func() ([]byte, error) { return key.Open(browser, state[:20]) },
		"nothing":           func() ([]byte, error) { return key.Open(browser, "") },
		"a line break":      func() ([]byte, error) { return key.Open(browser, state[:8]+"\n"+state[8:]) },
		"not base64url":     func() ([]byte, error) { return key.Open(browser, "+"+state[1:]) },
		"shorter than that": func() ([]byte, error) { return key.Open(browser, "AAAA") },
	} {
		if got, err := open(); !errors.Is(err, ErrTrip) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}
