package certification

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// challenge: RFC 7636 §4.2, S256.
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// unsigned is a JWT without a signature (RFC 7519 §6).
func unsigned(claims map[string]any) string {
	part := func(value map[string]any) string {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // of a map of plain values
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]any{"alg": "none"}) + "." + part(claims) + "."
}
