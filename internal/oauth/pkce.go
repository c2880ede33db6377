package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// ChallengeMethodS256 is the only PKCE method: plain protects nobody (RFC 9700 §2.1.1).
const ChallengeMethodS256 = "S256"

// ChallengeOf is the S256 challenge of a verifier. RFC 7636 §4.2.
func ChallengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// VerifierMatches reports whether the verifier belongs to the challenge, in constant time. RFC 7636 §4.6.
func VerifierMatches(verifier, challenge string) bool {
	return IsVerifier(verifier) && subtle.ConstantTimeCompare([]byte(ChallengeOf(verifier)), []byte(challenge)) == 1
}

// IsVerifier reports whether the value has the syntax of a code_verifier. RFC 7636 §4.1: 43*128unreserved.
func IsVerifier(value string) bool {
	if len(value) < 43 || len(value) > 128 {
		return false
	}
	for i := range len(value) {
		if c := value[i]; !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

// IsChallenge reports whether the value can be an S256 challenge: a SHA-256 in base64url. RFC 7636 §4.2.
func IsChallenge(value string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(value)
	return err == nil && len(value) == 43 && len(sum) == sha256.Size
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
