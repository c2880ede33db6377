package jose

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
)

// Algorithm is the name of a signature algorithm as it stands in "alg". Only
// the four constants below exist; anything else is data out of somebody's header.
type Algorithm string

// The algorithms, by their fully specified names (RFC 9864 §2). An Ed25519 key
// answers to "Ed25519" alone: the polymorphic "EdDSA" would be a second name
// for one key.
const (
	ES256   Algorithm = "ES256"   // RFC 7518 §3.4
	RS256   Algorithm = "RS256"   // RFC 7518 §3.3
	PS256   Algorithm = "PS256"   // RFC 7518 §3.5
	Ed25519 Algorithm = "Ed25519" // RFC 9864 §2.2
)

// EdDSA is what many libraries still write for Ed25519 (RFC 8037 §3.1, deprecated
// by RFC 9864 §4.1.2). No key of ours bears it. A foreign token may, where the
// caller allows the name; the key that verifies it is an Ed25519 key all the same.
const EdDSA Algorithm = "EdDSA"

// specified is the algorithm that a name stands for.
func (a Algorithm) specified() Algorithm {
	if a == EdDSA {
		return Ed25519
	}
	return a
}

// Every refusal of a token or a key wraps one of these.
var (
	ErrMalformed   = errors.New("malformed token")
	ErrEncrypted   = errors.New("encrypted token where a signed one is expected")
	ErrAlgorithm   = errors.New("algorithm not allowed")
	ErrUnknownKey  = errors.New("no such key")
	ErrSignature   = errors.New("invalid signature")
	ErrKey         = errors.New("invalid key")
	ErrUnsupported = errors.New("unsupported key")
	ErrPrivateKey  = errors.New("private key where a public one is expected")
)

// hash is what the signature is computed over, or 0 for Ed25519, which takes
// the message itself (RFC 8037 §3.1).
func (a Algorithm) hash() crypto.Hash {
	if a == Ed25519 {
		return 0
	}
	return crypto.SHA256
}

// AtHash is the at_hash of an access token (and the c_hash of a code) in an ID
// token signed with alg: the left half of its hash, base64url
// (OIDC Core §3.1.3.6). The hash is the one alg names; Ed25519 names none, and
// the convention, followed by oidc-provider and others, is the hash inside
// Ed25519 itself: SHA-512 (RFC 8032 §5.1).
func AtHash(token string, alg Algorithm) string {
	if alg == Ed25519 {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
