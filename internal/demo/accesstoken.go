package demo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// leeway is what the clocks of two machines may differ by.
const leeway = 5 * time.Second

// caller is who calls the API, or why they may not.
type caller struct {
	subject string
	checks  checks
	refused oauth.Code // empty: they may
}

// check holds an access token to RFC 9068 §4 without asking anybody but for the
// keys. The error says that those cannot be had.
func (a *API) check(ctx context.Context, token, scope string, now time.Time) (*caller, error) {
	c := &caller{}
	claims, err := a.genuine(ctx, token, &c.checks)
	if err != nil {
		return nil, err
	}
	switch {
	case !c.checks.allHold() || !a.fits(claims, &c.checks, now):
		c.refused = oauth.InvalidToken
	case !reaches(claims, &c.checks, scope):
		c.refused = oauth.InsufficientScope
	}
	c.subject, _ = claims.String("sub") // RFC 9068 §2.2 has it; it is only shown
	return c, nil
}

// genuine: the token is an access token that the issuer signed. Without that its
// claims stay unread.
func (a *API) genuine(ctx context.Context, token string, c *checks) (jose.Object, error) {
	parsed, err := jose.Parse(token)
	if !c.hold(err == nil, "it is a signed token in three parts (RFC 7515 §7.1)", formOf(token)) {
		return jose.Object{}, nil
	}
	header := parsed.Header()
	// RFC 9068 §4: the type keeps an ID token from passing for an access token.
	if !c.hold(header.HasType("at+jwt"), "its type is at+jwt: an access token, not an ID token (RFC 9068 §4)", "typ "+orNone(header.Typ)) {
		return jose.Object{}, nil
	}
	payload, err := a.provider.verify(ctx, parsed, jose.ES256)
	switch {
	case err == nil:
		c.hold(true, "the issuer signed it: its published key "+header.Kid+" fits (RFC 7515 §5.2)", "alg "+string(header.Alg)+", signature valid")
	case isRefusal(err):
		c.hold(false, "the issuer signed it (RFC 7515 §5.2)", err.Error())
		return jose.Object{}, nil
	default:
		return jose.Object{}, err
	}
	claims, err := jose.DecodeObject(payload)
	if err != nil {
		c.hold(false, "its claims are a JSON object", "they cannot be read")
	}
	return claims, nil
}

// fits: the token is for here and for now.
func (a *API) fits(claims jose.Object, c *checks, now time.Time) bool {
	issuer, _ := claims.String("iss") // absent: no match
	if !c.hold(issuer == a.provider.issuer, "it is of the issuer that this API trusts (iss)", orNone(issuer)) {
		return false
	}
	audience, _ := claims.StringOrStrings("aud")
	if !c.hold(slices.Contains(audience, a.audience), "it is for this API (aud contains "+a.audience+")", orNone(strings.Join(audience, ", "))) {
		return false
	}
	ends, err := claims.NumericDate("exp")
	found := "exp none"
	if err == nil {
		found = "it ends " + inspect.Relative(time.Unix(ends, 0), now)
	}
	return c.hold(err == nil && now.Add(-leeway).Before(time.Unix(ends, 0)), "it has not expired (exp)", found)
}

// reaches: RFC 9068 §4, "the resource server ... should use any available
// information to make an authorization decision".
func reaches(claims jose.Object, c *checks, scope string) bool {
	text, _ := claims.String("scope") // none reaches nowhere
	granted, ok := oauth.ParseScopes(text)
	return c.hold(ok && granted.Has(scope), "it was given "+scope+" (scope)", orNone(text))
}
