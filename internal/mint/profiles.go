package mint

import (
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/record"
)

// profile is how a client's tokens look: the types in the header and the claims
// in the payload. Every access token, whatever its profile, carries sub,
// client_id, jti, rvs, and gid where there is a grant.
type profile struct {
	accessType string
	idType     string
	access     func(w *jose.Writer, issuer string, f *record.AccessFacts)
	id         func(w *jose.Writer, issuer string, f *record.IDFacts)
}

var profiles = map[record.TokenProfile]profile{
	record.StandardProfile: {
		accessType: "at+jwt", // RFC 9068 §2.1
		idType:     "JWT",
		access:     standardAccess,
		id:         standardID,
	},
}

// HasProfile reports whether a token profile exists.
func HasProfile(name record.TokenProfile) bool {
	_, ok := profiles[name]
	return ok
}

// standardAccess renders RFC 9068 §2.2, and beside it sid, gid and rvs, which
// make the token revocable.
func standardAccess(w *jose.Writer, issuer string, f *record.AccessFacts) {
	w.String("iss", issuer)
	w.String("sub", f.Subject)
	writeAudience(w, f.Audience)
	w.String("client_id", f.ClientID)
	w.Int("iat", f.IssuedAt)
	w.Int("exp", f.ExpiresAt)
	w.String("jti", f.JTI)
	if f.Scope != "" {
		w.String("scope", f.Scope)
	}
	writeAuthentication(w, f.AuthTime, f.ACR, f.AMR)
	if f.SID != "" {
		w.String("sid", f.SID)
	}
	if f.GID != "" {
		w.String("gid", f.GID)
	}
	w.Int("rvs", f.RVS)
	if f.X5T != "" {
		w.Raw("cnf", []byte(`{"x5t#S256":"`+f.X5T+`"}`)) // RFC 8705 §3.1; base64url needs no escapes
	}
	if len(f.Userinfo) > 0 {
		w.Strings("userinfo_claims", f.Userinfo)
	}
}

// standardID renders OpenID Connect Core §2. Claims about the user are there only
// where they were asked for by name (§5.5): the others belong to userinfo (§5.4).
func standardID(w *jose.Writer, issuer string, f *record.IDFacts) {
	w.String("iss", issuer)
	w.String("sub", f.Subject)
	w.String("aud", f.ClientID)
	w.Int("iat", f.IssuedAt)
	w.Int("exp", f.ExpiresAt)
	writeAuthentication(w, f.AuthTime, f.ACR, f.AMR)
	if f.Nonce != "" {
		w.String("nonce", f.Nonce)
	}
	if f.SID != "" {
		w.String("sid", f.SID)
	}
	for _, c := range f.Claims {
		w.Raw(c.Name, c.Value)
	}
}

// writeAudience writes one audience as a string, several as an array
// (RFC 7519 §4.1.3).
func writeAudience(w *jose.Writer, audience []string) {
	if len(audience) == 1 {
		w.String("aud", audience[0])
		return
	}
	w.Strings("aud", audience)
}

func writeAuthentication(w *jose.Writer, authTime int64, acr string, amr []string) {
	if authTime != 0 {
		w.Int("auth_time", authTime)
	}
	if acr != "" {
		w.String("acr", acr)
	}
	if len(amr) > 0 {
		w.Strings("amr", amr)
	}
}
