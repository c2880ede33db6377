package secret

import "errors"

// TripKey seals what this server must know again when a browser comes back that it
// sent away, into the state that travels with it. Nothing of a trip is stored.
type TripKey [32]byte

// ErrTrip is returned for a state that was not sealed for this browser.
var ErrTrip = errors.New("state is not of a trip of this browser")

// Seal encrypts a trip with AES-256-GCM, in base64url, so that it opens only for the
// browser of this hash. The nonce is drawn at random for every call.
func (k TripKey) Seal(browser []byte, nonce [12]byte, trip []byte) string {
	return encoding.EncodeToString(newAEAD(k).Seal(nonce[:], nonce[:], trip, browser))
}

// Open is the inverse of Seal, or ErrTrip.
func (k TripKey) Open(browser []byte, state string) ([]byte, error) {
	sealed, err := encoding.DecodeString(state)
	// The decoder skips line breaks: a state has one text.
	if err != nil || len(sealed) < nonceSize || encoding.EncodeToString(sealed) != state || len(browser) == 0 {
		return nil, ErrTrip
	}
	trip, err := newAEAD(k).Open(nil, sealed[:nonceSize], sealed[nonceSize:], browser)
	if err != nil {
		return nil, ErrTrip
	}
	return trip, nil
}
