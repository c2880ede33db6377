package demo

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/jose"
)

// leeway is what the clocks of two machines may differ by.
const leeway = 5 * time.Second

// expected is what the application knows about the ID token that it waits for.
type expected struct {
	clientID string
	nonce    string // of the sign-in
	subject  string // of the sign-in that is renewed; empty at a sign-in
	authTime int64  // of the sign-in that is renewed; 0 where it is not known
	access   string // the access token that came with it
}

// checkIDToken is OpenID Connect Core §3.1.3.7, step by step; steps about
// encryption and shared secrets have nothing to do here.
func (p *provider) checkIDToken(ctx context.Context, token string, want expected, now time.Time) (jose.Object, checks, error) {
	var c checks
	parsed, err := jose.Parse(token)
	if !c.hold(err == nil, "it is a signed token in three parts (RFC 7515 §7.1)", formOf(token)) {
		return jose.Object{}, c, nil
	}
	header := parsed.Header()
	// §3.1.3.7 steps 6 and 7: the algorithm that the client registered, and the issuer's key.
	payload, err := p.verify(ctx, parsed, jose.ES256)
	if err != nil && !isRefusal(err) {
		return jose.Object{}, c, err
	}
	if !c.hold(err == nil, "the issuer signed it, with the algorithm this client registered (ES256)", "alg "+string(header.Alg)+", key "+orNone(header.Kid)) {
		return jose.Object{}, c, nil
	}
	claims, err := jose.DecodeObject(payload)
	if !c.hold(err == nil, "its claims are a JSON object", count(len(claims.Names()), "claim")) {
		return jose.Object{}, c, nil
	}
	_ = p.forThisClient(claims, want, &c) && inTime(claims, now, &c) && forThisAnswer(claims, want, now, &c)
	return claims, c, nil
}

// forThisClient: §3.1.3.7 steps 2 to 5.
func (p *provider) forThisClient(claims jose.Object, want expected, c *checks) bool {
	issuer, _ := claims.String("iss") // absent: no match
	if !c.hold(issuer == p.issuer, "iss is the issuer we sent you to", orNone(issuer)) {
		return false
	}
	audience, _ := claims.StringOrStrings("aud")
	if !c.hold(slices.Equal(audience, []string{want.clientID}), "aud is this client, and nobody else", orNone(strings.Join(audience, ", "))) {
		return false
	}
	if !claims.Has("azp") {
		return true
	}
	party, _ := claims.String("azp")
	return c.hold(party == want.clientID, "azp is this client", orNone(party))
}

// inTime: §3.1.3.7 steps 9 and 10.
func inTime(claims jose.Object, now time.Time, c *checks) bool {
	ends, err := claims.NumericDate("exp")
	if !c.hold(err == nil && now.Add(-leeway).Before(time.Unix(ends, 0)), "it has not expired (exp)", relative(ends, now, err)) {
		return false
	}
	made, err := claims.NumericDate("iat")
	age := now.Sub(time.Unix(made, 0))
	return c.hold(err == nil && age < time.Hour && age > -leeway, "it was made just now (iat)", relative(made, now, err))
}

// forThisAnswer: §3.1.3.7 step 11, §3.1.3.8, and §12.2 for a renewed token.
func forThisAnswer(claims jose.Object, want expected, now time.Time, c *checks) bool {
	subject, err := claims.String("sub")
	switch {
	case want.subject != "":
		if !c.hold(subject == want.subject, "sub is the user who signed in", orNone(subject)) {
			return false
		}
	case !c.hold(err == nil && subject != "", "sub names a user", orNone(subject)):
		return false
	}
	if authTime, err := claims.NumericDate("auth_time"); want.authTime != 0 && err == nil { // §12.2
		if !c.hold(authTime == want.authTime, "auth_time is that of the first sign-in: a renewal is none", relative(authTime, now, nil)) {
			return false
		}
	}
	// §12.2: a renewed token "SHOULD NOT have a nonce", and if it has one it is the old one.
	if want.subject == "" || claims.Has("nonce") {
		nonce, _ := claims.String("nonce")
		if !c.hold(same(nonce, want.nonce), "nonce is the one that we sent with this sign-in", orNone(short(nonce))) {
			return false
		}
	}
	if !claims.Has("at_hash") {
		return true // optional in the code flow
	}
	hash, _ := claims.String("at_hash")
	return c.hold(same(hash, jose.AtHash(want.access, jose.ES256)), "at_hash fits the access token that came with it", orNone(short(hash)))
}

func relative(seconds int64, now time.Time, err error) string {
	if err != nil {
		return "none"
	}
	return inspect.Relative(time.Unix(seconds, 0), now)
}

// same compares secrets in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
