package decide

import (
	"errors"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// maxSubject bounds a sub, in bytes: OpenID Connect Core §2.
const maxSubject = 255

// ForeignUser is whom an upstream vouches for. Issuer and Subject say which account it
// is; the rest is what its upstream says of its user.
type ForeignUser struct {
	Issuer, Subject string
	AuthTime        int64  // Unix ms; zero: it does not say
	Email           string // as it was sent
	EmailVerified   bool
	Name            string
	GivenName       string
	FamilyName      string
}

// ForeignToken is an ID token as it came from an upstream's token endpoint.
type ForeignToken struct {
	Text     string
	Access   string // the access token beside it
	Keys     jose.KeySet
	Algs     []string
	ClientID string // ours, there
	Trip     *Trip
}

// ReadTokenAnswer takes the ID token and the access token from what a token endpoint
// answered (OpenID Connect Core §3.1.3.3).
func ReadTokenAnswer(answer []byte) (id, access string, _ oauth.Reason) {
	o, err := jose.DecodeObject(answer)
	if err != nil {
		return "", "", oauth.ReasonUpstreamCode
	}
	id, err = o.String("id_token")
	access, err2 := o.String("access_token")
	if errors.Join(err, err2) != nil {
		return "", "", oauth.ReasonUpstreamCode
	}
	return id, access, ""
}

// ForeignTokenKID is the key that an ID token names, to be fetched; nothing is
// believed yet.
func ForeignTokenKID(text string) string {
	parsed, err := jose.Parse(text)
	if err != nil {
		return ""
	}
	return parsed.Header().Kid
}

// ReadForeignToken validates an upstream's ID token whole (OpenID Connect Core
// §3.1.3.7). That it came over TLS from the upstream itself spares it no check.
func ReadForeignToken(t ForeignToken, env Env) (ForeignUser, oauth.Reason) {
	claims, alg, reason := t.verify()
	if reason != "" {
		return ForeignUser{}, reason
	}
	for _, check := range []func(jose.Object, Env) oauth.Reason{t.parties, t.times, t.authTime} {
		if reason := check(claims, env); reason != "" {
			return ForeignUser{}, reason
		}
	}
	// Item 11: it answers this very request.
	if nonce, err := claims.String("nonce"); err != nil || !secret.Matches(nonce, secret.Hash(t.Trip.Nonce)) {
		return ForeignUser{}, oauth.ReasonForeignTokenNonce
	}
	// §3.1.3.8: OPTIONAL, and binding where it is there.
	if claims.Has("at_hash") {
		if hash, err := claims.String("at_hash"); err != nil || hash != jose.AtHash(t.Access, alg) {
			return ForeignUser{}, oauth.ReasonForeignTokenHash
		}
	}
	subject, err := claims.String("sub")
	if err != nil || !isSubject(subject) {
		return ForeignUser{}, oauth.ReasonForeignTokenSubject
	}
	user := ForeignUser{Issuer: t.Trip.Issuer, Subject: subject}
	if at, err := claims.NumericDate("auth_time"); err == nil {
		user.AuthTime = at * second
	}
	user.describe(claims)
	return user, ""
}

// verify checks form, type, algorithm, key and signature.
func (t *ForeignToken) verify() (claims jose.Object, alg jose.Algorithm, _ oauth.Reason) {
	parsed, err := jose.Parse(t.Text)
	if err != nil {
		return claims, "", oauth.ReasonForeignTokenMalformed // an encrypted one too: none was agreed on (item 1)
	}
	header := parsed.Header()
	if header.Typ != "" && !header.HasType("JWT") {
		return claims, "", oauth.ReasonForeignTokenMalformed // RFC 8725 §3.11: an access token, a logout token
	}
	var allowed []jose.Algorithm
	for _, name := range t.Algs {
		allowed = append(allowed, allowedAlgs(name)...)
	}
	keys := t.Keys
	if len(t.Algs) == 1 {
		keys = keys.Assume(jose.Algorithm(t.Algs[0]))
	}
	payload, err := parsed.Verify(keys, allowed...)
	switch {
	case len(allowed) == 0 || errors.Is(err, jose.ErrAlgorithm): // items 7 and 8
		return claims, "", oauth.ReasonForeignTokenAlgorithm
	case errors.Is(err, jose.ErrUnknownKey):
		return claims, "", oauth.ReasonForeignTokenKey
	case err != nil: // item 6
		return claims, "", oauth.ReasonForeignTokenSignature
	}
	if claims, err = jose.DecodeObject(payload); err != nil {
		return claims, "", oauth.ReasonForeignTokenMalformed
	}
	if header.Alg == jose.EdDSA {
		header.Alg = jose.Ed25519
	}
	return claims, header.Alg, ""
}

// parties: items 2 to 5, from whom and for whom.
func (t *ForeignToken) parties(claims jose.Object, _ Env) oauth.Reason {
	if issuer, err := claims.String("iss"); err != nil || issuer != t.Trip.Issuer {
		return oauth.ReasonForeignTokenIssuer
	}
	audience, err := claims.StringOrStrings("aud")
	if err != nil || !slices.Contains(audience, t.ClientID) {
		return oauth.ReasonForeignTokenAudience
	}
	if !claims.Has("azp") && len(audience) == 1 {
		return ""
	}
	if party, err := claims.String("azp"); err != nil || party != t.ClientID {
		return oauth.ReasonForeignTokenParty
	}
	return ""
}

// times: items 9 and 10. A token older than the trip answers another one.
func (t *ForeignToken) times(claims jose.Object, env Env) oauth.Reason {
	expires, err := claims.NumericDate("exp")
	if err != nil || env.Now >= expires*second+env.Policy.Leeway {
		return oauth.ReasonForeignTokenExpired
	}
	issued, err := claims.NumericDate("iat")
	if err != nil || issued*second > env.Now+assertionAhead || issued*second < t.Trip.At-assertionAhead {
		return oauth.ReasonForeignTokenTime
	}
	if !claims.Has("nbf") {
		return ""
	}
	if from, err := claims.NumericDate("nbf"); err != nil || from*second > env.Now+assertionAhead {
		return oauth.ReasonForeignTokenTime
	}
	return ""
}

// authTime: item 13. An upstream that was asked for a sign-in no older than so and
// does not say when it was has not done what it was asked.
func (t *ForeignToken) authTime(claims jose.Object, env Env) oauth.Reason {
	age := t.Trip.MaxAge
	if age == nil {
		return ""
	}
	at, err := claims.NumericDate("auth_time")
	if err != nil || at*second > env.Now+assertionAhead {
		return oauth.ReasonForeignTokenAuthTime
	}
	oldest := env.Now - *age*second
	if *age == 0 {
		oldest = t.Trip.At
	}
	if at*second < oldest-env.Policy.Leeway {
		return oauth.ReasonForeignTokenAuthTime
	}
	return ""
}

// describe takes what is said of the user. What is of another type is not said.
func (u *ForeignUser) describe(o jose.Object) {
	u.Email, _ = o.String("email")
	u.EmailVerified, _ = o.Bool("email_verified")
	u.Name, _ = o.String("name")
	u.GivenName, _ = o.String("given_name")
	u.FamilyName, _ = o.String("family_name")
}

// ReadForeignUserinfo adds what the upstream's userinfo says. OpenID Connect Core
// §5.3.2: the sub "MUST be verified to exactly match".
func ReadForeignUserinfo(user ForeignUser, answer []byte) (ForeignUser, oauth.Reason) {
	o, err := jose.DecodeObject(answer)
	if err != nil {
		return user, oauth.ReasonUpstreamUnusable
	}
	if subject, err := o.String("sub"); err != nil || subject != user.Subject {
		return user, oauth.ReasonForeignTokenSubject
	}
	user.describe(o)
	return user, ""
}

func isSubject(text string) bool {
	return text != "" && len(text) <= maxSubject &&
		!strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c >= 0x7f })
}

// address is the e-mail address that the account has here: one that the upstream has
// seen to be its user's. Another is left out, or anybody could take anybody's
// (ASVS 6.8.1, pre-hijacking). Empty: none.
func (u *ForeignUser) address() string {
	if !u.EmailVerified {
		return ""
	}
	email, _ := CanonicalEmail(u.Email)
	return email
}

// ForeignAddress is the address that is looked for among those of users, for whoever
// loads that.
func ForeignAddress(u *ForeignUser) string { return u.address() }

// MoreAbout reports whether the upstream's userinfo is worth asking: somebody may
// become a user here, and the ID token says nothing of them.
func MoreAbout(u *ForeignUser, st *record.ArrivalState, policy *Policy) bool {
	return st.User == nil && u.address() == "" && st.Upstream != nil && st.Upstream.Settings.SignUp && MaySignUp(policy) == nil
}
