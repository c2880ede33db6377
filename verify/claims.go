package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// Claims are what a verified access token says (RFC 9068 §2.2). They are shared
// by all calls with the token: do not change them.
type Claims struct {
	Issuer    string
	Subject   string   // the user, or the client itself (client_credentials)
	Audience  []string // the resources it is for; the verifier's own among them
	ClientID  string
	ID        string   // jti
	Scope     []string // empty if it has none
	SessionID string   // sid; empty without a browser session
	GrantID   string   // gid; empty without a user
	IssuedAt  time.Time
	ExpiresAt time.Time
	AuthTime  time.Time // when the user signed in; zero without a user
	ACR       string    // how
	AMR       []string  // by what means
	// CertificateThumbprint is of the certificate that the token is bound to, as x5t#S256
	// (RFC 8705 §3.1); empty: to none.
	CertificateThumbprint string

	notBefore time.Time // nbf, rarely there
	rvs       int64
	kid       string
	payload   string
}

// Has reports whether the token has a scope.
func (c *Claims) Has(scope string) bool { return slices.Contains(c.Scope, scope) }

func (c *Claims) hasAll(scope []string) bool {
	for _, s := range scope {
		if !c.Has(s) {
			return false
		}
	}
	return true
}

// Decode reads the whole payload, custom claims included, into a value as
// [json.Unmarshal] does.
func (c *Claims) Decode(into any) error {
	if err := json.Unmarshal([]byte(c.payload), into); err != nil {
		return fmt.Errorf("decoding claims: %w", err)
	}
	return nil
}

// readClaims reads into c the payload of a token whose signature and type were
// checked, and checks what does not depend on the time.
func readClaims(c *Claims, payload, issuer, audience string) error {
	o, err := jose.DecodeObject(payload)
	if err != nil {
		return refuse(Malformed)
	}
	if iss, err := o.String("iss"); err != nil || iss != issuer {
		return refuse(WrongIssuer)
	}
	c.Issuer, c.payload = issuer, payload
	r := reader{object: o}
	r.required(c)
	r.optional(c)
	if r.err != nil {
		return refuse(Malformed)
	}
	if !slices.Contains(c.Audience, audience) {
		return refuse(WrongAudience) // RFC 9068 §4
	}
	if c.rvs, err = o.Int64("rvs"); err != nil || c.rvs < 0 || c.rvs > maxNumber {
		return refuse(NotRevocable)
	}
	if o.Has("cnf") {
		return readConfirmation(o, c)
	}
	return nil
}

// reader reads claims up to the first that is missing or of a wrong type.
type reader struct {
	object jose.Object
	err    error
}

// required reads what RFC 9068 §2.2 requires.
func (r *reader) required(c *Claims) {
	r.text("sub", &c.Subject)
	r.text("client_id", &c.ClientID)
	r.text("jti", &c.ID)
	r.date("iat", &c.IssuedAt)
	r.date("exp", &c.ExpiresAt)
	c.Audience = claim(r, "aud", r.object.StringOrStrings)
}

func (r *reader) optional(c *Claims) {
	var scope string
	r.ifThere("scope", func() { r.text("scope", &scope) })
	c.Scope = strings.Fields(scope)
	r.ifThere("sid", func() { r.text("sid", &c.SessionID) })
	r.ifThere("gid", func() { r.text("gid", &c.GrantID) })
	r.ifThere("acr", func() { r.text("acr", &c.ACR) })
	r.ifThere("amr", func() { c.AMR = claim(r, "amr", r.object.Strings) })
	r.ifThere("auth_time", func() { r.date("auth_time", &c.AuthTime) })
	r.ifThere("nbf", func() { r.date("nbf", &c.notBefore) })
}

func (r *reader) ifThere(name string, read func()) {
	if r.object.Has(name) {
		read()
	}
}

func (r *reader) text(name string, to *string) {
	if *to = claim(r, name, r.object.String); *to == "" && r.err == nil {
		r.err = errors.New("empty claim")
	}
}

func (r *reader) date(name string, to *time.Time) {
	*to = time.Unix(claim(r, name, r.object.NumericDate), 0)
}

func claim[T any](r *reader, name string, read func(string) (T, error)) T {
	value, err := read(name)
	if err != nil && r.err == nil {
		r.err = err
	}
	return value
}
