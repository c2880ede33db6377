package web

import (
	"net/url"
	"strings"

	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// Languages are those of the pages. The first is the one by default.
func Languages() []string { return pages.Languages() }

// overWhich is as much of an interaction as the language cookie keeps: enough to
// know it again, too little to come back to it.
const overWhich = 8

// languageOf is the language that a page is shown in: what its user chooses with
// this request; that of the page whose form was sent, whatever comes of it; what
// the user chose over this interaction; what the client asked for; what the user
// chose before; what the browser asks for; the server's own.
func (s *site) languageOf(v *visit) string {
	if chosen := oneOf(s.chosen(v), v.shownIn); chosen != "" {
		return chosen
	}
	before, over, _ := strings.Cut(s.cookie(v, s.cookies.language), ".")
	before = s.pages.Speaks(before)
	if before != "" && over != "" && over == startOf(v.interaction) {
		return before
	}
	// OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2: ui_locales.
	if asked := s.pages.ForLocales(v.uiLocales); asked != "" {
		return asked
	}
	return oneOf(before, oneOf(s.pages.ForHeader(v.r.Header.Get("Accept-Language")), s.language))
}

// chosen is the user's choice, which a link on our pages makes.
func (s *site) chosen(v *visit) string {
	if !strings.Contains(v.r.URL.RawQuery, pages.FieldLanguage+"=") {
		return ""
	}
	query, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil || len(query[pages.FieldLanguage]) != 1 {
		return ""
	}
	return s.pages.Speaks(query.Get(pages.FieldLanguage))
}

// keepLanguage keeps the user's choice in the browser. It is of no use to anybody
// else, so no form need guard it.
func (s *site) keepLanguage(v *visit) {
	if code := s.chosen(v); code != "" {
		s.setCookie(v, s.cookies.language, strings.TrimSuffix(code+"."+startOf(v.interaction), "."), browserAge)
	}
}

func startOf(interaction string) string { return interaction[:min(len(interaction), overWhich)] }
