package engine

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// The rules that several forms share. Each adds what is wrong and changes nothing.

const (
	maxName  = 100  // code points
	maxLink  = 2048 // bytes
	maxTexts = 10
)

// name: text that a page shows to users, who must be able to trust what they see.
func (p *problems) name(field, text string) {
	if text == "" {
		p.add(field, "is needed")
		return
	}
	p.text(field, text)
}

// text: one line; no control and no invisible characters, which could make one
// name look like another.
func (p *problems) text(field, text string) {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		p.add(field, "consists of visible characters")
	case utf8.RuneCountInString(text) > maxName:
		p.add(field, "has at most %d characters", maxName)
	case strings.TrimSpace(text) != text:
		p.add(field, "has no space at its ends")
	}
}

// texts is a short list of them.
func (p *problems) texts(field string, list []string) {
	if len(list) > maxTexts {
		p.add(field, "are at most %d", maxTexts)
	}
	p.twice(field, list)
	for _, text := range list {
		p.name(field, text)
	}
}

func (p *problems) oneOf(field, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.add(field, "is one of %s", strings.Join(allowed, ", "))
	}
}

func (p *problems) twice(field string, list []string) {
	for i, value := range list {
		if slices.Contains(list[:i], value) {
			p.add(field, "%q is there twice", value)
		}
	}
}

// lifetime: seconds, where zero means the default.
func (p *problems) lifetime(field string, value, most int64) {
	if value != 0 && (value < minTTL || value > most) {
		p.add(field, "is 0 (the default) or from %d to %d seconds", minTTL, most)
	}
}

// scope: RFC 6749 §3.3.
func (p *problems) scope(field, scope string) {
	if _, ok := oauth.ParseScopes(scope); !ok {
		p.add(field, "is words of visible ASCII characters with one space between them")
	}
	p.twice(field, strings.Fields(scope))
}

func (p *problems) attributes(field string, names []string) {
	p.twice(field, names)
	var known []string
	for _, scope := range oauth.StandardScopes() {
		known = append(known, oauth.AttributesOf(scope)...)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			p.add(field, "there is no attribute %q", name)
		}
	}
}

// link: an address that pages send users to, or load an image from.
func (p *problems) link(field, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(text) > maxLink {
		p.add(field, "is an https address")
	}
}
