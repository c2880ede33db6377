package jose

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// maxKeys bounds the keys of one set, and so the search among them.
const maxKeys = 64

// KeySet is the keys of one party, for [Compact.Verify] to choose from and for
// a JWKS document to list.
type KeySet []*PublicKey

// MarshalJSON writes the set as a JWK Set (RFC 7517 §5).
func (s KeySet) MarshalJSON() ([]byte, error) {
	keys := []*PublicKey(s)
	if keys == nil {
		keys = []*PublicKey{} // an empty array, not null
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("marshalling key set: %w", err)
	}
	w := BeginObject(nil)
	w.Raw("keys", list)
	return w.End(), nil
}

// ParseKeySet reads a JWK Set. Keys of a kind, algorithm, curve or use that is
// not ours are left out (RFC 7517 §5). A private member anywhere, a broken or
// weak key among ours, a kid that occurs twice or more than 64 keys refuse the
// whole set: whoever publishes that has lost hold of it.
func ParseKeySet(data []byte) (KeySet, error) {
	set, err := parseKeySet(data)
	if err != nil {
		return nil, fmt.Errorf("parsing key set: %w", err)
	}
	return set, nil
}

func parseKeySet(data []byte) (KeySet, error) {
	o, err := DecodeObject(data)
	if err != nil {
		return nil, err
	}
	keys, err := o.objects("keys")
	if err != nil {
		return nil, err
	}
	if len(keys) > maxKeys {
		return nil, errors.New("too many keys")
	}
	set := KeySet{}
	for _, jwk := range keys {
		key, err := parseJWK(jwk)
		if errors.Is(err, ErrUnsupported) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, err := set.find(key.kid); key.kid != "" && err == nil {
			return nil, errors.New("duplicate kid")
		}
		set = append(set, key)
	}
	return set, nil
}

// Assume gives the set with those RSA keys bound to alg whose JWK named no
// algorithm, and which were therefore taken for RS256: their owner has said
// elsewhere what they are for. Every other key stays what it says it is.
func (s KeySet) Assume(alg Algorithm) KeySet {
	bound := make(KeySet, len(s))
	for i, key := range s {
		bound[i] = key
		if _, isRSA := key.key.(*rsa.PublicKey); isRSA && key.assumed && (alg == RS256 || alg == PS256) {
			bound[i] = &PublicKey{alg: alg, kid: key.kid, key: key.key, x5c: key.x5c}
		}
	}
	return bound
}

// Holds reports whether the set has the key that a header asks for.
func (s KeySet) Holds(kid string) bool {
	_, err := s.find(kid)
	return err == nil
}

// Certifies reports whether a certificate is that of a key of the set.
func (s KeySet) Certifies(leaf *x509.Certificate) bool {
	return slices.ContainsFunc(s, func(key *PublicKey) bool { return key.Certifies(leaf) })
}

// find chooses the key a header asks for: the one of that kid, or the only one
// of the set where the header names none (OIDC Core §10.1). Two keys of one kid
// are none.
func (s KeySet) find(kid string) (*PublicKey, error) {
	if kid == "" && len(s) == 1 {
		return s[0], nil
	}
	var found *PublicKey
	for _, key := range s {
		if kid == "" || key.kid != kid {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: ambiguous kid", ErrUnknownKey)
		}
		found = key
	}
	if found == nil {
		return nil, ErrUnknownKey
	}
	return found, nil
}
