package person

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
)

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	fieldTag  = regexp.MustCompile(`<(?:input|button)[^>]*>`)
	attribute = regexp.MustCompile(` ([a-z-]+)(?:="([^"]*)")?`)
)

// Fill gives what a browser sends when a button of a page is pressed, and where
// to: what is hidden or ticked, the button, and the fields that were filled in, by
// their ids. An empty value takes a tick away.
func Fill(page, button string, fields map[string]string) (action string, values url.Values, err error) {
	for _, found := range formTag.FindAllStringSubmatch(page, -1) {
		values, ids := url.Values{}, map[string]bool{}
		for _, tag := range fieldTag.FindAllString(found[0], -1) {
			a := map[string]string{}
			for _, pair := range attribute.FindAllStringSubmatch(tag, -1) {
				a[pair[1]] = html.UnescapeString(pair[2])
			}
			value, filled := fields[a["id"]]
			_, ticked := a["checked"]
			if a["id"] == button || !filled && (a["type"] == "hidden" || ticked) {
				value = a["value"]
			}
			ids[a["id"]] = true
			if a["name"] != "" && value != "" {
				values.Add(a["name"], value)
			}
		}
		if !ids[button] {
			continue
		}
		for id := range fields {
			if !ids[id] {
				return "", nil, fmt.Errorf("the form with %s has no field %s", button, id)
			}
		}
		return html.UnescapeString(found[1]), values, nil
	}
	return "", nil, fmt.Errorf("the page has no form with the button %s", button)
}
