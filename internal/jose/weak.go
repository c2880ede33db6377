package jose

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"math/big"
)

// RSA moduli in bits: the least that RFC 7518 §3.3 and §3.5 allow, and the most
// that anybody may make us compute with.
const (
	minRSA = 2048
	maxRSA = 8192
)

func checkRSA(key *rsa.PublicKey) error {
	bits := key.N.BitLen()
	if bits < minRSA || bits > maxRSA || key.N.Bit(0) == 0 {
		return fmt.Errorf("%w: RSA modulus", ErrKey)
	}
	// FIPS 186-5 §5.1 asks for an odd exponent; crypto/rsa for one below 2^31.
	if key.E < 3 || key.E&1 == 0 || key.E > 1<<31-1 {
		return fmt.Errorf("%w: RSA exponent", ErrKey)
	}
	if hasROCAFingerprint(key.N) {
		return fmt.Errorf("%w: RSA modulus can be factored (CVE-2017-15361)", ErrKey)
	}
	return nil
}

// hasROCAFingerprint tells moduli made by the Infineon library, whose primes
// are powers of 65537 modulo the product of the small primes, and so is N
// modulo each of them (Nemec et al., "The Return of Coppersmith's Attack", CCS
// 2017, §3.1). Some other modulus passes for one once in about 2^27.
func hasROCAFingerprint(n *big.Int) bool {
	remainder := new(big.Int)
	for p := int64(3); p <= 167; p += 2 {
		if !big.NewInt(p).ProbablyPrime(0) {
			continue
		}
		r := remainder.Mod(n, big.NewInt(p)).Int64()
		if !isPowerOf65537(r, p) {
			return false
		}
	}
	return true
}

func isPowerOf65537(r, p int64) bool {
	power := int64(1)
	for range p - 1 {
		if power == r {
			return true
		}
		power = power * 65537 % p
	}
	return false
}

// checkEd25519 refuses keys of small order: whoever registers one has signatures
// that fit many messages (RFC 8725 §3.4; RFC 8032 §5.1.7 leaves it open). Five
// y coordinates have such points; the sign bit does not matter. Encodings of
// y >= p are refused with them.
func checkEd25519(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: length of an Ed25519 key", ErrKey)
	}
	var y [ed25519.PublicKeySize]byte // big-endian, without the sign
	for i, b := range key {
		y[len(y)-1-i] = b
	}
	y[0] &= 0x7f
	switch hex.EncodeToString(y[:]) {
	case "0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000001",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
		"05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
		"7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7":
		return fmt.Errorf("%w: Ed25519 key of small order", ErrKey)
	}
	prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	if new(big.Int).SetBytes(y[:]).Cmp(prime) >= 0 {
		return fmt.Errorf("%w: Ed25519 key not in its canonical form", ErrKey)
	}
	return nil
}
