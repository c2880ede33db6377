package demo

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// hostOf is host and port of one of our own addresses.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// otherName is one of our own addresses under the other name that this machine
// has, empty if it has none. Browsers keep the cookies of the two apart, whatever
// the port: to a server, whoever comes by the other name is in another browser.
func otherName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "localhost" {
		return ""
	}
	u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	return u.String()
}

// Addresses are those at which the application answers: its own, and the same
// under the other name of this machine.
func Addresses(app string) []string {
	if other := otherName(app); other != "" {
		return []string{app, other}
	}
	return []string{app}
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// brief is a short time in the unit that suits it.
func brief(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	}
	return millis(d)
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// formOf says what a text that should be a signed token looks like.
func formOf(token string) string {
	if n := strings.Count(token, ".") + 1; n > 1 {
		return count(n, "part")
	}
	return "no signed token"
}

// short is enough of a random value to recognise it by.
func short(secret string) string {
	const enough = 8
	if len(secret) <= enough {
		return secret
	}
	return secret[:enough] + "…"
}
