package security_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// confusing are addresses that one reader takes for another's than the next reader does.
var confusing = []string{
	// Paths.
	"https://app.example/a/../cb", "https://app.example/./cb", "https://app.example/..", "https://app.example/%2e%2e/cb", "https://app.example/.%2E/cb",
	"https://app.example/cb%5c..", `https://app.example\@evil.example/cb`, `https://app.example/a\b`,
	// Encodings.
	"https://app.example/cb%", "https://app.example/cb%zz", "https://app.example/cb%00", "https://app.example/cb%0d%0aX:y", "https://app.example/c\u0062\u0000",
	"https://app.example/cb\r\nX: y", "https://app.example/c b", " https://app.example/cb", "https://app.example/cb ", "https://app%2eexample/cb", "https://app.example%2f/cb",
	// User information.
	"https://u@app.example/cb", "https://u:p@app.example/cb", "https://@app.example/cb", "https://app.example@evil.example/cb", "https://app.example%40evil.example/cb",
	"com.example.app://u@cb/",
	// Case and scheme.
	"HTTPS://app.example/cb", "Https://app.example/cb", "http://app.example/cb", "https:app.example/cb", "https:/app.example/cb", "https:///cb", "//app.example/cb", "/cb", "cb",
	"javascript:alert(1)//https://app.example/cb", "data:text/html,x", "vbscript:x", "file:///cb", "blob:https://app.example/x", "about:blank", "app:/cb", "ftp://app.example/cb",
	"com.example.app:cb", "com.example.app://[::1]/cb", "com.example.app://cb:80/",
	// Fragments.
	"https://app.example/cb#", "https://app.example/cb#x", "https://app.example/#/cb", "com.example.app:/cb#x",
	// Ports.
	"https://app.example:0/cb", "https://app.example:65536/cb", "https://app.example:0443/cb", "https://app.example:/cb", "https://app.example:44x/cb", "https://app.example:443:443/cb",
	"http://127.0.0.1:99999/cb",
	// Hosts.
	"https://äpp.example/cb", "https://аpp.example/cb", "https://app。example/cb", "https://app.example\u200b/cb", "https://ａpp.example/cb", "https://app..example/cb", "https://.example/cb",
	"https://-app.example/cb", "https://app.example./cb", "https://*.example/cb", "https://127.1/cb", "https://2130706433/cb", "https://0x7f.0.0.1/cb", "https://0177.0.0.1/cb",
	"https://[::1%25lo]/cb", "https://[::1/cb", "https://[127.0.0.1]/cb", "http://127.0.0.2/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/cb", "http://0/cb",
}

// RFC 9700 §4.1.3, RFC 6749 §3.1.2: what a client says of itself is judged as what an administrator says of it.
func TestB3_AClientCannotRegisterAConfusingAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(openRegistration))
	before := w.count(`SELECT count(*) FROM clients`)
	long := "https://app.example/" + strings.Repeat("a", 2048)
	for field, code := range map[string]string{"redirect_uris": "invalid_redirect_uri", "post_logout_redirect_uris": "invalid_client_metadata"} {
		for _, uri := range append([]string{long, ""}, confusing...) {
			said := map[string]any{"redirect_uris": []string{"https://app.example/cb"}}
			said[field] = []string{"https://app.example/cb", uri}
			body, err := json.Marshal(said)
			w.must(err)
			a := w.newBrowser().says(http.MethodPost, oauth.PathRegister, "", string(body))
			if a.StatusCode != http.StatusBadRequest || a.refusal() != code {
				t.Errorf("%s %q: %d %s", field, uri, a.StatusCode, a.body)
			}
		}
	}
	if after := w.count(`SELECT count(*) FROM clients`); after != before {
		t.Errorf("%d clients came of it", after-before)
	}
}

// OpenID Connect Core §8.1, Dynamic Client Registration §5: the list of a sector is read from outside alone, in time and in
// bounds; where it cannot be read there is no client.
func TestY9_ASectorsListIsReadWithinLimitsAndFromNowhereInward(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("127.0.0.3/32"), withPolicy(openRegistration))
	var calls atomic.Int64
	inside := serveOn(t, "127.0.0.2", func(rw http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = rw.Write([]byte(`["https://app.example/cb"]`))
	})
	block := []byte(strings.Repeat(" ", 1<<20))
	answers := map[string]http.HandlerFunc{
		"redirects": func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, inside, http.StatusFound) },
		"missing":   func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) },
		"a page":    func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>" + canary)) },
		"an object": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(`{"0":"https://app.example/cb"}`))
		},
		"others": func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(`["https://app.example/CB"]`)) },
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a gigabyte": func(rw http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := rw.Write(block); err != nil {
					return
				}
			}
			t.Error("a gigabyte was read")
		},
	}
	places := map[string]string{
		"inward": inside, "inward by name": strings.Replace(inside, "127.0.0.2", "localhost", 1), "the cloud's": "http://169.254.169.254/latest",
		"no https": "ftp://app.example/", "no address": canary,
	}
	for name, answer := range answers {
		places[name] = serveOn(t, "127.0.0.3", answer)
	}
	before := w.count(`SELECT count(*) FROM clients`)
	for name, uri := range places {
		body := `{"redirect_uris":["https://app.example/cb"],"subject_type":"pairwise","sector_identifier_uri":"` + uri + `"}`
		began := time.Now()
		a := w.newBrowser().says(http.MethodPost, oauth.PathRegister, "", body)
		if a.StatusCode != http.StatusBadRequest || a.refusal() != "invalid_client_metadata" || time.Since(began) > 8*time.Second {
			t.Errorf("%s: %d %s after %s", name, a.StatusCode, a.body, time.Since(began))
		}
	}
	if after := w.count(`SELECT count(*) FROM clients`); after != before || calls.Load() != 0 {
		t.Errorf("%d clients came of it, and %d calls inside", after-before, calls.Load())
	}
}

// RFC 9101 §10.7, RFC 9700 §4.11: no specification has a request object count once. One that comes again, from whomever,
// leads to a page or a code of the browser that brings it, at the registered address; one that says something twice is refused.
func TestB6_ARequestObjectThatComesAgainGivesNobodyMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.newObjectClient("object", record.ClientSettings{})
	params := url.Values{"client_id": {k.id}, "request": {k.object()}}
	b, seen := w.newBrowser().signIn(ana), map[string]bool{}
	for range 3 {
		a := b.query(oauth.PathAuthorize, params)
		if code := a.param("code"); code == "" || seen[code] || !strings.HasPrefix(a.Header.Get("Location"), objectReturn+"?") {
			t.Errorf("it leads to %q", a.Header.Get("Location"))
		} else {
			seen[code] = true
		}
	}
	if a := w.newBrowser().query(oauth.PathAuthorize, params); a.location() == nil || a.location().Path != pages.PathLogin {
		t.Errorf("a stranger who brings it is led to %q", a.Header.Get("Location"))
	}
	codes := w.count(`SELECT count(*) FROM codes`)
	for name, payload := range map[string]string{
		"a member twice": `{"client_id":"object","response_type":"code","scope":"openid","redirect_uri":"` + objectReturn + `","redirect_uri":"https://evil.example/"}`,
		"a list":         `{"client_id":"object","response_type":"code","scope":"openid","redirect_uri":["` + objectReturn + `","https://evil.example/"]}`,
		"two clients":    `{"client_id":["object","web"],"response_type":"code","scope":"openid","redirect_uri":"` + objectReturn + `"}`,
		"two issuers":    `{"iss":["object","web"],"client_id":"object","response_type":"code","scope":"openid","redirect_uri":"` + objectReturn + `"}`,
		"no object":      `["client_id","object"]`,
	} {
		text, err := jose.Sign(k.key, "oauth-authz-req+jwt", []byte(payload))
		w.must(err)
		a := b.query(oauth.PathAuthorize, k.outside("request", text))
		if a.param("error") != "invalid_request_object" || a.param("state") != "outside" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if after := w.count(`SELECT count(*) FROM codes`); after != codes {
		t.Errorf("%d codes came of it", after-codes)
	}
}
