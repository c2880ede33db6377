package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrNotAccessToken is returned for text that no server of ours ever gave out as
// an opaque access token: wrong prefix, length, alphabet or checksum.
var ErrNotAccessToken = errors.New("not an opaque access token")

// An opaque access token is mat_ and the base64url of
// key_id u32 || salt 16 || ciphertext || tag 16 || crc32 of all before it,
// integers big-endian, crc32 with the IEEE polynomial. It is AES-256-GCM under a
// key of the token's own, HMAC-SHA-256(root, accessLabel || salt), and so with a
// nonce of zeros: random nonces under one key would run into the bound of 2^32
// messages (NIST SP 800-38D §8.3), which a busy server passes in days. The
// authenticated data is prefix || key_id || issuer.
const (
	accessLabel      = "mintmark opaque access token\x00"
	accessSaltSize   = 16
	accessHeaderSize = 4 + accessSaltSize
	accessOverhead   = accessHeaderSize + gcmTagSize + crc32.Size
	// maxAccessSize is the longest text that is looked at.
	maxAccessSize = 16 << 10
)

// AccessRoots are the roots under which a server seals opaque access tokens: the
// one with the largest KeyID seals, all of them open. Immutable and safe for
// concurrent use.
type AccessRoots struct {
	newest uint32
	keys   map[uint32][32]byte
}

// NewAccessRoots checks what NewRoots checks.
func NewAccessRoots(roots []Root) (*AccessRoots, error) {
	newest, err := newestOf(roots)
	if err != nil {
		return nil, err
	}
	r := &AccessRoots{newest: newest, keys: make(map[uint32][32]byte, len(roots))}
	for _, root := range roots {
		r.keys[root.KeyID] = root.Key
	}
	return r, nil
}

// Seal returns the token that holds the claims, for this issuer alone. The salt is
// drawn at random for every call. The error says that the claims are too long.
func (r *AccessRoots) Seal(issuer string, salt [16]byte, claims []byte) (string, error) {
	size := accessOverhead + len(claims)
	if len(PrefixAccess)+encoding.EncodedLen(size) > maxAccessSize {
		return "", errors.New("sealing access token: the claims are too long for a token")
	}
	raw := make([]byte, 0, size)
	raw = binary.BigEndian.AppendUint32(raw, r.newest)
	raw = append(raw, salt[:]...)
	aead, nonce := newAEAD(r.keyOf(r.newest, salt)), [nonceSize]byte{}
	raw = aead.Seal(raw, nonce[:], claims, accessContext(r.newest, issuer))
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	text := make([]byte, 0, len(PrefixAccess)+encoding.EncodedLen(len(raw)))
	return string(encoding.AppendEncode(append(text, PrefixAccess...), raw)), nil
}

// Open gives the claims of a token that this server sealed for this issuer, and
// the root that sealed it. Junk (ErrNotAccessToken) falls to the checksum,
// everything else (ErrForged) to the tag.
func (r *AccessRoots) Open(issuer, token string) (claims []byte, keyID uint32, err error) {
	raw, err := decodeAccess(token)
	if err != nil {
		return nil, 0, err
	}
	keyID = binary.BigEndian.Uint32(raw)
	if _, known := r.keys[keyID]; !known {
		return nil, 0, ErrForged
	}
	aead, nonce := newAEAD(r.keyOf(keyID, [accessSaltSize]byte(raw[4:]))), [nonceSize]byte{}
	claims, err = aead.Open(nil, nonce[:], raw[accessHeaderSize:len(raw)-crc32.Size], accessContext(keyID, issuer))
	if err != nil {
		return nil, 0, ErrForged
	}
	return claims, keyID, nil
}

// ReadAccess gives the root that an opaque access token says it is sealed under,
// for showing it to people: nothing of it is proven. The error is
// ErrNotAccessToken.
func ReadAccess(token string) (keyID uint32, err error) {
	raw, err := decodeAccess(token)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(raw), nil
}

// decodeAccess decodes what has an opaque access token's form and checksum.
func decodeAccess(token string) ([]byte, error) {
	if len(token) > maxAccessSize || len(token) < len(PrefixAccess) || token[:len(PrefixAccess)] != PrefixAccess {
		return nil, ErrNotAccessToken
	}
	text := token[len(PrefixAccess):]
	raw, err := encoding.DecodeString(text)
	if err != nil || encoding.EncodedLen(len(raw)) != len(text) || len(raw) < accessOverhead {
		return nil, ErrNotAccessToken
	}
	end := len(raw) - crc32.Size
	if binary.BigEndian.Uint32(raw[end:]) != crc32.ChecksumIEEE(raw[:end]) {
		return nil, ErrNotAccessToken
	}
	return raw, nil
}

func (r *AccessRoots) keyOf(keyID uint32, salt [accessSaltSize]byte) [32]byte {
	root := r.keys[keyID]
	mac := hmac.New(sha256.New, root[:])
	mac.Write([]byte(accessLabel))
	mac.Write(salt[:])
	return [32]byte(mac.Sum(nil))
}

func accessContext(keyID uint32, issuer string) []byte {
	context := binary.BigEndian.AppendUint32([]byte(PrefixAccess), keyID)
	return append(context, issuer...)
}
