package secret

import (
	"crypto/hmac"
	"crypto/sha256"
)

// AnswerKey keeps answers that are given again to whoever repeats a request with the
// key that they chose for it (an Idempotency-Key). What it seals opens only with that
// key too, of which nothing but a hash is stored: neither the database nor whoever
// holds this key reads an answer without it.
type AnswerKey [32]byte

// Name is what an answer is stored by: a hash of who asked and of the key that they
// chose, which tells neither.
func (k AnswerKey) Name(owner, chosen string) []byte { return k.derive("name", owner, chosen) }

// Seal encrypts an answer with AES-256-GCM so that it opens only for the same owner,
// chosen key and request. The nonce is drawn at random for every call and stands
// before the ciphertext.
func (k AnswerKey) Seal(owner, chosen, request string, nonce [12]byte, answer []byte) []byte {
	aead := newAEAD([32]byte(k.derive("seal", owner, chosen)))
	return aead.Seal(nonce[:], nonce[:], answer, []byte(request))
}

// Open is the inverse of Seal, or ErrUnsealing: mostly because the request is
// another.
func (k AnswerKey) Open(owner, chosen, request string, sealed []byte) ([]byte, error) {
	if len(sealed) < nonceSize {
		return nil, ErrUnsealing
	}
	aead := newAEAD([32]byte(k.derive("seal", owner, chosen)))
	answer, err := aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], []byte(request))
	if err != nil {
		return nil, ErrUnsealing
	}
	return answer, nil
}

func (k AnswerKey) derive(purpose, owner, chosen string) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(purpose + "\x00" + owner + "\x00" + chosen)) // an owner has no zero byte
	return mac.Sum(nil)
}
