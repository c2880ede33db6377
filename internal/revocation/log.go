package revocation

import (
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"hash"
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
// bytes, big-endian, of HMAC-SHA-256 over its encoding. It is written out (RFC 2104
// §2) because crypto/hmac allocates. Whoever names many targets asks for a [Namer].
func (k FeedKey) Name(t Target) uint64 {
	var room [sha256.BlockSize + 192]byte // longer targets take an allocation
	inner := k.padded(0x36)
	digest := sha256.Sum256(t.Append(append(room[:0], inner[:]...)))
	outer := k.padded(0x5c)
	digest = sha256.Sum256(append(append(room[:0], outer[:]...), digest[:]...))
	return binary.BigEndian.Uint64(digest[:])
}

// padded is the first block of one of HMAC's two hashes.
func (k FeedKey) padded(with byte) (block [sha256.BlockSize]byte) {
	copy(block[:], k[:])
	for i := range block {
		block[i] ^= with
	}
	return block
}

// Namer names targets under one key. A verifier computes five names and more for
// each new token: half of the work, the padded key's, they have in common.
type Namer struct {
	inner, outer []byte // the states of HMAC's two hashes once they have read the key
}

// Namer makes what all names under the key have in common.
func (k FeedKey) Namer() Namer {
	return Namer{inner: stateAfter(k.padded(0x36)), outer: stateAfter(k.padded(0x5c))}
}

func stateAfter(block [sha256.BlockSize]byte) []byte {
	hash := newDigest()
	hash.Write(block[:])
	state, err := hash.MarshalBinary()
	if err != nil {
		panic("revocation: SHA-256 has no state: " + err.Error())
	}
	return state
}

// digest is SHA-256 as the standard library has it: its state can be kept and taken
// up again.
type digest interface {
	hash.Hash
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

func newDigest() digest { return sha256.New().(digest) } //nolint:forcetypeassert,errcheck // crypto/sha256 promises it

// Append appends the targets' names to a list, each as [FeedKey.Name] gives it.
func (n Namer) Append(names []uint64, targets ...Target) []uint64 {
	room := struct {
		text [192]byte // longer targets take an allocation
		sum  [sha256.Size]byte
	}{}
	hash := newDigest()
	for _, t := range targets {
		resume(hash, n.inner)
		hash.Write(t.Append(room.text[:0]))
		inner := hash.Sum(room.sum[:0])
		resume(hash, n.outer)
		hash.Write(inner)
		names = append(names, binary.BigEndian.Uint64(hash.Sum(room.sum[:0])))
	}
	return names
}

// resume takes up a state. A name that was made without it would let the dead pass.
func resume(hash digest, state []byte) {
	if err := hash.UnmarshalBinary(state); err != nil {
		panic("revocation: SHA-256 does not take up its own state: " + err.Error())
	}
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
