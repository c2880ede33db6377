package revocation

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
)

// Forever is the cutoff of what never comes back.
const Forever int64 = math.MaxInt64

// Dead is the one comparison that decides revocation: a token is dead if its rvs
// (the logical clock, in ms, up to which the state it vouches for was seen) lies
// before the largest cutoff of any of its targets. A token minted at the cutoff
// itself lives, so the next sign-in works in the same millisecond. What was cut
// for ever is dead whatever its rvs.
func Dead(rvs, cut int64) bool { return rvs < cut || cut == Forever }

// FeedKey hides targets on the feed: it is drawn with each log and handed to
// authorised readers, so that they can look up the tokens they see and learn
// nothing of others, and so that nobody can craft two targets with one name.
type FeedKey [32]byte

// Name returns the name under which the target travels on the feed: the first 8
// bytes, big-endian, of HMAC-SHA-256 over its encoding. Whoever names many targets
// asks for a [Namer] once.
func (k FeedKey) Name(t Target) uint64 {
	n := k.Namer()
	return n.Name(t)
}

// Namer names targets under one key.
type Namer struct {
	inner, outer [sha256.BlockSize]byte // the key, padded for HMAC's two hashes
}

// Namer makes what all names under the key have in common.
func (k FeedKey) Namer() Namer {
	var n Namer
	copy(n.inner[:], k[:])
	copy(n.outer[:], k[:])
	for i := range n.inner {
		n.inner[i] ^= 0x36
		n.outer[i] ^= 0x5c
	}
	return n
}

// Name is [FeedKey.Name]. HMAC is written out (RFC 2104 §2) because a verifier
// computes nine names for each new token and crypto/hmac allocates for each of them.
func (n *Namer) Name(t Target) uint64 {
	var inner [sha256.BlockSize + 192]byte // longer targets take an allocation
	digest := sha256.Sum256(t.Append(append(inner[:0], n.inner[:]...)))
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(outer[:], n.outer[:])
	copy(outer[sha256.BlockSize:], digest[:])
	digest = sha256.Sum256(outer[:])
	return binary.BigEndian.Uint64(digest[:])
}

// Entry is one revocation as the feed serves it.
type Entry struct {
	Seq   int64  // 1, 2, 3, ... without gaps within one log
	Name  uint64 // FeedKey.Name of the target
	Cut   int64  // logical clock in ms: every token with a smaller rvs is dead; Forever for good
	Until int64  // unix ms after which no token it could match is still unexpired
}

// Chain is the hash over a log from its first entry to some entry: two readers
// with the same chain have seen the same revocations in the same order. A log
// starts with the zero Chain.
type Chain [sha256.Size]byte

// Next returns the chain one entry later: SHA-256 over the previous hash and the
// entry's four numbers, each in 8 bytes, big-endian.
func (c Chain) Next(e Entry) Chain {
	b := make([]byte, 0, sha256.Size+4*8)
	b = append(b, c[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, e.Name)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Cut))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Until))
	return sha256.Sum256(b)
}

// LogID names one log: 96 random bits in base64url, new when a database is
// created or restored. Sequence numbers and clock readings of different logs
// are not comparable.
type LogID string

// NewLogID renders 12 random bytes as a LogID.
func NewLogID(random [12]byte) LogID {
	return LogID(base64.RawURLEncoding.EncodeToString(random[:]))
}
