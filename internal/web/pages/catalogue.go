package pages

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

//go:embed catalogues/*.json
var catalogueFiles embed.FS

// Languages are those that the pages speak, as BCP 47 tags in canonical form. The
// first is the one that a server speaks by default.
func Languages() []string { return []string{"en", "de"} }

// tongue is one language: its sentences, by key, and what else is said
// differently in it. It is immutable.
type tongue struct {
	code     string
	tag      language.Tag
	messages map[string]sentenceForms
}

// sentenceForms are the plural forms of a sentence, of which one is chosen by its
// number n. A sentence without a number has the one form "other".
type sentenceForms map[plural.Form][]part

// part of a sentence: text as it is, or the name of what is put in its place.
type part struct{ text, name string }

// pluralForms are the names of the forms in a catalogue, as in CLDR.
func pluralForms() map[string]plural.Form {
	return map[string]plural.Form{
		"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
	}
}

// loadTongue reads the catalogue of a language.
func loadTongue(code string) (*tongue, error) {
	text, err := catalogueFiles.ReadFile("catalogues/" + code + ".json")
	if err != nil {
		return nil, fmt.Errorf("reading catalogue: %w", err)
	}
	return parseTongue(code, text)
}

func parseTongue(code string, text []byte) (*tongue, error) {
	tag, err := language.Parse(code)
	if err != nil {
		return nil, fmt.Errorf("parsing language %s: %w", code, err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("parsing catalogue %s: %w", code, err)
	}
	l := &tongue{code: code, tag: tag, messages: make(map[string]sentenceForms, len(raw))}
	for key, value := range raw {
		if l.messages[key], err = parseForms(value); err != nil {
			return nil, fmt.Errorf("parsing %s in catalogue %s: %w", key, code, err)
		}
	}
	return l, nil
}

// parseForms reads a sentence, or an object with one for each plural form.
func parseForms(value json.RawMessage) (sentenceForms, error) {
	if bytes.HasPrefix(value, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return nil, err
		}
		return sentenceForms{plural.Other: partsOf(text)}, nil
	}
	var texts map[string]string
	if err := json.Unmarshal(value, &texts); err != nil {
		return nil, err
	}
	forms, known := sentenceForms{}, pluralForms()
	for name, text := range texts {
		form, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("%q is no plural form", name)
		}
		forms[form] = partsOf(text)
	}
	if _, ok := forms[plural.Other]; !ok {
		return nil, errors.New("there is no form other")
	}
	return forms, nil
}

var placeholderPattern = regexp.MustCompile(`\{([a-z]+)\}`)

func partsOf(text string) []part {
	var parts []part
	at := 0
	for _, m := range placeholderPattern.FindAllStringSubmatchIndex(text, -1) {
		parts = append(parts, part{text: text[at:m[0]]}, part{name: text[m[2]:m[3]]})
		at = m[1]
	}
	return append(parts, part{text: text[at:]})
}

// say is the sentence of a key, with the values of its placeholders as pairs of
// name and value. The number n chooses the plural form. A sentence into which
// markup is put is markup; any other text in it is escaped.
func (l *tongue) say(key string, pairs ...any) (any, error) {
	forms, ok := l.messages[key]
	if !ok {
		return "", fmt.Errorf("no sentence %q in %s", key, l.code)
	}
	values, isHTML := make(map[string]any, len(pairs)/2), false
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		values[name] = pairs[i+1]
		_, markup := pairs[i+1].(template.HTML)
		isHTML = isHTML || markup
	}
	text, err := l.fill(forms.of(l.tag, values["n"]), values, isHTML)
	if err != nil {
		return "", fmt.Errorf("saying %q in %s: %w", key, l.code, err)
	}
	if isHTML {
		return template.HTML(text), nil //nolint:gosec // every part was escaped or is markup of ours
	}
	return text, nil
}

// of chooses the form for a number.
func (f sentenceForms) of(tag language.Tag, n any) []part {
	if count, ok := n.(int); ok {
		if parts, ok := f[plural.Cardinal.MatchPlural(tag, count, 0, 0, 0, 0)]; ok {
			return parts
		}
	}
	return f[plural.Other]
}

func (l *tongue) fill(parts []part, values map[string]any, isHTML bool) (string, error) {
	escape := func(text string) string { return text }
	if isHTML {
		escape = template.HTMLEscapeString
	}
	var b strings.Builder
	for _, p := range parts {
		if p.name == "" {
			b.WriteString(escape(p.text))
			continue
		}
		switch value := values[p.name].(type) {
		case template.HTML:
			b.WriteString(string(value))
		case string:
			b.WriteString(escape(value))
		case int:
			b.WriteString(l.number(value))
		default:
			return "", fmt.Errorf("placeholder %s has no value", p.name)
		}
	}
	return b.String(), nil
}

// number is a number as people write it.
func (l *tongue) number(n int) string {
	const grouped = 1000 // below, every language of ours writes digits alone
	if -grouped < n && n < grouped {
		return strconv.Itoa(n)
	}
	return message.NewPrinter(l.tag).Sprint(number.Decimal(n))
}

// text is a sentence without markup, of a key that the catalogues are known to
// have: a test holds every key that this package can ask for.
func (l *tongue) text(key string, pairs ...any) string {
	said, err := l.say(key, pairs...)
	if err != nil {
		return "" // unreachable, and no page is better for a panic
	}
	text, _ := said.(string)
	return text
}
