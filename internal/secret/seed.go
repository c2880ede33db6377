// Package secret holds the formats of everything whose possession grants
// something: identifiers, client secrets, refresh tokens, sealed keys, reference
// codes and passwords. It is pure: randomness comes in as a Seed or a nonce, the
// time as an argument.
package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
)

// Seed is the randomness of one attempt at an operation, drawn once from the
// system. Everything random that the attempt makes is derived from it, so that a
// decision is a function of its arguments. A Seed is used for one attempt only:
// the same seed and label give the same bytes.
type Seed [32]byte

// Bytes returns n bytes that are unpredictable to whoever does not hold the seed
// and independent of the bytes under any other label: the blocks
// HMAC-SHA-256(seed, label || counter u32), counted from 0.
func (s Seed) Bytes(label string, n int) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for counter := uint32(0); len(out) < n; counter++ {
		mac := hmac.New(sha256.New, s[:])
		mac.Write(binary.BigEndian.AppendUint32([]byte(label), counter))
		out = mac.Sum(out)
	}
	return out[:n]
}

// ID returns a generated identifier (sub, sid, gid, jti, client_id): 16 bytes in
// base64url, 22 characters.
func (s Seed) ID(label string) string {
	return base64.RawURLEncoding.EncodeToString(s.Bytes(label, rawIDSize))
}

// TimedID returns a generated identifier of which the first 4 bytes are the second
// in which it was made, from a clock in Unix milliseconds, and 12 are random. Rows
// that are made together then lie together in every index that has their id, which
// a table of millions with random ids pays for with a page of its own for each.
func (s Seed) TimedID(label string, now int64) string {
	id := binary.BigEndian.AppendUint32(make([]byte, 0, rawIDSize), uint32(now/1000))
	return base64.RawURLEncoding.EncodeToString(append(id, s.Bytes(label, rawIDSize-len(id))...))
}

// Uint32n returns a number in [0, n), and 0 for n = 0. Its bias is below 2^-32.
func (s Seed) Uint32n(label string, n uint32) uint32 {
	hi, _ := bits.Mul64(binary.BigEndian.Uint64(s.Bytes(label, 8)), uint64(n))
	return uint32(hi) // hi < n
}
