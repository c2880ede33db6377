package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// purpose is what a form token is good for: the forms of one page.
type purpose string

const (
	forLogin   purpose = "login"
	forConsent purpose = "consent"
	forChoice  purpose = "choose"
	forLogout  purpose = "logout"
	forSetup   purpose = "setup"
	forSignUp  purpose = "sign-up"
	forAccount purpose = "account"
)

// formToken ties a form to the browser that it was shown to. Nothing is stored,
// and every node that shares the key agrees.
func (s *site) formToken(p purpose, browser string) string {
	mac := hmac.New(sha256.New, s.formKey)
	mac.Write([]byte(string(p) + "\x00" + browser))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *site) form(p purpose, b engine.Browser, interaction string) pages.Form {
	return pages.Form{Token: s.formToken(p, b.Browser), Interaction: interaction}
}

// posted reads a form that acts in the name of a cookie: it must come from a
// page of ours, shown to this very browser. RFC 9700 §4.7, ASVS 3.5.1.
func (s *site) posted(v *visit, p purpose) (oauth.Form, engine.Browser, *oauth.Error) {
	if !s.sameOrigin(v.r.Header) {
		return oauth.Form{}, engine.Browser{}, oauth.Refuse(oauth.ReasonOriginForeign)
	}
	form, err := oauth.ParseForm(v.body)
	if err != nil {
		return form, engine.Browser{}, err
	}
	v.interaction, v.shownIn = form.Get(pages.FieldInteraction), s.pages.Speaks(form.Get(pages.FieldLanguage))
	b := s.browserOf(v)
	if !hmac.Equal([]byte(form.Get(pages.FieldToken)), []byte(s.formToken(p, b.Browser))) {
		return form, b, oauth.Refuse(oauth.ReasonFormTokenWrong)
	}
	return form, b, nil
}

// sameOrigin looks at Sec-Fetch-Site, which scripts cannot set; "none" is the
// user's own doing. Browsers without it are judged by Origin, which our
// Referrer-Policy makes "null": then the form token alone decides.
func (s *site) sameOrigin(h http.Header) bool {
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		origin := h.Get("Origin")
		return origin == "" || origin == "null" || origin == s.issuer.Origin()
	}
	return false
}

// queryEscape is for one value of a query.
func queryEscape(value string) string { return url.QueryEscape(value) }
