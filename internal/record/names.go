package record

import "github.com/mintmark-id/mintmark/internal/revocation"

// TokenNames are the names by which one log knows all that an access token hangs
// from. What the token has none of is zero.
type TokenNames struct {
	key      revocation.FeedKey
	All      uint64
	JTI      uint64
	SID      uint64
	GID      uint64
	KID      uint64
	Sub      uint64 // of a user
	Client   uint64
	Consent  uint64
	Audience []uint64
}

// Names names what an access token hangs from, and remembers it: to make nine
// names takes longer than everything else that is done with a token seen before.
func (t *VerifiedToken) Names(key revocation.FeedKey) *TokenNames {
	if n := t.names.Load(); n != nil && n.key == key {
		return n
	}
	one := func(value string, target func(string) revocation.Target) uint64 {
		if value == "" {
			return 0
		}
		return key.Name(target(value))
	}
	n := &TokenNames{
		key: key, All: key.Name(revocation.ForAll()),
		JTI: one(t.JTI, revocation.ForJTI), SID: one(t.SID, revocation.ForSID), GID: one(t.GID, revocation.ForGID),
		KID: one(t.KID, revocation.ForKID), Client: one(t.ClientID, revocation.ForClient),
		Sub: one(t.UserID(), revocation.ForSub),
	}
	if n.Sub != 0 {
		n.Consent = key.Name(revocation.ForConsent(t.Subject, t.ClientID))
	}
	for _, aud := range t.Audience {
		n.Audience = append(n.Audience, key.Name(revocation.ForAud(aud)))
	}
	t.names.Store(n)
	return n
}

// UserID is the user above an access token; empty for client_credentials, whose
// subject is the client itself.
func (t *VerifiedToken) UserID() string {
	if t.Subject == t.ClientID {
		return ""
	}
	return t.Subject
}
