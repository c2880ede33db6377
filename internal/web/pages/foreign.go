package pages

import (
	"html/template"
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What clients wrote about themselves, made safe to show.

// maxName is how many characters of a name are shown, so that no client can
// push the rest of the page out of sight.
const maxName = 64

// displayName removes characters that are not seen, which includes those that
// turn the direction of the text around, and cuts what is too long.
func displayName(s string) string {
	const joiner, nonJoiner = '\u200d', '\u200c' // parts of words and emoji
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == joiner || r == nonJoiner {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > maxName {
		s = strings.TrimSpace(string([]rune(s)[:maxName-1])) + "…"
	}
	return s
}

// initial is the letter that stands in for a missing logo.
func initial(name string) string {
	for _, r := range displayName(name) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "•"
}

// httpsOnly is the address if it is one a page may load or link to on behalf
// of a client, else "" (ASVS 3.2.1).
func httpsOnly(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// isWeb says whether the address is an http or https URL.
func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// isRedirectScheme allows the web and private-use schemes of apps, which hold
// a dot (RFC 8252 §7.1); javascript:, data: and their like do not.
func isRedirectScheme(scheme string) bool {
	return scheme == "http" || scheme == "https" || strings.Contains(scheme, ".")
}

// link is the address of a validated redirect as a link. The template engine
// would refuse an app's private-use scheme by itself.
func link(address string) template.URL {
	u, err := url.Parse(address)
	if err != nil || !isRedirectScheme(u.Scheme) {
		return ""
	}
	return template.URL(u.String()) // safe: the scheme was checked and the URL encoded anew
}

// refresh takes a browser to the address of a validated redirect, at once. A
// navigation by it is a new one: no policy of a form that led here bears on it.
func refresh(address string) template.HTML {
	target := link(address)
	if target == "" {
		return ""
	}
	return wrapped(`<meta http-equiv="refresh" content="0;url=`, string(target), `">`)
}

// placeName is where a redirect leads, for people: the host, or an app's own scheme.
func placeName(address string) string {
	at := destination(address)
	if at.App != "" {
		return at.App
	}
	return at.Host
}

// place is where a redirect URI leads, in words a page can choose.
type place struct {
	Host  string // a host on the web, or
	App   string // the private-use scheme of an app on the device, or
	Local bool   // a program that listens on the device itself
}

func destination(redirectURI string) place {
	u, err := url.Parse(redirectURI)
	if err != nil || !isRedirectScheme(u.Scheme) {
		return place{}
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return place{App: u.Scheme}
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return place{Host: u.Host, Local: true}
	}
	return place{Host: u.Host}
}
