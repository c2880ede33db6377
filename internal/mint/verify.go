package mint

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// VerifyAccess checks that a token is an access token of ours and reads it. It
// returns "" or the reason why not; whether it is alive is for decide. Expiry is
// decide's too, which has the clock. The answer may be one that others have:
// nobody changes it.
func (m *Mint) VerifyAccess(token string) (*record.VerifiedToken, oauth.Reason) {
	if m.Seen == nil {
		return m.verifyAccess(token)
	}
	if verified := m.Seen.get(token); verified != nil {
		return verified, ""
	}
	verified, reason := m.verifyAccess(token)
	if reason == "" {
		m.Seen.put(token, verified)
	}
	return verified, reason
}

func (m *Mint) verifyAccess(token string) (*record.VerifiedToken, oauth.Reason) {
	if strings.HasPrefix(token, secret.PrefixAccess) {
		return m.openAccess(token)
	}
	parsed, err := jose.Parse(token)
	if err != nil {
		return nil, oauth.ReasonTokenMalformed
	}
	// RFC 9068 §4: the type is always checked, so an ID token is never an access token.
	if !parsed.Header().HasType("at+jwt") {
		return nil, oauth.ReasonTokenWrongType
	}
	return m.read(parsed, readAccess)
}

// VerifyIDHint checks that a token is an ID token of ours, as an id_token_hint.
// An expired one is still a hint (OpenID Connect RP-Initiated Logout §2), so
// keys that are no longer published verify it too.
func (m *Mint) VerifyIDHint(token string) (*record.VerifiedToken, oauth.Reason) {
	parsed, err := jose.Parse(token)
	if err != nil {
		return nil, oauth.ReasonTokenMalformed
	}
	if !parsed.Header().HasType("JWT") {
		return nil, oauth.ReasonTokenWrongType
	}
	return m.read(parsed, readID)
}

func (m *Mint) read(parsed *jose.Compact, claims func(jose.Object, *record.VerifiedToken) error) (*record.VerifiedToken, oauth.Reason) {
	payload, err := parsed.Verify(m.Ring.known, jose.ES256, jose.RS256, jose.PS256, jose.Ed25519)
	if err != nil {
		return nil, oauth.ReasonTokenSignature
	}
	return m.readPayload(parsed.Header().Kid, payload, claims)
}

// openAccess opens an opaque access token. Its seal is for this issuer and for
// access tokens alone, so there is no type to check.
func (m *Mint) openAccess(token string) (*record.VerifiedToken, oauth.Reason) {
	payload, root, err := m.Sealed.Open(m.Issuer, token)
	switch {
	case errors.Is(err, secret.ErrNotAccessToken):
		return nil, oauth.ReasonTokenMalformed
	case err != nil:
		return nil, oauth.ReasonTokenSignature
	}
	return m.readPayload(record.AccessRootKID(int64(root)), string(payload), readAccess)
}

func (m *Mint) readPayload(
	kid, payload string, claims func(jose.Object, *record.VerifiedToken) error,
) (*record.VerifiedToken, oauth.Reason) {
	object, err := jose.DecodeObject(payload)
	if err != nil {
		return nil, oauth.ReasonTokenMalformed
	}
	issuer, err := object.String("iss")
	if err != nil || issuer != m.Issuer {
		return nil, oauth.ReasonTokenIssuer
	}
	token := &record.VerifiedToken{KID: kid, Claims: json.RawMessage(payload)}
	if err := errors.Join(readCommon(object, token), claims(object, token)); err != nil {
		return nil, oauth.ReasonTokenMalformed
	}
	return token, ""
}

func readCommon(o jose.Object, t *record.VerifiedToken) error {
	r := reader{object: o}
	r.text("sub", &t.Subject)
	r.number("iat", &t.IssuedAt)
	r.number("exp", &t.ExpiresAt)
	r.optionalText("sid", &t.SID)
	r.optionalText("acr", &t.ACR)
	if o.Has("auth_time") {
		r.number("auth_time", &t.AuthTime)
	}
	if o.Has("amr") {
		r.texts("amr", &t.AMR)
	}
	return r.err
}

func readAccess(o jose.Object, t *record.VerifiedToken) error {
	r := reader{object: o}
	r.text("client_id", &t.ClientID)
	r.text("jti", &t.JTI)
	r.optionalText("gid", &t.GID)
	r.audience("aud", &t.Audience)
	// A token without rvs cannot be taken back and is refused (tokens.md, part 3).
	r.number("rvs", &t.RVS)
	var scope string
	r.optionalText("scope", &scope)
	t.Scope = record.SplitScope(scope)
	if o.Has("cnf") {
		r.confirmation(&t.X5T)
	}
	if o.Has("userinfo_claims") {
		r.texts("userinfo_claims", &t.Userinfo)
	}
	return r.err
}

func readID(o jose.Object, t *record.VerifiedToken) error {
	r := reader{object: o}
	r.audience("aud", &t.Audience)
	if len(t.Audience) == 1 {
		t.ClientID = t.Audience[0]
	}
	return r.err
}

// reader reads claims until the first that is missing or of a wrong type.
type reader struct {
	object jose.Object
	err    error
}

func (r *reader) text(name string, to *string) { *to = claim(r, name, r.object.String) }

func (r *reader) number(name string, to *int64) { *to = claim(r, name, r.object.NumericDate) }

func (r *reader) texts(name string, to *[]string) { *to = claim(r, name, r.object.Strings) }

func (r *reader) audience(name string, to *[]string) { *to = claim(r, name, r.object.StringOrStrings) }

// confirmation reads what a token is bound to (RFC 7800 §3.1, RFC 8705 §3.1). One
// that is bound to anything else is no token that can be used here.
func (r *reader) confirmation(to *string) {
	inner := reader{object: claim(r, "cnf", r.object.Object)}
	inner.text("x5t#S256", to)
	if r.err == nil && (inner.err != nil || *to == "" || len(inner.object.Names()) != 1) {
		r.err = errors.New("bound to something that is not known here")
	}
}

func (r *reader) optionalText(name string, to *string) {
	if r.object.Has(name) {
		r.text(name, to)
	}
}

func claim[T any](r *reader, name string, read func(string) (T, error)) T {
	value, err := read(name)
	if err != nil && r.err == nil {
		r.err = err
	}
	return value
}
