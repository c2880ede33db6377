package oauth

import "strings"

// BearerToken finds the access token of a request to a protected resource: in the Authorization header ("" if there is
// none) or in a form body. RFC 6750 §2.1, §2.2. One in the query is refused, and so is one presented twice.
func BearerToken(authorization string, body, query Form) (string, *Error) {
	if query.Get("access_token") != "" {
		return "", Refuse(ReasonTokenInQuery).With("access_token") // RFC 9700 §4.3.2
	}
	if query.fault != nil {
		return "", query.fault
	}
	if body.fault != nil {
		return "", body.fault
	}
	scheme, header, _ := strings.Cut(authorization, " ")
	inHeader := strings.EqualFold(scheme, "Bearer")
	token := body.Get("access_token")
	switch {
	case inHeader && token != "":
		return "", Refuse(ReasonTokenPresentedTwice).With("access_token") // RFC 6750 §2
	case inHeader:
		token = strings.TrimLeft(header, " ")
	case token == "":
		return "", Refuse(ReasonTokenMissing)
	}
	if !isB64Token(token) {
		return "", Refuse(ReasonTokenMalformed)
	}
	return token, nil
}

// isB64Token: RFC 6750 §2.1, b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
func isB64Token(token string) bool {
	token = strings.TrimRight(token, "=")
	for i := range len(token) {
		if c := token[i]; !isAlphanumeric(c) && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return token != ""
}

// BearerChallenge is the value of WWW-Authenticate beside an error of a protected resource. needed is the scope that would
// be enough, if that is what is missing. RFC 6750 §3.1: without any token there is no error in it.
func (e *Error) BearerChallenge(realm string, needed Scopes) string {
	var b strings.Builder
	b.WriteString("Bearer realm=" + quote(realm))
	if e.Reason != ReasonTokenMissing {
		b.WriteString(", error=" + quote(string(e.Code)) + ", error_description=" + quote(e.Description))
	}
	if len(needed) > 0 {
		b.WriteString(", scope=" + quote(needed.String()))
	}
	return b.String()
}

// BasicChallenge is the value of WWW-Authenticate beside every invalid_client. RFC 6749 §5.2, RFC 7617 §2.
func BasicChallenge(realm string) string { return "Basic realm=" + quote(realm) }

// quote makes a quoted-string (RFC 9110 §5.6.4) of printable ASCII; other bytes become question marks.
func quote(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
