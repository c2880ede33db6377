package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
)

const (
	fetchTimeout = 10 * time.Second
	fetchLimit   = 1 << 20 // bytes of a metadata document or JWKS
	clockLeeway  = 30 * time.Second
)

type tokenVerify struct {
	JWKS     string `name:"jwks" xor:"keys" required:"" placeholder:"FILE" help:"Take the keys from this file; nothing is asked."`
	Issuer   string `xor:"keys" required:"" placeholder:"URL" help:"Ask this server for its keys, and require that it issued the token."`
	Audience string `placeholder:"AUD" help:"Require that the token is for this audience."`
}

// verdict is what --json prints.
type verdict struct {
	Valid   bool   `json:"valid"`
	Why     string `json:"why,omitempty"` // of an invalid one
	Kid     string `json:"kid,omitempty"`
	Alg     string `json:"alg,omitempty"`
	Issuer  string `json:"iss,omitempty"`
	Subject string `json:"sub,omitempty"`
	Expires string `json:"expires_at,omitempty"` // RFC 3339
}

// Run verifies signature, time, issuer and audience. A token that was revoked is
// still valid here: that only its server can say.
func (c *tokenVerify) Run(i *invocation) error {
	token, err := readToken(i)
	if err != nil {
		return err
	}
	keys, err := c.keys(i.ctx)
	if err != nil {
		return err
	}
	v := c.judge(token, keys, time.Now())
	if i.json {
		err = i.printJSON(v)
	} else {
		err = v.print(i.out)
	}
	if err == nil && !v.Valid {
		err = errSaid
	}
	return err
}

func (v verdict) print(w io.Writer) error {
	if !v.Valid {
		_, err := fmt.Fprintf(w, "INVALID: %s\n", v.Why)
		return err
	}
	_, err := fmt.Fprintf(w, "VALID: signed with %s by key %s of %s, about %s, expires %s.\nWhether it was revoked only the server knows: introspection says so.\n",
		v.Alg, v.Kid, v.Issuer, v.Subject, forPeople(v.Expires))
	return err
}

// judge is RFC 7519 §7.2 and what RFC 9068 §4 adds to it.
func (c *tokenVerify) judge(token string, keys jose.KeySet, now time.Time) verdict {
	invalid := func(format string, args ...any) verdict {
		return verdict{Why: fmt.Sprintf(format, args...)}
	}
	if strings.HasPrefix(token, secret.PrefixAccess) {
		return invalid("it is an opaque access token, which only its server can open: introspection says what it is worth")
	}
	parsed, err := jose.Parse(token)
	if err != nil {
		return invalid("%s", err)
	}
	payload, err := parsed.Verify(keys, jose.ES256, jose.RS256, jose.PS256, jose.Ed25519)
	if err != nil {
		return invalid("%s", err)
	}
	claims, err := jose.DecodeObject(payload)
	if err != nil {
		return invalid("its claims cannot be read: %s", err)
	}
	v := verdict{Kid: parsed.Header().Kid, Alg: string(parsed.Header().Alg)}
	v.Issuer, _ = claims.String("iss") // compared below where it matters
	v.Subject, _ = claims.String("sub")
	exp, err := claims.NumericDate("exp")
	if err != nil {
		return invalid("it has no time of expiry that can be read: exp is %s", reasonOf(err))
	}
	if expires := time.Unix(exp, 0); now.After(expires.Add(clockLeeway)) {
		return invalid("it expired %s, at %s", fromNow(expires), expires.UTC().Format(time.DateTime+" UTC"))
	}
	if nbf, err := claims.NumericDate("nbf"); err == nil && now.Add(clockLeeway).Before(time.Unix(nbf, 0)) {
		return invalid("it is not valid before %s", moment(time.Unix(nbf, 0)))
	}
	if c.Issuer != "" && v.Issuer != c.Issuer {
		return invalid("it was issued by %q, not by %s", v.Issuer, c.Issuer)
	}
	if audience, err := claims.StringOrStrings("aud"); c.Audience != "" && (err != nil || !slices.Contains(audience, c.Audience)) {
		return invalid("it is for %q, not for %s", strings.Join(audience, ", "), c.Audience)
	}
	v.Valid, v.Expires = true, time.Unix(exp, 0).UTC().Format(time.RFC3339)
	return v
}

func reasonOf(err error) string {
	if errors.Is(err, jose.ErrAbsent) {
		return "absent"
	}
	return "not a number of seconds"
}

// keys reads the file, or asks the issuer, which is the only use of the network.
func (c *tokenVerify) keys(ctx context.Context) (jose.KeySet, error) {
	if c.JWKS != "" {
		text, err := os.ReadFile(c.JWKS)
		if err != nil {
			return nil, usageError{fmt.Errorf("reading the JWKS: %w", err)}
		}
		return parseKeys(text)
	}
	issuer, err := oauth.ParseIssuer(strings.TrimSuffix(c.Issuer, "/"))
	if err != nil {
		return nil, usageError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	// OpenID Connect Discovery §4: below the issuer's path.
	document, err := fetch(ctx, issuer.Origin()+issuer.MetadataPaths()[0])
	if err != nil {
		return nil, err
	}
	metadata, err := jose.DecodeObject(document)
	if err != nil {
		return nil, fmt.Errorf("reading the metadata of %s: %w", issuer, err)
	}
	// OpenID Connect Discovery §4.3: the issuer must be the one that was asked.
	if says, err := metadata.String("issuer"); err != nil || says != c.Issuer {
		return nil, fmt.Errorf("the server at %s says that it is %q", c.Issuer, says)
	}
	address, err := metadata.String("jwks_uri")
	if err != nil {
		return nil, fmt.Errorf("the metadata of %s: jwks_uri: %w", issuer, err)
	}
	if target, err := url.Parse(address); err != nil || issuer.IsHTTPS() && target.Scheme != "https" {
		return nil, fmt.Errorf("the metadata of %s: jwks_uri %q is no https address", issuer, address)
	}
	text, err := fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	return parseKeys(text)
}

func parseKeys(text []byte) (jose.KeySet, error) {
	keys, err := jose.ParseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("reading the JWKS: %w", err)
	}
	return keys, nil
}

// fetch gets a document of bounded size and follows no redirect.
func fetch(ctx context.Context, address string) ([]byte, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", address, err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoServer, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s: it answered %s", address, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, fetchLimit))
}
