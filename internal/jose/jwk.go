package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
)

// MarshalJSON writes the key as a public JWK (RFC 7517 §4).
func (p *PublicKey) MarshalJSON() ([]byte, error) {
	w := BeginObject(make([]byte, 0, 512))
	p.writeNumbers(&w)
	w.String("alg", string(p.alg))
	w.String("use", "sig")
	if p.kid != "" {
		w.String("kid", p.kid)
	}
	return w.End(), nil
}

// writeNumbers writes kty and the numbers, in the order in which RFC 7638 §3.3
// hashes them, and nothing else: there is no code here that could write a
// private member.
func (p *PublicKey) writeNumbers(w *Writer) {
	encode := base64.RawURLEncoding.EncodeToString
	switch key := p.key.(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4 || x || y
		if err != nil {
			panic("jose: a checked point is off its curve: " + err.Error())
		}
		w.String("crv", "P-256")
		w.String("kty", "EC")
		w.String("x", encode(point[1:1+intLen]))
		w.String("y", encode(point[1+intLen:]))
	case *rsa.PublicKey:
		w.String("e", encode(big.NewInt(int64(key.E)).Bytes()))
		w.String("kty", "RSA")
		w.String("n", encode(key.N.Bytes()))
	case ed25519.PublicKey:
		w.String("crv", "Ed25519")
		w.String("kty", "OKP")
		w.String("x", encode(key))
	}
}

// ParseJWK reads one public JWK strictly. A JWK without "alg" is taken for
// ES256, Ed25519 or, of kty RSA, RS256; one that names another algorithm, curve
// or use is refused with [ErrUnsupported], one with any private member with
// [ErrPrivateKey], and one whose numbers are wrong with [ErrKey].
func ParseJWK(data []byte) (*PublicKey, error) {
	o, err := DecodeObject(data)
	if err != nil {
		return nil, fmt.Errorf("parsing JWK: %w", err)
	}
	key, err := parseJWK(o)
	if err != nil {
		return nil, fmt.Errorf("parsing JWK: %w", err)
	}
	return key, nil
}

func parseJWK(o Object) (*PublicKey, error) {
	// RFC 7518 §6.2.2, §6.3.2, §6.4.1: a secret in a public place is known to
	// others, whatever the rest of the key says.
	for _, private := range [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if o.Has(private) {
			return nil, ErrPrivateKey
		}
	}
	if err := checkUse(o); err != nil {
		return nil, err
	}
	kid, err := optional(o, "kid")
	if err != nil {
		return nil, err
	}
	alg, key, err := readNumbers(o)
	if err != nil {
		return nil, err
	}
	named := o.Has("alg")
	if named {
		name, err := o.String("alg")
		if err != nil {
			return nil, err
		}
		alg = Algorithm(name).specified()
	}
	if err := checkKey(alg, key); err != nil {
		return nil, err
	}
	return &PublicKey{alg: alg, kid: kid, key: key, assumed: !named, x5c: ownCertificate(o)}, nil
}

// ownCertificate is the first of x5c (RFC 7517 §4.7). No signature is verified by
// it; one that cannot be read is no certificate's.
func ownCertificate(o Object) string {
	if !o.Has("x5c") {
		return ""
	}
	chain, err := o.Strings("x5c")
	if err != nil || len(chain) == 0 || chain[0] == "" {
		return "unreadable"
	}
	return chain[0]
}

// checkUse wants a key that is meant to verify signatures, as far as it says
// (RFC 7517 §4.2, §4.3; RFC 8725 §3.1).
func checkUse(o Object) error {
	use, err := optional(o, "use")
	if err != nil {
		return err
	}
	if o.Has("use") && use != "sig" {
		return fmt.Errorf("%w: use", ErrUnsupported)
	}
	if !o.Has("key_ops") {
		return nil
	}
	ops, err := o.Strings("key_ops")
	if err != nil {
		return err
	}
	if !slices.Contains(ops, "verify") {
		return fmt.Errorf("%w: key_ops", ErrUnsupported)
	}
	return nil
}

// readNumbers reads the key itself and the algorithm it has unless it says
// otherwise.
func readNumbers(o Object) (Algorithm, crypto.PublicKey, error) {
	kty, err := o.String("kty")
	if err != nil {
		return "", nil, err
	}
	crv, err := optional(o, "crv")
	if err != nil {
		return "", nil, err
	}
	switch {
	case kty == "EC" && crv == "P-256":
		key, err := readPoint(o)
		return ES256, key, err
	case kty == "RSA":
		key, err := readRSA(o)
		return RS256, key, err
	case kty == "OKP" && crv == "Ed25519":
		x, err := number(o, "x")
		return Ed25519, ed25519.PublicKey(x), err
	}
	return "", nil, fmt.Errorf("%w: kty or crv", ErrUnsupported)
}

func readPoint(o Object) (*ecdsa.PublicKey, error) {
	x, err := number(o, "x")
	if err != nil {
		return nil, err
	}
	y, err := number(o, "y")
	if err != nil {
		return nil, err
	}
	// RFC 7518 §6.2.1.2: the full size of a coordinate, zeros included.
	if len(x) != intLen || len(y) != intLen {
		return nil, fmt.Errorf("%w: length of a coordinate", ErrKey)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, fmt.Errorf("%w: point not on its curve", ErrKey)
	}
	return key, nil
}

func readRSA(o Object) (*rsa.PublicKey, error) {
	n, err := number(o, "n")
	if err != nil {
		return nil, err
	}
	e, err := number(o, "e")
	if err != nil {
		return nil, err
	}
	// RFC 7518 §6.3.1: no leading zeros.
	if len(n) == 0 || n[0] == 0 || len(n) > maxRSA/8 || len(e) == 0 || e[0] == 0 || len(e) > 4 {
		return nil, fmt.Errorf("%w: RSA numbers", ErrKey)
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, nil
}

// number reads a member that is base64url of bytes.
func number(o Object, name string) ([]byte, error) {
	s, err := o.String(name)
	if err != nil {
		return nil, err
	}
	data, err := decodeBase64(s)
	if err != nil {
		return nil, fmt.Errorf("%w: member %q: %w", ErrKey, name, err)
	}
	return data, nil
}

// optional reads a string that may be absent, but not of another type.
func optional(o Object, name string) (string, error) {
	if !o.Has(name) {
		return "", nil
	}
	return o.String(name)
}
