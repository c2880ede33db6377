package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrOtherKEK is returned for what was sealed under another key-encryption key.
	ErrOtherKEK = errors.New("sealed under another key-encryption key")
	// ErrUnsealing is returned for what was altered, cut or sealed for another purpose.
	ErrUnsealing = errors.New("sealed value is damaged or for another purpose")
)

// KEK is the key-encryption key: private keys and roots are stored only sealed
// under it.
type KEK [32]byte

const (
	sealVersion    = 1
	kekIDSize      = 8
	nonceSize      = 12
	sealHeaderSize = 1 + kekIDSize
)

// ParseKEK reads a key file: 32 raw bytes, or their base64 (either alphabet, with
// or without padding) or hex. 32 printable characters are refused: they are a
// shorter key in text that someone took for a long one.
func ParseKEK(text []byte) (KEK, error) {
	if len(text) == len(KEK{}) {
		if bytes.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
			return KEK{}, errors.New("reading key-encryption key: 32 printable characters hold less than 32 bytes; write 64 hex digits or the base64 of 32 bytes")
		}
		return KEK(text), nil
	}
	trimmed := strings.TrimSpace(string(text))
	raw, err := hex.DecodeString(trimmed)
	if err != nil {
		standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(trimmed, "="))
		raw, err = base64.RawStdEncoding.Strict().DecodeString(standard)
	}
	if err != nil || len(raw) != len(KEK{}) {
		return KEK{}, errors.New("reading key-encryption key: want 32 bytes, raw, in hex or in base64")
	}
	return KEK(raw), nil
}

// Text returns the key in base64url, as key files hold it.
func (k KEK) Text() string { return encoding.EncodeToString(k[:]) }

// ID returns a fingerprint of the key, 11 characters, from which the key cannot
// be computed: two keys can be told apart in a log.
func (k KEK) ID() string {
	id := k.id()
	return encoding.EncodeToString(id[:])
}

func (k KEK) id() [kekIDSize]byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("mintmark key-encryption key"))
	return [kekIDSize]byte(mac.Sum(nil))
}

// Seal encrypts plain with AES-256-GCM so that it opens only under this key and
// for this purpose (name the row: "signing key <kid>"), which is authenticated
// but not stored. The nonce is drawn at random for every call. The result is a
// version byte, the key's fingerprint, the nonce and the ciphertext with its tag.
func (k KEK) Seal(purpose string, nonce [12]byte, plain []byte) []byte {
	id := k.id()
	sealed := append([]byte{sealVersion}, id[:]...)
	context := append(bytes.Clone(sealed), purpose...)
	sealed = append(sealed, nonce[:]...)
	return newAEAD(k).Seal(sealed, nonce[:], plain, context)
}

// Open is the inverse of Seal: ErrOtherKEK (wrapped, with both fingerprints) for
// the wrong key, ErrUnsealing for everything else.
func (k KEK) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHeaderSize+nonceSize || sealed[0] != sealVersion {
		return nil, ErrUnsealing
	}
	header, rest := sealed[:sealHeaderSize], sealed[sealHeaderSize:]
	if id := k.id(); !bytes.Equal(header[1:], id[:]) {
		return nil, fmt.Errorf("%w: %s, this one is %s", ErrOtherKEK, encoding.EncodeToString(header[1:]), k.ID())
	}
	context := append(bytes.Clone(header), purpose...)
	plain, err := newAEAD(k).Open(nil, rest[:nonceSize], rest[nonceSize:], context)
	if err != nil {
		return nil, ErrUnsealing
	}
	return plain, nil
}

// newAEAD returns AES-256-GCM under the key.
func newAEAD(key [32]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are an AES key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size GCM wants
	}
	return aead
}
