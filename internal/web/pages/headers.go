package pages

import (
	"net/http"
	"net/url"
	"strings"
)

// hsts is one year, ASVS 3.4.1. Subdomains are left to their owners: an
// identity server must not decide for its neighbours, for a year, without undo.
const hsts = "max-age=31536000"

const permissionsPolicy = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), " +
	"geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"

// SecurityHeaders sets what every answer to a browser carries, with the
// strictest content policy; Site.Write replaces that by the page's own.
//
// Referrer-Policy no-referrer makes browsers send "Origin: null" with form
// posts, so the check of a post must look at Sec-Fetch-Site first.
func SecurityHeaders(h http.Header, https bool) {
	h.Set("Content-Security-Policy", Policy{}.String())
	// RFC 9700 §4.16: no page of ours is ever shown inside another.
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	// RFC 9700 §4.2.4: codes and state in our URLs stay with us.
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissionsPolicy)
	h.Set("Cache-Control", "no-store")
	if https {
		h.Set("Strict-Transport-Security", hsts)
	}
}

// Policy builds a Content-Security-Policy. The zero value is the strictest.
type Policy struct {
	// FormTarget is the address that the answer to a form post may redirect
	// to: Chromium holds form-action against redirects too. Only its origin
	// is used; for a private-use scheme, the scheme.
	FormTarget string
	// Logo lets images come from any https address.
	Logo bool

	script bool   // the page carries one inline script
	nonce  string // set by Site.Write for such a page
}

// String is the value of the header.
func (p Policy) String() string {
	images, forms, scripts := "'self' data:", "'self'", "'none'"
	if p.Logo {
		images += " https:"
	}
	if source := formSource(p.FormTarget); source != "" {
		forms += " " + source
	}
	if p.nonce != "" {
		scripts = "'nonce-" + p.nonce + "'"
	}
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"img-src " + images,
		"script-src " + scripts,
		"form-action " + forms,
		"frame-ancestors 'none'",
		"base-uri 'none'",
	}, "; ")
}

// formSource turns an address into a CSP source expression, or "" where there
// is none to allow. Nothing but the characters of an origin gets through, so
// an address cannot add a directive. CSP has no way to write an IPv6 host: for
// one, the scheme stands.
func formSource(address string) string {
	u, err := url.Parse(address)
	if err != nil || !isRedirectScheme(u.Scheme) {
		return ""
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return u.Scheme + ":"
	}
	switch {
	case u.Host == "" || u.User != nil:
		return ""
	case strings.HasPrefix(u.Host, "["):
		return u.Scheme + ":"
	case strings.ContainsFunc(u.Host, notOfHost):
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func notOfHost(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune(".-:", r)
}
