package verify

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// challenge is an answer that is not the handler's. Its texts are our own or the
// API's; nothing of the request is repeated.
type challenge struct {
	status int
	code   string // empty where no error may be named
	text   string
	extra  string // further parameters of the challenge
	retry  int    // seconds; with 503
}

// challengeFor words an error of check. The caller learns little of why: details
// are for the log of the API, and would help a forger.
func challengeFor(err error) *challenge {
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return &challenge{
			status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			text: "the token cannot be checked at the moment; keep it and try again", retry: 2,
		}
	}
	text := "the access token is not valid here"
	switch refused.Reason {
	case NoToken: // RFC 6750 §3.1: no error code where nothing was tried
		return &challenge{status: http.StatusUnauthorized}
	case ManyTokens:
		return &challenge{status: http.StatusBadRequest, code: "invalid_request", text: "more than one Authorization header"}
	case LacksScope: // RFC 6750 §3.1: the challenge may say which scope would do
		return &challenge{
			status: http.StatusForbidden, code: "insufficient_scope", text: "the access token does not reach this far",
			extra: quoted("scope", refused.scope),
		}
	case TokenExpired:
		text = "the access token has expired"
	case Revoked:
		text = "the access token was revoked"
	case Bound, WrongCertificate:
		text = "the access token is bound to a certificate that this connection did not show"
	case Opaque:
		text = "the access token is opaque, and this API takes JWTs"
	}
	return &challenge{status: http.StatusUnauthorized, code: "invalid_token", text: text}
}

// write sends the answer. RFC 6750 §3: the challenge carries error and
// error_description.
func (c *challenge) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if c.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(c.retry)) // RFC 9110 §10.2.3
	} else {
		h.Set("WWW-Authenticate", c.header())
	}
	if c.code == "" {
		w.WriteHeader(c.status)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(c.status)
	_, _ = w.Write([]byte(`{"error":"` + c.code + `","error_description":"` + c.text + `"}` + "\n"))
}

func (c *challenge) header() string {
	if c.code == "" {
		return "Bearer"
	}
	return `Bearer error="` + c.code + `", error_description="` + c.text + `"` + c.extra
}

// quoted is a parameter of a challenge. Its value is the API's own and is cut to
// what a quoted string may hold unescaped (RFC 6750 §3).
func quoted(name, value string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, value)
	return `, ` + name + `="` + clean + `"`
}
