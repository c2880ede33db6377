package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
)

// PublicKey is a key that verifies signatures of one [Algorithm]. It was
// checked when it was made and never changes; its one use is "sig".
type PublicKey struct {
	alg Algorithm
	kid string
	key crypto.PublicKey
	// assumed: its JWK named no algorithm.
	assumed bool
	// x5c is its own certificate as its JWK has it, in base64; empty: it has none.
	x5c string
}

// NewPublicKey binds an *ecdsa.PublicKey on P-256, an *rsa.PublicKey or an
// ed25519.PublicKey to an algorithm. Its kid is its [PublicKey.KeyID].
// Errors wrap [ErrKey] or [ErrUnsupported].
func NewPublicKey(alg Algorithm, key crypto.PublicKey) (*PublicKey, error) {
	if err := checkKey(alg, key); err != nil {
		return nil, err
	}
	p := &PublicKey{alg: alg, key: key}
	p.kid = p.KeyID()
	return p, nil
}

// Algorithm is the only one the key verifies.
func (p *PublicKey) Algorithm() Algorithm { return p.alg }

// Kid is the key's name in a set; empty where a foreign JWK had none.
func (p *PublicKey) Kid() string { return p.kid }

// Verify checks a signature over a signing input, both as bytes: the first two
// parts of a token with their dot, and the decoded third. The error is
// [ErrSignature] or nil.
func (p *PublicKey) Verify(signingInput, signature []byte) error {
	ok := false
	switch key := p.key.(type) {
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(signingInput)
		var room [2*intLen + 8]byte
		der := appendDER(room[:0], signature)
		ok = der != nil && ecdsa.VerifyASN1(key, digest[:], der)
	case *rsa.PublicKey:
		digest := sha256.Sum256(signingInput)
		if p.alg == PS256 {
			ok = rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, pssOptions()) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
		}
	case ed25519.PublicKey:
		ok = ed25519.Verify(key, signingInput, signature)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// signatureLen is the length of every signature of the key, in bytes.
func (p *PublicKey) signatureLen() int {
	if key, ok := p.key.(*rsa.PublicKey); ok {
		return key.Size()
	}
	return 2 * intLen // ES256; Ed25519 too (RFC 8032 §5.1.6)
}

// pssOptions fix the salt at the length of the hash (RFC 7518 §3.5).
func pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
}

// checkKey is the one place that says which key may go with which algorithm
// (RFC 8725 §3.1) and whether it is any good (§3.4, §3.5).
func checkKey(alg Algorithm, key crypto.PublicKey) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if alg != ES256 || key.Curve != elliptic.P256() {
			return fmt.Errorf("%w: curve and algorithm", ErrUnsupported)
		}
		if _, err := key.Bytes(); err != nil { // fails off the curve
			return fmt.Errorf("%w: point not on its curve", ErrKey)
		}
		return nil
	case *rsa.PublicKey:
		if alg != RS256 && alg != PS256 {
			return fmt.Errorf("%w: RSA with this algorithm", ErrUnsupported)
		}
		return checkRSA(key)
	case ed25519.PublicKey:
		if alg != Ed25519 {
			return fmt.Errorf("%w: Ed25519 with this algorithm", ErrUnsupported)
		}
		return checkEd25519(key)
	}
	return fmt.Errorf("%w: type of key", ErrUnsupported)
}

// Thumbprint is the SHA-256 thumbprint of the key (RFC 7638 §3; for Ed25519
// RFC 8037 §2): of its kty and its numbers, neither of its kid nor of its alg.
func (p *PublicKey) Thumbprint() [sha256.Size]byte {
	w := BeginObject(make([]byte, 0, 512))
	p.writeNumbers(&w)
	return sha256.Sum256(w.End())
}

// Certifies reports whether a certificate is the key's: the very one that its JWK
// has in x5c (RFC 7517 §4.7), else any with the key in it.
func (p *PublicKey) Certifies(leaf *x509.Certificate) bool {
	if p.x5c != "" && p.x5c != base64.StdEncoding.EncodeToString(leaf.Raw) {
		return false
	}
	key, ok := p.key.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && key.Equal(leaf.PublicKey)
}

// KeyID is base64url of the thumbprint's first 8 bytes: the kid of our own keys.
func (p *PublicKey) KeyID() string {
	sum := p.Thumbprint()
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}
