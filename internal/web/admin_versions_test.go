package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/feed"
)

// send is ask with header fields and the whole answer.
func (o *office) send(method, path, body string, header ...string) *httptest.ResponseRecorder {
	o.t.Helper()
	r := httptest.NewRequest(method, admin.Root+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	return w
}

// RFC 9110 §13.1.1: what changed since it was read is not changed over.
func TestAnUpdateIsBoundToTheVersionThatWasRead(t *testing.T) {
	o := newOffice(t)
	const (
		client = `{"name":"App","grant_types":["client_credentials"]}`
		user   = `{"email":"bob@example.com"}`
		stale  = `{"type":"urn:mintmark:problem:precondition","title":"It is not of the version that If-Match names","status":412,"detail":"Nothing was changed; read it again"}`
		asked  = `{"type":"urn:mintmark:problem:invalid","title":"The request is refused","status":400,"errors":[{"field":"If-Match","message":`
	)
	made := o.send(http.MethodPost, "users", user)
	var bob admin.User
	if err := json.Unmarshal(made.Body.Bytes(), &bob); err != nil || made.Header().Get("ETag") != `"1"` {
		t.Fatalf("%v %v", err, made.Header())
	}
	for _, c := range []struct {
		method, path, body, match string
		status                    int
		tag, answer               string
	}{
		{"POST", "clients", `{"client_id":"app",` + client[1:], "", 200, `"1"`, ""},
		{"GET", "clients/app", "", "", 200, `"1"`, ""},
		{"PUT", "clients/app", client, `"2"`, 412, "", stale},
		{"PUT", "clients/app", client, `W/"1"`, 412, "", stale},
		{"PUT", "clients/app", client, `"one"`, 412, "", stale},
		{"PUT", "clients/app?dry_run=true", client, `"1"`, 200, "", ""},
		{"PUT", "clients/app", client, `"7", "1"`, 200, `"2"`, ""},
		{"PUT", "clients/app", client, `"1"`, 412, "", stale},
		{"PUT", "clients/app", client, `*`, 200, `"3"`, ""},
		{"PUT", "clients/app", client, ``, 200, `"4"`, ""},
		{"PUT", "clients/nobody", client, `"1"`, 404, "", ""},
		{"PUT", "clients/app", client[:len(client)-1] + `,"version":3}`, `"4"`, 409, "", ""},
		{"PUT", "clients/app", client, `4`, 400, "", asked},
		{"PUT", "clients/app", client, `"4`, 400, "", asked},
		{"PUT", "clients/app", client, `"4",`, 400, "", asked},
		{"POST", "clients/app/disable", "", `"3"`, 412, "", stale},
		{"POST", "clients/app/disable", "", `"4"`, 200, `"5"`, ""},
		{"POST", "clients/app/enable", "", `"4"`, 412, "", stale},
		{"DELETE", "clients/app", "", `"4"`, 412, "", stale},
		{"POST", "clients/app/rotate-secret", `{}`, `"5"`, 400, "", asked},
		{"PUT", "resources/" + "https:%2F%2Fapi.example", `{"name":"API"}`, `"7"`, 412, "", stale},
		{"PUT", "resources/" + "https:%2F%2Fapi.example", `{"name":"API"}`, `"1"`, 200, `"2"`, ""},
		{"PUT", "users/" + bob.Sub, user, `"2"`, 412, "", stale},
		{"PUT", "users/" + bob.Sub, user, `"1"`, 200, `"2"`, ""},
		{"POST", "users/" + bob.Sub + "/disable", "", `"1"`, 412, "", stale},
		{"POST", "users/" + bob.Sub + "/disable", "", `"2"`, 200, `"3"`, ""},
		{"DELETE", "users/" + bob.Sub, "", `"2"`, 412, "", stale},
		{"DELETE", "users/" + bob.Sub, "", `"3"`, 204, "", ""},
		{"DELETE", "users/" + bob.Sub, "", `"3"`, 404, "", ""},
		{"DELETE", "resources/" + "https:%2F%2Fapi.example", "", `"1"`, 412, "", stale},
		{"DELETE", "resources/" + "https:%2F%2Fapi.example", "", `"2"`, 204, "", ""},
	} {
		var header []string
		if c.match != "" {
			header = []string{"If-Match", c.match}
		}
		w := o.send(c.method, c.path, c.body, header...)
		if w.Code != c.status || w.Header().Get("ETag") != c.tag || !strings.HasPrefix(w.Body.String(), c.answer) {
			t.Errorf("%s %s if %s: %d %q %s", c.method, c.path, c.match, w.Code, w.Header().Get("ETag"), w.Body)
		}
	}
	if _, text := o.ask(http.MethodGet, "clients", ""); !strings.Contains(text, `"client_id":"app"`) {
		t.Error("the client is gone")
	}
}

// Every list is read to its end, a page at a time.
func TestListsThatAreInMemoryComeInPages(t *testing.T) {
	o := newOffice(t)
	const many = 450
	head, err := o.world.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		err := o.world.feed.Report("reader", feed.Report{Name: fmt.Sprintf("v%03d", i), Version: "1", Policy: "strict", State: "live", Log: head.LogID})
		if err != nil {
			t.Fatal(err)
		}
	}
	seen, pages := map[string]bool{}, 0
	for after := ""; ; pages++ {
		var page struct {
			Items []admin.Verifier `json:"items"`
			Next  string           `json:"next"`
		}
		w := o.send(http.MethodGet, "verifiers?after="+after, "")
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Items {
			seen[v.Name] = true
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(seen) != many || pages != 2 {
		t.Errorf("%d verifiers in %d pages and a last", len(seen), pages)
	}
	one := o.send(http.MethodGet, "keys", "")
	var keys struct {
		Items []admin.Key `json:"items"`
	}
	if err := json.Unmarshal(one.Body.Bytes(), &keys); err != nil || len(keys.Items) < 2 {
		t.Fatal(err, one.Body)
	}
	first := keys.Items[0]
	rest := o.send(http.MethodGet, fmt.Sprintf("keys?after=%016d.%s", first.CreatedAt.UnixMilli(), first.KID), "")
	if err := json.Unmarshal(rest.Body.Bytes(), &struct{}{}); err != nil || strings.Contains(rest.Body.String(), first.KID) || !strings.Contains(rest.Body.String(), keys.Items[1].KID) {
		t.Errorf("after the first: %s", rest.Body)
	}
}
