package mint

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// ErrNoKey means that no key of the wanted algorithm may sign now.
var ErrNoKey = errors.New("no active signing key of this algorithm")

// The algorithms that a signing key of ours can have.
const (
	ES256   = string(jose.ES256)
	RS256   = string(jose.RS256)
	PS256   = string(jose.PS256)
	Ed25519 = string(jose.Ed25519)
)

// Ring is the signing keys of one moment, parsed once and held in memory. It
// never changes; a rotation makes a new one.
type Ring struct {
	signers   map[jose.Algorithm]*jose.PrivateKey
	published jose.KeySet // in the JWKS: what verifies at a resource server
	known     jose.KeySet // published, and retired keys that old ID token hints need
	statuses  map[string]record.KeyStatus
	jwks      []byte
	feed      feedKeys
}

// feedKeys sign the revocation feed, and nothing else.
type feedKeys struct {
	signer    *jose.PrivateKey
	published jose.KeySet
	jwks      []byte
}

// sealPurpose binds a sealed private key to its kid, so that rows cannot be
// swapped.
func sealPurpose(kid string) string { return "signing key " + kid }

// NewKey makes a signing key and its row, sealed under the key-encryption key.
// nonce is fresh randomness.
func NewKey(alg string, kek secret.KEK, nonce [12]byte) (record.SigningKey, error) {
	key, err := jose.Generate(jose.Algorithm(alg))
	if err != nil {
		return record.SigningKey{}, fmt.Errorf("generating %s key: %w", alg, err)
	}
	private, err := key.Marshal()
	if err != nil {
		return record.SigningKey{}, fmt.Errorf("marshalling %s key: %w", alg, err)
	}
	public, err := json.Marshal(key.Public())
	if err != nil {
		return record.SigningKey{}, fmt.Errorf("marshalling %s key: %w", alg, err)
	}
	kid := key.Public().Kid()
	return record.SigningKey{
		KID:       kid,
		Alg:       alg,
		Use:       record.KeyUseTokens,
		Status:    record.KeyNext,
		PublicJWK: public,
		Sealed:    kek.Seal(sealPurpose(kid), nonce, private),
	}, nil
}

// NewRing opens the keys of a moment. A key that cannot be opened is an error
// that names it: a wrong key-encryption key must not look like an empty ring.
func NewRing(keys []record.SigningKey, kek secret.KEK, now int64) (*Ring, error) {
	ring := &Ring{
		signers:  map[jose.Algorithm]*jose.PrivateKey{},
		statuses: map[string]record.KeyStatus{},
	}
	for _, row := range keys {
		if err := ring.add(row, kek, now); err != nil {
			return nil, fmt.Errorf("opening signing key %s: %w", row.KID, err)
		}
	}
	jwks, err := json.Marshal(ring.published)
	if err != nil {
		return nil, fmt.Errorf("publishing keys: %w", err)
	}
	ring.jwks = jwks
	if ring.feed.jwks, err = json.Marshal(ring.feed.published); err != nil {
		return nil, fmt.Errorf("publishing keys of the feed: %w", err)
	}
	return ring, nil
}

func (r *Ring) add(row record.SigningKey, kek secret.KEK, now int64) error {
	r.statuses[row.KID] = row.Status
	if row.Status == record.KeyCompromised {
		return nil // withdrawn: it neither signs, nor verifies, nor is published
	}
	public, err := jose.ParseJWK(row.PublicJWK)
	if err != nil {
		return err
	}
	published := row.Status != record.KeyRetired || now < row.PublishedUntil
	switch {
	case row.Use == record.KeyUseFeed && published:
		r.feed.published = append(r.feed.published, public)
	case row.Use == record.KeyUseTokens && published:
		r.published = append(r.published, public)
	}
	if row.Use == record.KeyUseTokens {
		r.known = append(r.known, public)
	}
	if row.Status != record.KeyActive {
		return nil
	}
	plain, err := kek.Open(sealPurpose(row.KID), row.Sealed)
	if err != nil {
		return err
	}
	private, err := jose.ParsePrivateKey(jose.Algorithm(row.Alg), plain)
	if err != nil {
		return err
	}
	if row.Use == record.KeyUseFeed {
		r.feed.signer = private
	} else {
		r.signers[private.Public().Algorithm()] = private
	}
	return nil
}

// JWKS is the document that resource servers verify with (RFC 7517 §5), as
// bytes made once.
func (r *Ring) JWKS() []byte { return r.jwks }

// Status says where a key is in its life; "" for a key that we do not have.
func (r *Ring) Status(kid string) record.KeyStatus { return r.statuses[kid] }

// Signs reports whether an active key of the algorithm is in the ring.
func (r *Ring) Signs(alg string) bool { return r.signers[jose.Algorithm(alg)] != nil }
