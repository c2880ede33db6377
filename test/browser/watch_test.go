//go:build external

package browser

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestWhatIsWrongIsSeen: a page on which everything is wrong that the other tests
// rely on Chromium and axe to find.
func TestWhatIsWrongIsSeen(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.Header().Set("Content-Security-Policy", "script-src 'nonce-a'; style-src 'none'")
		if r.URL.Path != "/" {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = rw.Write([]byte(`<!doctype html><title>Wrong</title><link rel="icon" href="data:,">
			<p style="color: red">styled</p><img src="/missing"><script>refused()</script>
			<script nonce="a">console.error("loud"); throw new Error("thrown")</script>`)) // a browser that is gone needs no answer
	}))
	t.Cleanup(site.Close)
	checker, err := os.ReadFile(axe)
	if err != nil {
		t.Fatalf("%v: `./check browser` installs it", err)
	}

	b := newTab(t, true)
	b.open(site.URL+"/", site.URL+"/")
	found := map[string]bool{}
	b.load(string(checker))
	for _, f := range b.axe() {
		found[f.ID] = true
	}
	for _, id := range []string{"html-has-lang", "image-alt"} {
		if !found[id] {
			t.Errorf("axe did not find %s", id)
		}
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	seen := strings.Join(b.faults, "\n")
	b.faults = nil
	for _, fault := range []string{
		"console.error", "exception:", "status of 404", "issue ContentSecurityPolicyIssue",
		"violates the following Content Security Policy directive 'script-src", "violates the following Content Security Policy directive 'style-src",
	} {
		if !strings.Contains(seen, fault) {
			t.Errorf("nobody complained: %s\n%s", fault, seen)
		}
	}
}
