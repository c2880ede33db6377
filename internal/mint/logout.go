package mint

import (
	"fmt"

	"github.com/mintmark-id/mintmark/internal/jose"
)

const (
	typeLogout = "logout+jwt" // OpenID Connect Back-Channel Logout 1.0 §2.4; no other token of ours has it

	// eventLogout says that it is a logout token (§2.4).
	eventLogout = "http://schemas.openid.net/event/backchannel-logout"
)

// LogoutFacts is everything that a logout token says. Times are Unix seconds.
type LogoutFacts struct {
	Alg       string // that of the client's ID tokens (§2.6)
	Subject   string // the sub of the client's ID tokens
	ClientID  string
	SID       string
	JTI       string
	IssuedAt  int64
	ExpiresAt int64
}

// SignLogout makes a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
// It has no nonce, so that it cannot pass for an ID token.
func (m *Mint) SignLogout(f *LogoutFacts) (string, error) {
	key := m.Ring.signers[jose.Algorithm(f.Alg)]
	if key == nil {
		return "", fmt.Errorf("signing a logout token: %w: %s", ErrNoKey, f.Alg)
	}
	var room [512]byte
	w := jose.BeginObject(room[:0])
	w.String("iss", m.Issuer)
	w.String("sub", f.Subject)
	w.String("aud", f.ClientID)
	w.Int("iat", f.IssuedAt)
	w.Int("exp", f.ExpiresAt)
	w.String("jti", f.JTI)
	w.String("sid", f.SID)
	w.Object("events")
	w.Object(eventLogout)
	w.End()
	w.End()
	return jose.Sign(key, typeLogout, w.End())
}
