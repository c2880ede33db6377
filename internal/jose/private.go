package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
)

// PrivateKey signs with one [Algorithm]. The key itself may live elsewhere, in
// a KMS or an HSM, behind a crypto.Signer. It never changes.
type PrivateKey struct {
	public *PublicKey
	signer crypto.Signer
	opts   crypto.SignerOpts
}

// Generate makes a new key from the system's randomness. RSA keys have 2048
// bits, the strength that every client of RS256 can verify; they rotate.
func Generate(alg Algorithm) (*PrivateKey, error) {
	signer, err := generate(alg)
	if err != nil {
		return nil, fmt.Errorf("generating key: %w", err)
	}
	return NewPrivateKey(alg, signer)
}

func generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, minRSA)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, ErrAlgorithm
}

// NewPrivateKey binds a signer to an algorithm. An ES256 signer returns DER, as
// crypto.Signer asks. Its kid is the public key's [PublicKey.KeyID].
func NewPrivateKey(alg Algorithm, signer crypto.Signer) (*PrivateKey, error) {
	public, err := NewPublicKey(alg, signer.Public())
	if err != nil {
		return nil, err
	}
	var opts crypto.SignerOpts = alg.hash()
	if alg == PS256 {
		opts = pssOptions()
	}
	return &PrivateKey{public: public, signer: signer, opts: opts}, nil
}

// ParsePrivateKey reads PKCS#8 in DER, as [PrivateKey.Marshal] writes it. The
// algorithm is stored beside it: an RSA key does not know whether it is RS256
// or PS256.
func ParsePrivateKey(alg Algorithm, pkcs8 []byte) (*PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("parsing private key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("parsing private key: %w: cannot sign", ErrUnsupported)
	}
	return NewPrivateKey(alg, signer)
}

// Marshal returns the key in clear as PKCS#8 in DER, to be sealed before it is
// stored. It fails for a key that lives elsewhere.
func (k *PrivateKey) Marshal() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, fmt.Errorf("marshalling private key: %w", err)
	}
	return der, nil
}

// Public is the half that verifies.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// Sign returns the signature of a signing input as it goes into a token.
//
// ECDSA nonces of crypto/ecdsa are hedged: drawn from an HMAC-DRBG seeded with
// fresh randomness, the private key and the digest, so that neither a broken
// random source nor a fault in a deterministic scheme gives the key away
// (draft-irtf-cfrg-det-sigs-with-noise §4; since Go 1.24). A KMS does as it does.
func (k *PrivateKey) Sign(signingInput []byte) ([]byte, error) {
	message := signingInput
	if k.public.alg.hash() != 0 {
		digest := sha256.Sum256(signingInput)
		message = digest[:]
	}
	signature, err := k.signer.Sign(rand.Reader, message, k.opts)
	if err == nil && k.public.alg == ES256 {
		signature, err = rawSignature(signature)
	}
	if err == nil && len(signature) == 0 {
		err = errors.New("signer returned nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return signature, nil
}

// Format prints the kid and nothing else, whatever the verb: a key that ends up
// in a log line must not be in it.
func (k *PrivateKey) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "jose.PrivateKey(%s)", k.public.kid)
}
