package guard

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

// header is one that the API behind the proxy is told of the token.
type header struct {
	name string
	of   func(*verify.Claims) string
}

// headers are all of them. docs/guard.md lists them for people.
func headers() []header {
	return []header{
		{"X-Mintmark-Subject", func(c *verify.Claims) string { return c.Subject }},
		{"X-Mintmark-Client-Id", func(c *verify.Claims) string { return c.ClientID }},
		{"X-Mintmark-Scope", func(c *verify.Claims) string { return strings.Join(c.Scope, " ") }},
		{"X-Mintmark-Session", func(c *verify.Claims) string { return c.SessionID }},
		{"X-Mintmark-Grant", func(c *verify.Claims) string { return c.GrantID }},
		{"X-Mintmark-Token", func(c *verify.Claims) string { return c.ID }},
		{"X-Mintmark-Expires", func(c *verify.Claims) string { return seconds(c.ExpiresAt) }},
		{"X-Mintmark-Auth-Time", func(c *verify.Claims) string { return seconds(c.AuthTime) }},
		{"X-Mintmark-Acr", func(c *verify.Claims) string { return c.ACR }},
	}
}

var errUnprintable = errors.New("a claim cannot stand in a header")

// pass sets the headers of a request that may pass, all of them: one that a token
// has nothing for is empty, so that it takes the place of what a client sent under
// that name.
func pass(h http.Header, claims *verify.Claims) error {
	for _, one := range headers() {
		value := one.of(claims)
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return errUnprintable // cut to what can stand there, it would be another name
		}
		h.Set(one.name, value)
	}
	return nil
}

// seconds is a time as the claims have it, empty if there is none.
func seconds(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt(at.Unix(), 10)
}
