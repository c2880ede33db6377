package engine

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/decide"
)

// mostLocalized bounds the fields in other languages.
const mostLocalized = 50

// languageTag is how a tag of BCP 47 looks; which languages there are is not ours.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$`)

// localized: a field in another language keeps the rule of the field.
func (p *problems) localized(fields map[string]string) {
	if len(fields) > mostLocalized {
		p.add("localized", "are at most %d", mostLocalized)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		base, tag, _ := strings.Cut(name, "#")
		switch {
		case !slices.Contains(decide.Localizable(), base):
			p.add("localized", "%q is none of %s", base, strings.Join(decide.Localizable(), ", "))
		case !languageTag.MatchString(tag):
			p.add(base, "%q is no language, as in de or pt-BR", tag)
		case base == "client_name":
			p.name(base, fields[name])
		default:
			p.link(base, fields[name])
		}
	}
}
