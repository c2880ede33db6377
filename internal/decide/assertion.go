package decide

import (
	"errors"
	"slices"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

const (
	// assertionLife bounds how far ahead an assertion may expire, and with it how
	// long one that was used is remembered. Libraries write an hour at most.
	assertionLife = hour
	// assertionAhead is how far a client's clock may be ahead of ours.
	assertionAhead = minute
	maxJTI         = 256 // bytes
)

// SigningAlgs are what a client may sign with: assertions and request objects.
// EdDSA is the name that many libraries still have for Ed25519.
func SigningAlgs() []string {
	return []string{string(jose.ES256), string(jose.RS256), string(jose.PS256), string(jose.Ed25519), string(jose.EdDSA)}
}

// ClaimedAssertion is what an assertion says of itself, unproven: whose it is,
// which of its owner's keys it names, and the name under which it is spent.
type ClaimedAssertion struct {
	ClientID string
	KID      string
	Key      []byte
}

// ReadAssertion reads a client assertion that anybody may have written. Of one
// that cannot be read nothing is known; Authenticate refuses it.
func ReadAssertion(text string) ClaimedAssertion {
	parsed, err := jose.Parse(text)
	if err != nil {
		return ClaimedAssertion{}
	}
	claims, err := jose.DecodeObject(parsed.UnverifiedPayload())
	if err != nil {
		return ClaimedAssertion{}
	}
	// RFC 7521 §4.2: where there is no client_id, the subject says who it is.
	subject, _ := claims.String("sub") // without one it is nobody's
	jti, _ := claims.String("jti")     // without one it is refused
	if !oauth.IsClientID(subject) {
		subject = ""
	}
	return ClaimedAssertion{ClientID: subject, KID: parsed.Header().Kid, Key: assertionKey(subject, jti)}
}

// assertionKey is the name of an assertion among what is spent: a jti counts for
// its client alone.
func assertionKey(clientID, jti string) []byte {
	return secret.Hash("client assertion\x00" + clientID + "\x00" + jti)
}

// ReadKeys judges what a client has as its keys: a JWK Set (RFC 7517 §5) of which
// at least one key can verify signatures here. A private or symmetric key in it
// refuses the whole.
func ReadKeys(set []byte) (jose.KeySet, error) {
	keys, err := jose.ParseKeySet(set)
	if err == nil && len(keys) == 0 {
		return nil, errors.New("there is no key in it that verifies ES256, RS256, PS256 or Ed25519")
	}
	return keys, err
}

// assertion is a client assertion whose signature is the client's.
type assertion struct {
	claims jose.Object
	client *record.Client
	cred   oauth.Credentials
	env    Env
}

// provenBy checks a client assertion (RFC 7523 §3, OpenID Connect Core §9) and
// returns what marks it as used.
func provenBy(cred oauth.Credentials, st *record.ClientState, env Env) (*record.Spend, *oauth.Error) {
	if st.Proof.Trouble != nil {
		return nil, st.Proof.Trouble.About(oauth.Detail{Client: cred.ClientID})
	}
	claims, kid, reason := verifyAssertion(cred.Assertion, st.Client, st.Proof.Keys)
	detail := oauth.Detail{Client: cred.ClientID, KID: kid}
	if reason != "" {
		return nil, oauth.Refuse(reason).About(detail)
	}
	a := assertion{claims: claims, client: st.Client, cred: cred, env: env}
	jti, reason := a.identity()
	if reason != "" {
		return nil, oauth.Refuse(reason).About(detail)
	}
	until, err := a.times(detail)
	if err != nil {
		return nil, err
	}
	if st.Proof.Spent {
		return nil, oauth.Refuse(oauth.ReasonAssertionReplayed).About(detail)
	}
	return &record.Spend{KeyHash: assertionKey(st.Client.ID, jti), EndsAt: until}, nil
}

// verifyAssertion checks form, type, algorithm, key and signature.
func verifyAssertion(text string, client *record.Client, keys jose.KeySet) (claims jose.Object, kid string, reason oauth.Reason) {
	parsed, err := jose.Parse(text)
	if err != nil {
		return claims, "", oauth.ReasonAssertionMalformed
	}
	header := parsed.Header()
	// RFC 8725 §3.11: what bears the type of something else was signed for that.
	if header.Typ != "" && !header.HasType("JWT") && !header.HasType("client-authentication+jwt") {
		return claims, header.Kid, oauth.ReasonAssertionType
	}
	payload, err := parsed.Verify(keys.Assume(jose.Algorithm(client.Settings.TokenEndpointAuthSigningAlg)),
		allowedAlgs(client.Settings.TokenEndpointAuthSigningAlg)...)
	switch {
	case errors.Is(err, jose.ErrAlgorithm):
		return claims, header.Kid, oauth.ReasonAssertionAlgorithm
	case errors.Is(err, jose.ErrUnknownKey):
		return claims, header.Kid, oauth.ReasonAssertionKey
	case err != nil:
		return claims, header.Kid, oauth.ReasonAssertionSignature
	}
	if claims, err = jose.DecodeObject(payload); err != nil {
		return claims, header.Kid, oauth.ReasonAssertionMalformed
	}
	return claims, header.Kid, ""
}

// allowedAlgs are the algorithms that a client may use: the registered one, else
// all of them. RFC 9864 §4.1.2: Ed25519 and EdDSA are two names for one thing.
func allowedAlgs(registered string) []jose.Algorithm {
	switch jose.Algorithm(registered) {
	case "":
		return []jose.Algorithm{jose.ES256, jose.RS256, jose.PS256, jose.Ed25519, jose.EdDSA}
	case jose.Ed25519, jose.EdDSA:
		return []jose.Algorithm{jose.Ed25519, jose.EdDSA}
	}
	return []jose.Algorithm{jose.Algorithm(registered)}
}

// identity checks whose assertion it is and for whom, and returns its jti.
func (a *assertion) identity() (jti string, _ oauth.Reason) {
	issuer, err := a.claims.String("iss")
	subject, err2 := a.claims.String("sub")
	audience, err3 := a.claims.StringOrStrings("aud")
	jti, err4 := a.claims.String("jti")
	if errors.Join(err, err2, err3, err4) != nil || jti == "" || len(jti) > maxJTI {
		return "", oauth.ReasonAssertionMalformed
	}
	if issuer != a.client.ID || subject != a.client.ID {
		return "", oauth.ReasonAssertionSubject // RFC 7523 §3, items 1 and 2.B
	}
	if !a.isForUs(audience) {
		return "", oauth.ReasonAssertionAudience
	}
	return jti, ""
}

// isForUs: the issuer alone, written as a string; the profile oidc lets a client
// name the endpoint instead (OpenID Connect Core §9), and write a list. Whoever
// else is named could use the assertion here, so nobody else may be.
func (a *assertion) isForUs(audience []string) bool {
	issuer := a.env.Policy.Issuer
	ours := []string{issuer.String()}
	if a.client.Settings.SecurityProfile == record.OIDCProfile {
		ours = append(ours, issuer.Endpoint(oauth.PathToken), issuer.Endpoint(a.cred.Endpoint))
		if origin := a.env.Policy.Mutual.Origin; origin != "" { // RFC 8705 §5: by the address that such a client calls
			ours = append(ours, origin+issuer.Path()+oauth.PathToken, origin+issuer.Path()+a.cred.Endpoint)
		}
	} else if _, err := a.claims.String("aud"); err != nil {
		return false
	}
	return len(audience) > 0 && !slices.ContainsFunc(audience, func(aud string) bool { return !slices.Contains(ours, aud) })
}

// times checks exp, iat and nbf, and returns until when the assertion must be
// remembered, in Unix ms.
func (a *assertion) times(detail oauth.Detail) (until int64, _ *oauth.Error) {
	refused := func(reason oauth.Reason, expected, seen int64) *oauth.Error {
		detail.Expected, detail.Seen = expected, seen
		return oauth.Refuse(reason).About(detail)
	}
	now := a.env.Now
	expires, err := a.claims.NumericDate("exp")
	if err != nil {
		return 0, refused(oauth.ReasonAssertionMalformed, 0, 0) // RFC 7523 §3, item 4
	}
	if expires > (now+assertionLife+assertionAhead)/second {
		return 0, refused(oauth.ReasonAssertionLongLived, now+assertionLife, expires*second)
	}
	until = expires*second + a.env.Policy.Leeway
	if now >= until {
		return 0, refused(oauth.ReasonAssertionExpired, expires*second, now)
	}
	for _, name := range []string{"iat", "nbf"} {
		if !a.claims.Has(name) {
			continue
		}
		at, err := a.claims.NumericDate(name)
		if err != nil {
			return 0, refused(oauth.ReasonAssertionMalformed, 0, 0)
		}
		if at > (now+assertionAhead)/second {
			return 0, refused(oauth.ReasonAssertionFromFuture, now, at*second) // RFC 7523 §3, items 5 and 6
		}
	}
	return until, nil
}
