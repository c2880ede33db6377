package mint

import (
	"errors"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// The types of what the revocation feed signs (docs/reference/revocation-feed.md).
// No token has one of them, and no token is signed with a key of the feed.
const (
	typeHead     = "revhead+jwt"
	typeSnapshot = "revsnap+jwt"
)

// FeedJWKS is the key set of the revocation feed, as bytes made once.
func (r *Ring) FeedJWKS() []byte { return r.feed.jwks }

// SignHead signs the payload of a head of the revocation log.
func (r *Ring) SignHead(payload []byte) (string, error) { return r.signFeed(typeHead, payload) }

// SignSnapshot signs the payload that vouches for a snapshot of the feed.
func (r *Ring) SignSnapshot(payload []byte) (string, error) { return r.signFeed(typeSnapshot, payload) }

// VerifyHead gives the payload of a head that one of the feed's published keys has
// signed. A key that was compromised is none of them.
func (r *Ring) VerifyHead(head string) ([]byte, error) {
	parsed, err := jose.Parse(head)
	if err != nil {
		return nil, err
	}
	if !parsed.Header().HasType(typeHead) {
		return nil, errOtherType
	}
	payload, err := parsed.Verify(r.feed.published, jose.ES256)
	return []byte(payload), err
}

var errOtherType = errors.New("it is no head of the revocation log")

func (r *Ring) signFeed(typ string, payload []byte) (string, error) {
	if r.feed.signer == nil {
		return "", fmt.Errorf("signing %s: %w", typ, ErrNoKey)
	}
	return jose.Sign(r.feed.signer, typ, payload)
}
