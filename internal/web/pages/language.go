package pages

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// What is read of a list of languages that somebody sent.
const (
	maxWishes = 16  // languages
	maxWish   = 512 // bytes
)

// chooser finds, among the languages of the pages, the one that suits somebody.
type chooser struct {
	codes   []string
	matcher language.Matcher
}

func newChooser(tongues []*tongue) chooser {
	var c chooser
	tags := make([]language.Tag, len(tongues))
	for i, l := range tongues {
		c.codes, tags[i] = append(c.codes, l.code), l.tag
	}
	c.matcher = language.NewMatcher(tags)
	return c
}

// among is the language that suits a list of tags best, or "" if none does. A
// dialect, and a language that its speakers commonly read, suits too: de-CH
// finds de, and en-AU finds en.
func (c chooser) among(tags []language.Tag) string {
	if len(tags) == 0 {
		return ""
	}
	_, at, confidence := c.matcher.Match(tags[:min(len(tags), maxWishes)]...)
	if confidence == language.No {
		return ""
	}
	return c.codes[at]
}

// Speaks gives the language back if it is one of the pages, else "".
func (s *Site) Speaks(code string) string {
	if slices.Contains(s.chooser.codes, code) {
		return code
	}
	return ""
}

// ForLocales is the language that suits ui_locales, a list of BCP 47 tags in
// order of preference, separated by spaces (OpenID Connect Core §3.1.2.1), or ""
// if none does: what is not supported is no error.
func (s *Site) ForLocales(uiLocales string) string {
	var tags []language.Tag
	for word := range strings.FieldsSeq(uiLocales[:min(len(uiLocales), maxWish)]) {
		if tag, err := language.Parse(word); err == nil {
			tags = append(tags, tag)
		}
	}
	return s.chooser.among(tags)
}

// ForHeader is the language that suits Accept-Language (RFC 9110 §12.5.4), or ""
// if none does.
func (s *Site) ForHeader(acceptLanguage string) string {
	if len(acceptLanguage) > maxWish {
		return ""
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return ""
	}
	return s.chooser.among(tags)
}
