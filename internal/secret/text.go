package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// Prefixes by which secret scanners recognise what has leaked.
const (
	PrefixRefresh      = "mrt_" // refresh token
	PrefixAccess       = "mat_" // opaque access token
	PrefixClientSecret = "mcs_" // client secret
	PrefixSetup        = "mst_" // setup and admin token
	PrefixInitial      = "mit_" // initial access token: whoever holds it may register clients
	PrefixRegistration = "mct_" // registration access token of a client
)

// ErrNotID is returned for text that is not a generated identifier.
var ErrNotID = errors.New("not a generated identifier")

const (
	rawIDSize  = 16
	textIDSize = 22
	// secretSize: RFC 6749 §10.10 asks for 2^-128 and wishes for 2^-160; 32 bytes give 2^-256.
	secretSize = 32
)

// encoding refuses text with stray bits at its end, so that a value has one
// text. It still skips line breaks: every decoder here checks the length too.
var encoding = base64.RawURLEncoding.Strict()

// ValidID reports whether the text has the form of a generated identifier.
func ValidID(s string) bool {
	_, err := RawID(s)
	return err == nil
}

// RawID returns the 16 bytes of a generated identifier, or ErrNotID.
func RawID(id string) ([16]byte, error) {
	var raw [rawIDSize]byte
	if len(id) != textIDSize {
		return raw, ErrNotID
	}
	var text [textIDSize]byte
	copy(text[:], id)
	if n, err := encoding.Decode(raw[:], text[:]); err != nil || n != rawIDSize {
		return [rawIDSize]byte{}, ErrNotID
	}
	return raw, nil
}

// NewClientSecret returns a client secret: mcs_ and 256 random bits.
func NewClientSecret(s Seed, label string) string {
	return PrefixClientSecret + NewOpaque(s, label)
}

// NewAdminToken returns an admin token: mst_ and 256 random bits.
func NewAdminToken(s Seed, label string) string {
	return PrefixSetup + NewOpaque(s, label)
}

// IsAdminToken reports whether a text has the form of an admin token. Whatever has
// not needs no look at the database.
func IsAdminToken(text string) bool {
	opaque, prefixed := strings.CutPrefix(text, PrefixSetup)
	var raw [secretSize + 1]byte
	if !prefixed || len(opaque) != encoding.EncodedLen(secretSize) {
		return false
	}
	n, err := encoding.Decode(raw[:], []byte(opaque))
	return err == nil && n == secretSize
}

// NewSetupToken returns a setup token: mst_ and 256 random bits.
func NewSetupToken(s Seed, label string) string {
	return PrefixSetup + NewOpaque(s, label)
}

// NewInitialToken returns an initial access token: mit_ and 256 random bits.
func NewInitialToken(s Seed, label string) string {
	return PrefixInitial + NewOpaque(s, label)
}

// NewRegistrationToken returns a registration access token: mct_ and 256 random
// bits.
func NewRegistrationToken(s Seed, label string) string {
	return PrefixRegistration + NewOpaque(s, label)
}

// NewOpaque returns 256 random bits in base64url, 43 characters: authorization
// codes, session cookies, interaction identifiers.
func NewOpaque(s Seed, label string) string {
	return base64.RawURLEncoding.EncodeToString(s.Bytes(label, secretSize))
}

// Hash returns what is stored of a random secret: its SHA-256. It is not for
// passwords, which can be guessed: see HashPassword.
func Hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Matches reports whether the secret is the one that was hashed, in a time that
// does not depend on where they differ.
func Matches(secret string, hash []byte) bool {
	return subtle.ConstantTimeCompare(Hash(secret), hash) == 1
}
