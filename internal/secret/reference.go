package secret

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
)

// ErrNotReference is returned for text that is not a reference code of this server.
var ErrNotReference = errors.New("not a reference code of this server")

// Reference is what a refusal remembers of itself. It is handed, sealed, to
// whoever was refused, so that the server stores nothing; an operator opens it.
// Zero means absent.
type Reference struct {
	Reason   [3]byte  // ReasonID of the reason
	At       int64    // unix seconds
	Client   [8]byte  // first 8 bytes of SHA-256(client_id)
	GID      [16]byte // RawID of the grant
	KID      [8]byte  // raw bytes of the signing key's identifier
	Expected int64    // what should have been: a generation, a time, a cutoff
	Seen     int64    // what was
}

// ReferenceKey seals reference codes.
type ReferenceKey [32]byte

const (
	referencePrefix  = "r1."
	rawReferenceSize = 3 + 8 + 8 + 16 + 8 + 8 + 8
	gcmTagSize       = 16
)

// ReasonID shortens a reason's word to what a reference code has room for: the
// first 3 bytes of its SHA-256. The reasons are few and known; they do not collide.
func ReasonID(word string) [3]byte {
	sum := sha256.Sum256([]byte(word))
	return [3]byte(sum[:3])
}

// Seal returns the reference code: "r1." and the base64url of nonce, ciphertext
// and tag, AES-256-GCM with the prefix as additional data; 119 characters. The
// nonce is drawn at random for every call.
func (k ReferenceKey) Seal(r Reference, nonce [12]byte) string {
	plain := make([]byte, 0, rawReferenceSize)
	plain = append(plain, r.Reason[:]...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.At))
	plain = append(plain, r.Client[:]...)
	plain = append(plain, r.GID[:]...)
	plain = append(plain, r.KID[:]...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.Expected))
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.Seen))
	sealed := newAEAD(k).Seal(nonce[:], nonce[:], plain, []byte(referencePrefix))
	return referencePrefix + encoding.EncodeToString(sealed)
}

// Open is the inverse of Seal, or ErrNotReference.
func (k ReferenceKey) Open(code string) (Reference, error) {
	text, found := strings.CutPrefix(code, referencePrefix)
	if !found || len(text) != encoding.EncodedLen(nonceSize+rawReferenceSize+gcmTagSize) {
		return Reference{}, ErrNotReference
	}
	sealed, err := encoding.DecodeString(text)
	if err != nil || len(sealed) != nonceSize+rawReferenceSize+gcmTagSize {
		return Reference{}, ErrNotReference
	}
	plain, err := newAEAD(k).Open(nil, sealed[:nonceSize], sealed[nonceSize:], []byte(referencePrefix))
	if err != nil {
		return Reference{}, ErrNotReference
	}
	return Reference{
		Reason:   [3]byte(plain),
		At:       int64(binary.BigEndian.Uint64(plain[3:])),
		Client:   [8]byte(plain[11:]),
		GID:      [16]byte(plain[19:]),
		KID:      [8]byte(plain[35:]),
		Expected: int64(binary.BigEndian.Uint64(plain[43:])),
		Seen:     int64(binary.BigEndian.Uint64(plain[51:])),
	}, nil
}
