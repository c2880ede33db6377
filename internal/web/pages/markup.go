package pages

import (
	"html/template"
	"time"
)

// The few elements that stand inside sentences. They are made here, so that a
// sentence holds no markup, and can put them where its language wants them.

// wrapped is text inside an element, whose start and end are ours.
func wrapped(start, text, end string) template.HTML {
	return template.HTML(start + template.HTMLEscapeString(text) + end) //nolint:gosec // the text is escaped
}

// bdi is what somebody wrote, kept from turning the direction of what is around.
func bdi(text string) template.HTML { return wrapped("<bdi>", displayName(text), "</bdi>") }

func host(text string) template.HTML {
	return wrapped(`<strong class="host">`, text, "</strong>")
}

func code(text string) template.HTML {
	return wrapped(`<code translate="no">`, displayName(text), "</code>")
}

// strong stresses text, or markup made here.
func strong(inside any) template.HTML {
	if markup, ok := inside.(template.HTML); ok {
		return "<strong>" + markup + "</strong>"
	}
	text, _ := inside.(string)
	return wrapped("<strong>", text, "</strong>")
}

// anchor is a link. The address is one of ours, or was checked.
func anchor(address, text string) template.HTML {
	return wrapped(`<a href="`, address, `">`) + wrapped("", text, "</a>")
}

// outward is a link to an address that a client gave, which was checked.
func outward(address, text string) template.HTML {
	return wrapped(`<a rel="noopener noreferrer" href="`, address, `">`) + wrapped("", text, "</a>")
}

// client is the name of a client.
func (l *tongue) client(c Client) template.HTML {
	name := displayName(c.Name)
	if name == "" {
		name = l.text("client.unnamed")
	}
	return wrapped(`<bdi class="client">`, name, "</bdi>")
}

// home is the name of a client, as a link to its home page if it has one.
func (l *tongue) home(c Client) template.HTML {
	address := httpsOnly(c.HomeURI)
	if address == "" {
		return l.client(c)
	}
	return wrapped(`<a rel="noopener noreferrer" href="`, address, `">`) + l.client(c) + "</a>"
}

// user is what a user is called.
func user(u User) template.HTML {
	if displayName(u.Name) != "" {
		return bdi(u.Name)
	}
	return bdi(u.Identifier)
}

// past is how long ago something was, as seen at now.
func (l *tongue) past(now, t time.Time) template.HTML {
	return wrapped(`<time datetime="`, t.UTC().Format(time.RFC3339), `">`) + wrapped("", l.ago(now, t), "</time>")
}

// date is the day on which something was.
func (l *tongue) date(t time.Time) template.HTML {
	return wrapped(`<time datetime="`, t.UTC().Format(time.DateOnly), `">`) + wrapped("", l.day(t), "</time>")
}
