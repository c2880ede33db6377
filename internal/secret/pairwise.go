package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// PairwiseKey makes the subjects by which the clients of one sector know users, and
// no others do: OpenID Connect Core §8.1. An id of ours is one block of AES, so a
// subject is that block enciphered under a key of the sector: the same for ever,
// never that of two users, of the form of every id, and to us alone the user again.
type PairwiseKey [32]byte

// Subject is a user's sub in a sector. The user is named by an id of ours, 16
// bytes in base64url; anything else has no subject, which is "".
func (k PairwiseKey) Subject(sector, userID string) string {
	var block [aes.BlockSize]byte
	if !decodeID(block[:], userID) {
		return ""
	}
	k.of(sector).Encrypt(block[:], block[:])
	return base64.RawURLEncoding.EncodeToString(block[:])
}

// User is whose sub it is in a sector; "" if it is nobody's. That the user exists
// is not said: every block is somebody's.
func (k PairwiseKey) User(sector, sub string) string {
	var block [aes.BlockSize]byte
	if !decodeID(block[:], sub) {
		return ""
	}
	k.of(sector).Decrypt(block[:], block[:])
	return base64.RawURLEncoding.EncodeToString(block[:])
}

func (k PairwiseKey) of(sector string) cipher.Block {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("pairwise subject\x00" + sector))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("secret: 32 bytes are a key of AES") // unreachable
	}
	return block
}

func decodeID(into []byte, id string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil && copy(into, raw) == len(into) && len(raw) == len(into)
}
