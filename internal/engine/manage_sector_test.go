package engine_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// TestASectorListsTheAddressesOfItsClients: OpenID Connect Core §8.1. The list is
// read when client and sector meet, and not each time something else is changed.
func TestASectorListsTheAddressesOfItsClients(t *testing.T) {
	o := newOffice(t)
	var asked atomic.Int64
	answers := map[string]string{
		"/both": `["https://a.example/cb","https://b.example/cb","https://c.example/cb"]`, "/one": `["https://a.example/cb"]`,
		"/object": `{"redirect_uris":["https://a.example/cb","https://b.example/cb"]}`, "/text": "nothing", "/empty": "",
		"/long": `["https://a.example/cb","https://b.example/cb","` + fmt.Sprintf("%070000d", 1) + `"]`,
	}
	list := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/both", http.StatusFound)
			return
		}
		if answers[r.URL.Path] == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	t.Cleanup(list.Close)
	issuer, err := oauth.ParseIssuer(officeIssuer)
	o.must(err)
	e, err := engine.Open(t.Context(), engine.Config{
		Policy: decide.DefaultPolicy(issuer), Store: o.store, KEK: secret.KEK{1}, Log: slog.New(slog.DiscardHandler),
		Egress: egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
	})
	o.must(err)
	t.Cleanup(e.Close)
	form := func(path string) engine.ClientForm {
		return engine.ClientForm{Name: "Two houses", Settings: record.ClientSettings{
			GrantTypes: []string{oauth.GrantAuthorizationCode}, RedirectURIs: []string{"https://a.example/cb", "https://b.example/cb"},
			SubjectType: record.SubjectPairwise, SectorIdentifierURI: list.URL + path,
		}}
	}
	for path := range answers {
		_, err := e.CreateClient(t.Context(), "", form(path))
		if path == "/both" {
			o.must(err)
			continue
		}
		o.refused(err, engine.Invalid, "sector_identifier_uri")
	}
	_, err = e.CreateClient(t.Context(), "", form("/elsewhere"))
	o.refused(err, engine.Invalid, "sector_identifier_uri")

	made, err := e.CreateClient(t.Context(), "houses", form("/both"))
	o.must(err)
	before := asked.Load()
	renamed := form("/both")
	renamed.Name = "Two old houses"
	_, err = e.UpdateClient(t.Context(), made.ID, renamed, 0)
	o.must(err)
	if asked.Load() != before {
		t.Error("the list was asked for though nothing of it changed")
	}
	more := form("/both")
	more.Settings.RedirectURIs = append(more.Settings.RedirectURIs, "https://d.example/cb")
	_, err = e.UpdateClient(t.Context(), made.ID, more, 0)
	o.refused(err, engine.Invalid, "sector_identifier_uri")
	if asked.Load() == before {
		t.Error("one more address was not looked for in the list")
	}
}
