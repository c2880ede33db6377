package web

import (
	"cmp"
	"log/slog"
	"path"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// Endpoint says of a route what people read about it.
type Endpoint struct {
	Methods string // as in Allow
	Path    string
	About   string // a sentence
	Scope   string // of an administrator, in words: that a token needs for it
	Spec    string // what it keeps to; empty: it is our own
}

// Endpoints lists the public routes of a server with this issuer, by path. They
// are read from the table that serves them.
func Endpoints(issuer oauth.Issuer) ([]Endpoint, error) {
	templates, err := pages.New(issuer.String())
	if err != nil {
		return nil, err
	}
	nowhere := slog.New(slog.DiscardHandler) // nobody is served
	s := &site{issuer: issuer, pages: templates, feed: &feed.Feed{}, registers: true, log: nowhere}
	routes := s.table(metadataDocuments{})
	routes[s.ofRegistration.name], routes[s.ofArrival.name] = s.ofRegistration, s.ofArrival
	var list []Endpoint
	for at, r := range routes {
		if strings.HasPrefix(at, "/assets/") {
			at = "/assets/{hash}" + path.Ext(at)
		}
		list = append(list, Endpoint{Methods: r.allow(), Path: at, About: r.about, Spec: r.spec})
	}
	return sorted(list), nil
}

// AdminEndpoints lists the routes of the administration API, by path.
func AdminEndpoints() []Endpoint {
	var list []Endpoint
	for pattern, act := range (&administration{}).acts() {
		method, at, _ := strings.Cut(pattern, " ")
		list = append(list, Endpoint{Methods: method, Path: admin.Root + at, About: act.about, Scope: shownScope(act.scope)})
	}
	return sorted(list)
}

func shownScope(scope string) string {
	switch scope {
	case anyScope:
		return "any"
	case socketOnly:
		return "none: at the socket alone"
	}
	return "`" + scope + "`"
}

func sorted(list []Endpoint) []Endpoint {
	slices.SortFunc(list, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Methods, b.Methods))
	})
	return list
}
