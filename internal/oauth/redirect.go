package oauth

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxURILength bounds a redirect URI and a resource indicator.
const maxURILength = 2048

// RedirectURI is an address that was compared with a client's registered ones and found among them. Only
// MatchRedirectURI makes one that is not empty, so whoever holds one may redirect to it.
type RedirectURI struct{ uri string }

// MatchRedirectURI finds the presented URI among the registered ones, by exact string comparison (RFC 9700 §2.1). For a
// native client the port of a loopback address may differ (RFC 8252 §7.3). If nothing was presented and exactly one is
// registered, it is that one (RFC 6749 §3.1.2.3). A registered URI that could not be registered today matches nothing.
func MatchRedirectURI(registered []string, presented string, native bool) (RedirectURI, bool) {
	if presented == "" {
		if len(registered) != 1 {
			return RedirectURI{}, false
		}
		presented = registered[0]
	}
	found := slices.ContainsFunc(registered, func(uri string) bool {
		return uri == presented || native && sameButPort(uri, presented)
	})
	if !found || CheckRegistrable(presented) != nil {
		return RedirectURI{}, false
	}
	return RedirectURI{presented}, true
}

// sameButPort: RFC 8252 §7.3, "The authorization server MUST allow any port to be specified at the time of the request
// for loopback IP redirect URIs". localhost is included, because clients in the field need it.
func sameButPort(registered, presented string) bool {
	host, rest, ok := splitLoopback(registered)
	presentedHost, presentedRest, presentedOK := splitLoopback(presented)
	return ok && presentedOK && host == presentedHost && rest == presentedRest
}

// splitLoopback takes the port out of an http URI of a loopback host. rest begins with "/" or "?" or is empty.
func splitLoopback(uri string) (host, rest string, ok bool) {
	after, isHTTP := strings.CutPrefix(uri, "http://")
	if !isHTTP {
		return "", "", false
	}
	end := strings.IndexAny(after, "/?")
	if end < 0 {
		end = len(after)
	}
	host, err := checkAuthority(after[:end])
	return host, after[end:], err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	return host == "127.0.0.1" || host == "[::1]" || host == "localhost"
}

// String is the address itself.
func (r RedirectURI) String() string { return r.uri }

// WithQuery adds parameters to the query, keeping one that is there (RFC 6749 §3.1.2). On the zero RedirectURI it gives
// "", which is nowhere.
func (r RedirectURI) WithQuery(params []Param) string {
	if r.uri == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString(r.uri)
	separator := byte('?')
	if _, query, has := strings.Cut(r.uri, "?"); has {
		separator = '&'
		if query == "" || strings.HasSuffix(query, "&") {
			separator = 0
		}
	}
	for _, p := range params {
		if separator != 0 {
			b.WriteByte(separator)
		}
		b.WriteString(url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value))
		separator = '&'
	}
	return b.String()
}

// IsWeb reports whether the address is of the web: a browser posts a form there.
func (r RedirectURI) IsWeb() bool {
	return strings.HasPrefix(r.uri, "https://") || strings.HasPrefix(r.uri, "http://")
}

// Origin is the source expression that lets a page's Content-Security-Policy form-action reach the address: scheme, host
// and port; for a private-use scheme "scheme:"; for an IPv6 host the scheme alone, because CSP has no
// IPv6 literals.
func (r RedirectURI) Origin() string {
	scheme, rest, _ := strings.Cut(r.uri, ":")
	authority, ok := strings.CutPrefix(rest, "//")
	switch {
	case r.uri == "":
		return ""
	case !ok || strings.Contains(scheme, ".") || strings.HasPrefix(authority, "["):
		return scheme + ":"
	}
	if end := strings.IndexAny(authority, "/?"); end >= 0 {
		authority = authority[:end]
	}
	return scheme + "://" + authority
}

// CheckRegistrable says why a URI cannot be registered as a redirect URI, nil if it can: https, or http on loopback, or
// a private-use scheme that contains a dot (RFC 8252 §7.1); absolute, without fragment (RFC 6749 §3.1.2), userinfo,
// wildcard or dot segments.
func CheckRegistrable(uri string) error {
	if len(uri) == 0 || len(uri) > maxURILength {
		return errors.New("a redirect URI has 1 to 2048 characters")
	}
	if err := checkURICharacters(uri); err != nil {
		return err
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !isScheme(scheme) {
		return errors.New("a redirect URI is absolute and its scheme is in lower case")
	}
	authority, hasAuthority := strings.CutPrefix(rest, "//")
	path := rest
	if hasAuthority {
		end := strings.IndexAny(authority, "/?")
		if end < 0 {
			end = len(authority)
		}
		authority, path = authority[:end], authority[end:]
	}
	if err := checkTarget(scheme, authority, hasAuthority, path); err != nil {
		return err
	}
	return checkPath(path)
}

func checkTarget(scheme, authority string, hasAuthority bool, path string) error {
	switch {
	case scheme == "https" || scheme == "http":
		if !hasAuthority {
			return errors.New("a redirect URI has a host")
		}
		host, err := checkAuthority(authority)
		if err == nil && scheme == "http" && !isLoopback(host) {
			return errors.New("http is for 127.0.0.1, [::1] and localhost only")
		}
		return err
	case !strings.Contains(scheme, "."):
		return errors.New("a redirect URI is https, http on loopback, or a private-use scheme with a dot in it")
	case strings.Contains(authority, "@"):
		return errors.New("a redirect URI has no user information")
	case hasAuthority && strings.ContainsAny(authority, "[]:%"):
		return errors.New("after :// of a private-use scheme comes a name, without brackets, port or escapes") // what parsers read in different ways
	case !hasAuthority && !strings.HasPrefix(path, "/"):
		return errors.New("after a private-use scheme comes a path")
	}
	return nil
}

// checkURICharacters allows the characters of RFC 3986 §2 and no others, minus fragment and wildcard; no encoded control
// characters.
func checkURICharacters(uri string) error {
	for i := 0; i < len(uri); i++ {
		c := uri[i]
		switch {
		case c == '#':
			return errors.New("a redirect URI has no fragment")
		case c == '*':
			return errors.New("a redirect URI has no wildcard")
		case c == '%':
			if i+2 >= len(uri) || !isHex(uri[i+1]) || !isHex(uri[i+2]) {
				return errors.New("a redirect URI has a malformed escape")
			}
			if d := unhex(uri[i+1])<<4 | unhex(uri[i+2]); d < ' ' || d == 0x7f || d == '\\' {
				return errors.New("a redirect URI hides a control character or a backslash")
			}
		case !isAlphanumeric(c) && !strings.ContainsRune("-._~:/?[]@!$&'()+,;=", rune(c)):
			return errors.New("a redirect URI consists of the characters of RFC 3986")
		}
	}
	return nil
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if letter := 'a' <= c && c <= 'z'; !letter && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}

// checkAuthority reads "host" or "host:port" and gives the host.
func checkAuthority(authority string) (string, error) {
	if strings.Contains(authority, "@") {
		return "", errors.New("a redirect URI has no user information")
	}
	host := authority
	hostEnd := strings.LastIndexByte(authority, ']') + 1
	if colon := strings.IndexByte(authority[hostEnd:], ':'); colon >= 0 {
		port := authority[hostEnd+colon+1:]
		host = authority[:hostEnd+colon]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return "", errors.New("a port is a number from 1 to 65535")
		}
	}
	if !isHost(host) {
		return "", errors.New("a host is an ASCII name or an IP address")
	}
	return host, nil
}

// isHost: an ASCII name, an IPv4 address in four decimal parts, or an IPv6 address in brackets. A name whose last label
// is a number is refused: browsers read it as an IPv4 address.
func isHost(host string) bool {
	if strings.HasPrefix(host, "[") {
		inner, ok := strings.CutSuffix(host[1:], "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == ""
	}
	last := host
	for label := range strings.SplitSeq(host, ".") {
		if !isLabel(label) {
			return false
		}
		last = label
	}
	if '0' <= last[0] && last[0] <= '9' && isNumber(last) {
		addr, err := netip.ParseAddr(host)
		return err == nil && addr.Is4()
	}
	return len(host) <= 253
}

func isNumber(label string) bool {
	_, err := strconv.ParseUint(label, 0, 64)
	return err == nil || strings.Trim(label, "0123456789") == "" || strings.EqualFold(label, "0x")
}

func isLabel(label string) bool {
	for i := range len(label) {
		if c := label[i]; !isAlphanumeric(c) && c != '-' {
			return false
		}
	}
	return 0 < len(label) && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-'
}

// checkPath refuses dot segments, also encoded ones: what one parser leaves alone another resolves.
func checkPath(path string) error {
	path, _, _ = strings.Cut(path, "?")
	for segment := range strings.SplitSeq(path, "/") {
		segment = strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if segment == "." || segment == ".." {
			return errors.New("a redirect URI has no dot segments")
		}
	}
	return nil
}
