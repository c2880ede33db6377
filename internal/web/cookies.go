package web

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// Cookies of ours, without the prefix that https adds.
const (
	sessionCookie = "mintmark_session"
	browserCookie = "mintmark_browser"
	// The language that the user chose, and over which interaction.
	languageCookie = "mintmark_language"
)

// browserAge is how long a browser is known again, in seconds: the 400 days that
// browsers keep a cookie at most.
const browserAge = 400 * 24 * 60 * 60

const (
	maxCookie = 128 // longest value that can be one of ours
	maxAgent  = 256 // of a User-Agent, as much as is kept
)

// cookieNames are the names as this issuer sets them.
type cookieNames struct {
	session, browser, language string
	secure                     bool
}

// cookiesOf: __Host- keeps other hosts and plain http from setting them (ASVS
// 3.3.3). On loopback http no browser would take that prefix.
func cookiesOf(issuer oauth.Issuer) cookieNames {
	if !issuer.IsHTTPS() {
		return cookieNames{session: sessionCookie, browser: browserCookie, language: languageCookie}
	}
	const prefix = "__Host-"
	return cookieNames{session: prefix + sessionCookie, browser: prefix + browserCookie, language: prefix + languageCookie, secure: true}
}

// browserOf reads what a browser sent. One that is not known yet gets its
// cookie.
func (s *site) browserOf(v *visit) engine.Browser {
	b, known := s.browserSent(v)
	if !known {
		s.remember(v, b)
	}
	return b
}

// browserSent reads what a browser sent. One that is not known yet has a fresh
// name, which it gets if it is remembered.
func (s *site) browserSent(v *visit) (b engine.Browser, known bool) {
	agent := strings.ToValidUTF8(v.r.UserAgent(), "")
	if len(agent) > maxAgent {
		agent = strings.ToValidUTF8(agent[:maxAgent], "")
	}
	b = engine.Browser{
		Session: s.cookie(v, s.cookies.session),
		Browser: s.cookie(v, s.cookies.browser),
		Agent:   agent,
		Network: v.from.network,
	}
	if known = b.Browser != ""; !known {
		b.Browser = rand.Text()
	}
	return b, known
}

// remember gives a browser its cookie.
func (s *site) remember(v *visit, b engine.Browser) {
	s.setCookie(v, s.cookies.browser, b.Browser, browserAge)
}

// cookie is the value of a cookie of ours. Of two with one name none can be
// believed.
func (s *site) cookie(v *visit, name string) string {
	found := v.r.CookiesNamed(name)
	if len(found) != 1 || len(found[0].Value) > maxCookie {
		return ""
	}
	return found[0].Value
}

// signIn sets the cookie of a new session. It ends with the browser's own
// session; how long it is good for, the server knows.
func (s *site) signIn(v *visit, value string) { s.setCookie(v, s.cookies.session, value, 0) }

// forget removes the cookie of a session that is over, if the browser sent one.
func (s *site) forget(v *visit) {
	if len(v.r.CookiesNamed(s.cookies.session)) > 0 {
		s.setCookie(v, s.cookies.session, "", -1)
	}
}

// setCookie: Lax, because a client sends the browser here by a link or a
// redirect, and nothing is decided by a cross-site post.
func (s *site) setCookie(v *visit, name, value string, maxAge int) {
	http.SetCookie(v, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: s.cookies.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
