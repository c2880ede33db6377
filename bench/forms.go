package main

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// form is an HTML form as a browser without scripts sees it.
type form struct {
	action string
	fields url.Values         // what is sent whatever the user does: hidden fields and ticked boxes
	ids    map[string]control // the controls that have an id, by it
}

type control struct{ name, value string }

var (
	tagPattern       = regexp.MustCompile(`(?is)<(/?form|input|button)\b([^>]*)>`)
	attributePattern = regexp.MustCompile(`(?s)([a-zA-Z][a-zA-Z-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// parseForms finds the forms of a page of ours: written by html/template, so attribute values hold no bare ">".
func parseForms(page string) []form {
	var forms []form
	open := false
	for _, tag := range tagPattern.FindAllStringSubmatch(page, -1) {
		attributes := parseAttributes(tag[2])
		switch strings.ToLower(tag[1]) {
		case "form":
			open = true
			forms = append(forms, form{action: attributes["action"], fields: url.Values{}, ids: map[string]control{}})
		case "/form":
			open = false
		default:
			if open {
				forms[len(forms)-1].add(attributes)
			}
		}
	}
	return forms
}

func parseAttributes(text string) map[string]string {
	attributes := map[string]string{}
	for _, match := range attributePattern.FindAllStringSubmatch(text, -1) {
		attributes[strings.ToLower(match[1])] = html.UnescapeString(match[2] + match[3] + match[4])
	}
	return attributes
}

func (f form) add(attributes map[string]string) {
	name, value := attributes["name"], attributes["value"]
	if id := attributes["id"]; id != "" {
		f.ids[id] = control{name, value}
	}
	_, ticked := attributes["checked"]
	kind := strings.ToLower(attributes["type"])
	if name != "" && (kind == "hidden" || ticked && (kind == "checkbox" || kind == "radio")) {
		f.fields.Add(name, value)
	}
}

// formWith returns the form that holds the control with the id.
func formWith(forms []form, id string) (form, bool) {
	for _, f := range forms {
		if _, found := f.ids[id]; found {
			return f, true
		}
	}
	return form{}, false
}

// fill types a value into the control with the id.
func (f form) fill(id, value string) { f.fields.Set(f.ids[id].name, value) }

// press adds what the button with the id sends.
func (f form) press(id string) {
	if button := f.ids[id]; button.name != "" {
		f.fields.Set(button.name, button.value)
	}
}
