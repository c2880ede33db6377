package inspect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// Sizes that a token should keep under: of a header that proxies take without
// asking, and of a cookie (RFC 6265 §6.1: 4096 bytes with its name and attributes).
const (
	sizeWarned = 1500
	sizeCookie = 3500
)

// leeway is what clocks may differ by.
const leeway = time.Minute

// longestAccess is how long an access token may live before it is worth a word.
const longestAccess = 24 * time.Hour

// token is what the warnings look at.
type token struct {
	text   string
	kind   Kind
	header jose.Object
	claims jose.Object
	now    time.Time
}

func (t *token) warnings() []string {
	var found []string
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	t.signature(add)
	t.times(add)
	t.purpose(add)
	t.content(add)
	return found
}

type adder func(format string, args ...any)

// signature: what the header says about how the token is to be checked.
func (t *token) signature(add adder) {
	alg, _ := t.header.String("alg") // no text: no algorithm
	switch {
	case strings.EqualFold(alg, "none"): // RFC 8725 §3.2
		add("It is not signed (alg none): anybody can change it.")
	case strings.HasPrefix(alg, "HS"): // RFC 8725 §3.5
		add("It is signed with a shared secret (%s): whoever can check it can also make it.", visible(alg))
	case alg == "":
		add("Its header names no algorithm.")
	case alg == "EdDSA": // RFC 9864 §4.1.2
		add("EdDSA does not say which curve; the fully specified name is Ed25519.")
	}
	for _, name := range []string{"jku", "x5u", "jwk", "x5c"} {
		if t.header.Has(name) && t.kind != ProofToken { // RFC 8725 §3.10; RFC 9449 §4.2 puts its own key there
			add("Its header brings or points to a key (%s): a verifier must not take a key from the token it checks.", name)
		}
	}
	if t.header.Has("crit") { // RFC 7515 §4.1.11
		add("Its header has critical extensions: a verifier that does not know them must refuse it.")
	}
	if alg != "none" && alg != "" {
		if _, err := jose.Parse(t.text); err != nil {
			add("A strict verifier refuses its form: %s.", err)
		}
	}
}

// times: against the clock that was handed in, with leeway.
func (t *token) times(add adder) {
	ends, hasEnd := timeOf(t.claims, "exp")
	made, hasStart := timeOf(t.claims, "iat")
	switch {
	case !hasEnd && slices.Contains([]Kind{AccessToken, IDToken}, t.kind):
		add("It has no expiry (exp): whoever finds it can use it for ever.")
	case hasEnd && !t.now.Before(ends):
		add("It has expired.")
	}
	if hasStart && made.After(t.now.Add(leeway)) {
		add("It says it was made in the future (iat): a clock is wrong, here or at the issuer.")
	}
	if from, ok := timeOf(t.claims, "nbf"); ok && from.After(t.now.Add(leeway)) {
		add("It may not be used yet (nbf).")
	}
	if t.kind == AccessToken && hasEnd && hasStart && ends.Sub(made) > longestAccess {
		add("It lives %s: long for an access token, which cannot be taken back where nobody looks.", Span(ends.Sub(made)))
	}
}

// purpose: what keeps a token from being used where it was not meant.
func (t *token) purpose(add adder) {
	if !t.claims.Has("iss") && t.kind != ProofToken {
		add("It names no issuer (iss).")
	}
	if !t.claims.Has("aud") && slices.Contains([]Kind{AccessToken, IDToken}, t.kind) {
		add("It names no audience (aud): it would be taken by every API that trusts the issuer.")
	}
	typ, _ := t.header.String("typ")
	if t.kind == AccessToken && !strings.HasSuffix(strings.ToLower(typ), "at+jwt") { // RFC 9068 §2.1
		add("Its type is not at+jwt: an API cannot tell it from an ID token by its header.")
	}
	if t.kind == AccessToken && !t.claims.Has("rvs") {
		add("It carries no rvs: Mintmark's verifiers cannot take it back before it expires, and refuse it.")
	}
}

// content: what makes a token large, or dangerous to lose.
func (t *token) content(add adder) {
	switch size := len(t.text); {
	case size > sizeCookie:
		add("It is %d bytes long: too long for a cookie, and some proxies refuse headers of this size.", size)
	case size > sizeWarned:
		add("It is %d bytes long, on every request. The bytes beside each claim show where they go.", size)
	}
	for _, name := range t.claims.Names() {
		if namesSecret(name) {
			add("The claim %s looks like a secret: everybody who handles the token can read it.", visible(name))
		}
	}
}

func namesSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"password", "passwd", "secret", "ssn", "card_number", "cvv", "private_key"},
		func(word string) bool { return strings.Contains(name, word) })
}
