package mint

import (
	"crypto/rand"
	"fmt"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Mint signs for one issuer with the keys of one moment.
type Mint struct {
	Issuer string
	Ring   *Ring
	Roots  *secret.Roots
	Sealed *secret.AccessRoots // of opaque access tokens
	Seen   *Seen               // access tokens that Ring has verified; nil: they are not remembered
}

// Sign makes the tokens of one answer. Nothing is open meanwhile, and nothing
// has been spent: a signer that fails costs the client a retry, not its code.
func (m *Mint) Sign(t *record.Tokens) (record.SignedTokens, error) {
	signed := record.SignedTokens{ExpiresIn: t.ExpiresIn, Scope: t.Scope}
	var err error
	if t.Access != nil {
		signed.GID = t.Access.GID
		if signed.Access, err = m.signAccess(t.Access); err != nil {
			return record.SignedTokens{}, fmt.Errorf("signing access token: %w", err)
		}
	}
	if t.ID != nil {
		if signed.ID, err = m.signID(t.ID, signed.Access); err != nil {
			return record.SignedTokens{}, fmt.Errorf("signing ID token: %w", err)
		}
	}
	if t.Refresh != nil {
		if signed.Refresh, err = m.Roots.Derive(t.Refresh.GID, t.Refresh.Generation); err != nil {
			return record.SignedTokens{}, err
		}
	}
	return signed, nil
}

func (m *Mint) signAccess(f *record.AccessFacts) (string, error) {
	if f.Opaque {
		return m.sealAccess(f)
	}
	profile, key, err := m.choose(f.Profile, f.Alg)
	if err != nil {
		return "", err
	}
	var room [1024]byte
	w := jose.BeginObject(room[:0])
	profile.access(&w, m.Issuer, f)
	return jose.Sign(key, profile.accessType, w.End())
}

// sealAccess makes an opaque access token: the same claims, which nobody reads but
// us. It needs no signing key.
func (m *Mint) sealAccess(f *record.AccessFacts) (string, error) {
	profile, ok := profiles[f.Profile]
	if !ok {
		return "", fmt.Errorf("no token profile %q", f.Profile)
	}
	var room [1024]byte
	w := jose.BeginObject(room[:0])
	profile.access(&w, m.Issuer, f)
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // crypto/rand.Read never fails
	return m.Sealed.Seal(m.Issuer, salt, w.End())
}

func (m *Mint) signID(f *record.IDFacts, access string) (string, error) {
	profile, key, err := m.choose(f.Profile, f.Alg)
	if err != nil {
		return "", err
	}
	var room [1024]byte
	w := jose.BeginObject(room[:0])
	profile.id(&w, m.Issuer, f)
	if access != "" {
		w.String("at_hash", jose.AtHash(access, key.Public().Algorithm()))
	}
	return jose.Sign(key, profile.idType, w.End())
}

// SignUserinfo signs the answer of userinfo: OpenID Connect Core §5.3.2, a JWT that
// "SHOULD contain the Claims iss (issuer) and aud (audience) as members". Without
// exp and iat it is no ID token to anybody.
func (m *Mint) SignUserinfo(alg, clientID string, claims []byte) (string, error) {
	_, key, err := m.choose(record.StandardProfile, alg)
	if err != nil {
		return "", fmt.Errorf("signing userinfo: %w", err)
	}
	var room [1024]byte
	w := jose.BeginObject(room[:0])
	w.String("iss", m.Issuer)
	w.String("aud", clientID)
	return jose.Sign(key, "JWT", append(append(w.Open(), ','), claims[1:]...))
}

func (m *Mint) choose(name record.TokenProfile, alg string) (profile, *jose.PrivateKey, error) {
	profile, ok := profiles[name]
	if !ok {
		return profile, nil, fmt.Errorf("no token profile %q", name)
	}
	key := m.Ring.signers[jose.Algorithm(alg)]
	if key == nil {
		return profile, nil, fmt.Errorf("%w: %s", ErrNoKey, alg)
	}
	return profile, key, nil
}
