package demo

import (
	"fmt"
	"net/url"
	"strings"
)

// hostOf is host and port of one of our own addresses.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
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
