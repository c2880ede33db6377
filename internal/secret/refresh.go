package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
	"sync"
)

var (
	// ErrNotRefreshToken is returned for text that no server of ours ever gave
	// out: wrong prefix, length, alphabet or checksum.
	ErrNotRefreshToken = errors.New("not a refresh token")
	// ErrForged is returned for a well-formed token whose tag is not ours, or
	// whose root this server does not hold (any more).
	ErrForged = errors.New("token not made by this server")
)

// A refresh token is mrt_ and the base64url of
// key_id u32 || gid 16 || generation u64 || tag 16 || crc32 of all before it,
// integers big-endian, crc32 with the IEEE polynomial.
const (
	claimSize       = 4 + rawIDSize + 8
	tagSize         = 16
	checkedSize     = claimSize + tagSize
	rawRefreshSize  = checkedSize + crc32.Size
	textRefreshSize = 64
)

// Root is a secret from which refresh tokens are derived, or under which opaque
// access tokens are sealed; never both.
type Root struct {
	KeyID uint32
	Key   [32]byte
}

// Roots are the roots a server holds: the one with the largest KeyID derives new
// tokens, all of them open old ones. Immutable and safe for concurrent use.
type Roots struct {
	newest uint32
	tags   map[uint32]*sync.Pool // of hash.Hash: HMAC-SHA-256 ready under the root of that KeyID
}

// NewRoots checks that there is a root, that no two share a KeyID and that none
// was left empty.
func NewRoots(roots []Root) (*Roots, error) {
	newest, err := newestOf(roots)
	if err != nil {
		return nil, err
	}
	r := &Roots{newest: newest, tags: make(map[uint32]*sync.Pool, len(roots))}
	for _, root := range roots {
		r.tags[root.KeyID] = &sync.Pool{New: func() any { return hmac.New(sha256.New, root.Key[:]) }}
	}
	return r, nil
}

// newestOf gives the largest KeyID of roots that are in order.
func newestOf(roots []Root) (newest uint32, err error) {
	if len(roots) == 0 {
		return 0, errors.New("loading roots: there is none")
	}
	for i, root := range roots {
		if slices.ContainsFunc(roots[:i], func(r Root) bool { return r.KeyID == root.KeyID }) {
			return 0, fmt.Errorf("loading roots: two have the key id %d", root.KeyID)
		}
		if root.Key == ([32]byte{}) {
			return 0, fmt.Errorf("loading roots: root %d is empty", root.KeyID)
		}
		newest = max(newest, root.KeyID)
	}
	return newest, nil
}

// Refresh is what a refresh token says: which grant, and which of the tokens
// that grant has had, counted from 0.
type Refresh struct {
	GID        string
	Generation int64
}

// Derive returns the refresh token of a grant's generation; always the same one
// as long as the newest root stays. The error says that gid is no generated
// identifier or the generation is negative.
func (r *Roots) Derive(gid string, generation int64) (string, error) {
	rawGID, err := RawID(gid)
	if err != nil {
		return "", fmt.Errorf("deriving refresh token: %w", err)
	}
	if generation < 0 {
		return "", fmt.Errorf("deriving refresh token: generation %d", generation)
	}
	raw := make([]byte, 0, rawRefreshSize)
	raw = binary.BigEndian.AppendUint32(raw, r.newest)
	raw = append(raw, rawGID[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(generation))
	raw = r.appendTag(raw, r.newest, raw)
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	return string(encoding.AppendEncode([]byte(PrefixRefresh), raw)), nil
}

// Open says what a refresh token claims, if this server made it. Junk
// (ErrNotRefreshToken) falls to the checksum, a forgery (ErrForged) to the tag,
// both without a look at the database.
func (r *Roots) Open(token string) (Refresh, error) {
	var raw [rawRefreshSize]byte
	if !decodeRefresh(token, &raw) {
		return Refresh{}, ErrNotRefreshToken
	}
	keyID := binary.BigEndian.Uint32(raw[:])
	if r.tags[keyID] == nil || subtle.ConstantTimeCompare(r.appendTag(nil, keyID, raw[:claimSize]), raw[claimSize:checkedSize]) != 1 {
		return Refresh{}, ErrForged
	}
	return claimOf(&raw), nil // Derive takes no negative generation, and the tag holds
}

// UnverifiedRefresh is what a refresh token says that anybody may have written.
type UnverifiedRefresh struct {
	Refresh
	KeyID uint32
}

// ReadRefresh reads a refresh token without the roots, for showing it to people:
// nothing of it is proven. The error is ErrNotRefreshToken.
func ReadRefresh(token string) (UnverifiedRefresh, error) {
	var raw [rawRefreshSize]byte
	if !decodeRefresh(token, &raw) {
		return UnverifiedRefresh{}, ErrNotRefreshToken
	}
	return UnverifiedRefresh{Refresh: claimOf(&raw), KeyID: binary.BigEndian.Uint32(raw[:])}, nil
}

// decodeRefresh reports whether the text has a refresh token's form and checksum.
func decodeRefresh(token string, raw *[rawRefreshSize]byte) bool {
	if len(token) != len(PrefixRefresh)+textRefreshSize || token[:len(PrefixRefresh)] != PrefixRefresh {
		return false
	}
	var text [textRefreshSize]byte
	copy(text[:], token[len(PrefixRefresh):])
	if n, err := encoding.Decode(raw[:], text[:]); err != nil || n != rawRefreshSize {
		return false
	}
	return binary.BigEndian.Uint32(raw[checkedSize:]) == crc32.ChecksumIEEE(raw[:checkedSize])
}

func claimOf(raw *[rawRefreshSize]byte) Refresh {
	return Refresh{
		GID:        encoding.EncodeToString(raw[4 : 4+rawIDSize]),
		Generation: int64(binary.BigEndian.Uint64(raw[4+rawIDSize:])),
	}
}

// appendTag appends the proof that whoever wrote the claim holds the root:
// HMAC-SHA-256 cut to 16 bytes (RFC 2104 §5 allows a cut to half of the hash).
func (r *Roots) appendTag(dst []byte, keyID uint32, claim []byte) []byte {
	pool := r.tags[keyID]
	mac, _ := pool.Get().(hash.Hash) // the pool makes nothing else
	defer pool.Put(mac)
	mac.Reset()
	mac.Write(claim)
	return mac.Sum(dst)[:len(dst)+tagSize]
}
