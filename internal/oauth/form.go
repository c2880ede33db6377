package oauth

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a form. The 64 KiB of the whole body are the web room's.
const (
	maxParameters  = 64
	maxNameLength  = 64
	maxValueLength = 8 << 10
)

// Param is one parameter of an answer or a request.
type Param struct{ Name, Value string }

// Form holds the parameters of one request, each at most once save resource and audience. It keeps no map: forms are
// short, and a slice costs one allocation.
type Form struct {
	params   []Param
	fault    *Error
	byObject bool // its parameters are of a request object
}

// ParseForm reads an application/x-www-form-urlencoded body or a query string. The first fault is returned, and the form
// remembers it: it stays usable for ParseAuthorizationRequest, which may have to redirect the very error. A parameter at
// fault is then absent from it.
func ParseForm(text string) (Form, *Error) {
	var f Form
	if text != "" {
		f.params = make([]Param, 0, min(strings.Count(text, "&")+1, maxParameters))
	}
	for text != "" {
		var field string
		field, text, _ = strings.Cut(text, "&")
		if field == "" {
			continue
		}
		if len(f.params) == maxParameters {
			f = Form{fault: Refuse(ReasonParameterTooLong)}
			return f, f.fault
		}
		f.add(field)
	}
	f.dropRepeated()
	return f, f.fault
}

func (f *Form) add(field string) {
	rawName, rawValue, _ := strings.Cut(field, "=")
	if len(rawName) > 3*maxNameLength || len(rawValue) > 3*maxValueLength {
		f.blame(Refuse(ReasonParameterTooLong).With(known(rawName)))
		return
	}
	name, nameOK := unescape(rawName)
	value, valueOK := unescape(rawValue)
	switch {
	case !nameOK || !valueOK || name == "":
		f.blame(Refuse(ReasonParameterMalformed).With(known(name)))
	case len(name) > maxNameLength || len(value) > maxValueLength:
		f.blame(Refuse(ReasonParameterTooLong).With(known(name)))
	default:
		f.params = append(f.params, Param{name, value})
	}
}

// dropRepeated removes what was sent more than once, because no one value of it can be believed. RFC 6749 §3.1, §3.2:
// "Request and response parameters MUST NOT be included more than once." RFC 8707 §2 lets resource repeat, RFC 8693 §2.1
// audience.
func (f *Form) dropRepeated() {
	for i := 0; i < len(f.params); i++ {
		name := f.params[i].Name
		if name == "resource" || name == "audience" {
			continue
		}
		same := func(p Param) bool { return p.Name == name }
		if slices.ContainsFunc(f.params[i+1:], same) {
			f.blame(Refuse(ReasonParameterRepeated).With(known(name)))
			f.params = slices.DeleteFunc(f.params, same)
			i--
		}
	}
}

// blame keeps the first fault, but one about client_id or redirect_uri goes first: it forbids redirecting the others.
func (f *Form) blame(e *Error) {
	if f.fault == nil || e.StaysHere() && !f.fault.StaysHere() {
		f.fault = e
	}
}

// Get is the parameter's value, "" if it was not sent. RFC 6749 §3.1: "Parameters sent without a value MUST be treated
// as if they were omitted from the request."
func (f Form) Get(name string) string {
	for i := range f.params {
		if f.params[i].Name == name {
			return f.params[i].Value
		}
	}
	return ""
}

// All is every non-empty value of a parameter that may repeat.
func (f Form) All(name string) []string {
	var values []string
	for i := range f.params {
		if f.params[i].Name == name && f.params[i].Value != "" {
			values = append(values, f.params[i].Value)
		}
	}
	return values
}

// Fault is what is wrong with the form itself; nil if nothing is.
func (f Form) Fault() *Error { return f.fault }

// Without is the form without some of its parameters.
func (f Form) Without(names ...string) Form {
	f.params = slices.DeleteFunc(slices.Clone(f.params), func(p Param) bool { return slices.Contains(names, p.Name) })
	return f
}

// Under is the form with the parameters of a request object over its own: each of theirs replaces its own of the name.
// If they count alone, nothing is left of its own but the client_id.
func (f Form) Under(over []Param, alone bool) Form {
	merged := Form{fault: f.fault, byObject: true}
	for _, p := range over {
		switch {
		case len(p.Value) > maxValueLength || len(merged.params) == maxParameters:
			merged.blame(Refuse(ReasonParameterTooLong).With(known(p.Name)))
		case !isText(p.Value):
			merged.blame(Refuse(ReasonParameterMalformed).With(known(p.Name)))
		default:
			merged.params = append(merged.params, p)
		}
	}
	for _, p := range f.params {
		replaced := slices.ContainsFunc(over, func(o Param) bool { return o.Name == p.Name })
		if !replaced && (!alone || p.Name == "client_id") {
			merged.params = append(merged.params, p)
		}
	}
	return merged
}

// unescape decodes one name or value, without a copy when nothing is escaped. Malformed escapes, invalid UTF-8 and
// control characters are refused.
func unescape(raw string) (string, bool) {
	plain := true
	for i := range len(raw) {
		c := raw[i]
		if '+' < c && c < 0x7f {
			continue // by far the most
		}
		if c < ' ' || c == 0x7f {
			return "", false
		}
		if c == '%' || c == '+' || c > 0x7f {
			plain = false
		}
	}
	if plain {
		return raw, true
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '+':
			b.WriteByte(' ')
		case '%':
			if i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2]) {
				return "", false
			}
			b.WriteByte(unhex(raw[i+1])<<4 | unhex(raw[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), isText(b.String())
}

// isText: valid UTF-8 without the control characters of ASCII and Latin-1.
func isText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || 0x7f <= r && r <= 0x9f {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// known gives the name back if it is of the protocol's vocabulary, else "": an error never echoes what was sent.
func known(name string) string {
	switch name {
	case "acr_values", "audience", "claims", "claims_locales", "client_assertion", "client_assertion_type", "client_id",
		"client_secret", "code", "code_challenge", "code_challenge_method", "code_verifier", "display", "grant_type",
		"id_token_hint", "login_hint", "logout_hint", "max_age", "nonce", "password", "post_logout_redirect_uri", "prompt",
		"redirect_uri", "refresh_token", "registration", "request", "request_uri", "resource", "response_mode",
		"response_type", "scope", "state", "token", "token_type_hint", "ui_locales", "username", "access_token":
		return name
	}
	return ""
}
