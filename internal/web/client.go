package web

import (
	"maps"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// clientIn is what a page says about a client, in the language of the page where
// the client says it in that.
func (s *site) clientIn(v *visit, view engine.ClientView) pages.Client {
	language := s.languageOf(v)
	in := func(field, otherwise string) string {
		if text := localized(view.Localized, field, language); text != "" {
			return text
		}
		return otherwise
	}
	return pages.Client{
		Name: in("client_name", view.Name), HomeURI: in("client_uri", view.ClientURI), LogoURI: in("logo_uri", view.LogoURI),
		PolicyURI: in("policy_uri", view.PolicyURI), TermsURI: in("tos_uri", view.TosURI),
	}
}

// localized is a field in a language, or in one of its dialects; "" if the client
// does not say it so (RFC 7591 §2.2).
func localized(fields map[string]string, field, language string) string {
	if text := fields[field+"#"+language]; text != "" {
		return text
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		base, tag, _ := strings.Cut(name, "#")
		primary, _, _ := strings.Cut(tag, "-")
		if base == field && strings.EqualFold(primary, language) {
			return fields[name]
		}
	}
	return ""
}
