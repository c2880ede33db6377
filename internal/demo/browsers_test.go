package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fleet waits until the API's verifier has reported: from then on receipts count
// on it.
func (w *world) fleet(t *testing.T) {
	t.Helper()
	for len(w.feed.Verifiers()) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("no verifier reports")
		}
		runtime.Gosched()
	}
}

// second is the application under its other name.
func (w *world) second() *world {
	other := *w
	other.app, other.appURL = w.app.second, otherName(w.appURL)
	return &other
}

// figure is a number that a page shows.
func (p *page) figure(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`data-figure="` + name + `">([^<]*)<`).FindStringSubmatch(p.text)
	if found == nil {
		t.Fatalf("%s does not show %s:\n%s", p.at, name, p.text)
	}
	return found[1]
}

func (p *page) figures(t *testing.T, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := p.figure(t, name); got != value {
			t.Errorf("%s is %s, not %s", name, got, value)
		}
	}
}

// begin signs in on the page with all browsers, which then shows it.
func (b *browser) begin(w *world) *page {
	b.t.Helper()
	at := b.get(w.appURL + "/login?from=" + pathBrowsers)
	if strings.HasSuffix(at.at.Path, "/login") {
		at = b.fill(at, url.Values{"identifier": {ana}, "password": {password}})
	}
	if strings.HasSuffix(at.at.Path, "/consent") {
		at = b.fill(at, url.Values{"decision": {"allow"}})
	}
	if at.at.String() != w.appURL+pathBrowsers {
		b.t.Fatalf("signing in ends at %s", at.at)
	}
	return at
}

func TestLoggingOutEverywhereIsSeenByTheAPIInAllBrowsersAndAFreshSignInWorks(t *testing.T) {
	w := newWorld(t)
	first, second := newBrowser(t), newBrowser(t)
	first.begin(w).figures(t, map[string]string{"calls-1": "10", "refusals-1": "0"})
	second.begin(w).figures(t, map[string]string{"calls-1": "20", "calls-2": "10", "lookups": "0", "passed": "30", "refused": "0"})
	first.post(w.appURL+"/browsers/calls", nil).figures(t, map[string]string{
		"calls-1": "30", "calls-2": "20", "refusals-1": "0", "refusals-2": "0", "lookups": "0", "passed": "50",
	})
	w.fleet(t)

	after := first.post(w.appURL+"/browsers/end", nil)
	after.has(t, "applied by 1 of 1 connected verifier in ", " ms", "The API refuses Browser 1 (401)", "The API refuses Browser 2 (401)",
		"Mintmark answers: applied by 1 of 1", "Refused everywhere within ", "Refused: the access token was revoked.", "Sign in again in its own window")
	after.figures(t, map[string]string{"lookups": "0", "refusals-1": "2", "refusals-2": "2", "entries": "1"})
	second.get(w.appURL+pathBrowsers).has(t, "applied by 1 of 1 connected verifier in ", "Refused: the access token was revoked.")
	second.get(w.appURL+"/tokens").has(t, "The server has ended this sign-in")

	again := second.begin(w)
	again.has(t, "applied by 1 of 1 connected verifier in ", "The API accepts its token.", "Refused: the access token was revoked.")
	again.figures(t, map[string]string{"calls-2": "10", "refusals-2": "0", "lookups": "0"})
	first.get(w.appURL+"/tokens").has(t, "The server has ended this sign-in")
	first.begin(w).figures(t, map[string]string{"calls-1": "10", "calls-2": "20", "lookups": "0"})
}

func TestTheOtherNameOfTheMachineIsAnotherBrowser(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	second := w.second()
	page := b.begin(w)
	link := regexp.MustCompile(`id="second" class="button" href="([^"]+)"`).FindStringSubmatch(page.text)
	if link == nil || link[1] != second.appURL+"/login?from="+pathBrowsers {
		t.Fatalf("the link to a second browser is %q", link)
	}
	if asked := b.get(link[1]); asked.at.Host != hostOf(w.front) || asked.at.Path != "/login" {
		t.Fatalf("by the other name a sign-in is at %s", asked.at)
	}
	b.begin(second).has(t, "second browser", "Browser 1", "Browser 2", hostOf(w.appURL), hostOf(second.appURL))
	b.get(w.appURL+pathBrowsers).figures(t, map[string]string{"calls-2": "20"})

	left := b.post(second.appURL+"/leave/server", nil)
	if left.at.Host != hostOf(second.appURL) {
		t.Errorf("logging out there ends at %s", left.at)
	}
	left.has(t, "it was taken back")
	page = b.get(w.appURL + pathBrowsers)
	page.has(t, "The API accepts its token.")
	if strings.Contains(page.text, "Browser 2") {
		t.Error("a browser that has left is shown")
	}
}

func TestOnlyThePageWithCountersRunsAScriptAndItIsAFileOfTheApp(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	page := b.begin(w)
	policy := page.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	scripts := regexp.MustCompile(`<script[^>]*>`).FindAllString(page.text, -1)
	if len(scripts) != 1 || scripts[0] != `<script src="/browsers.js" defer>` || strings.Contains(page.text, "style=") || strings.Contains(page.text, " on") && regexp.MustCompile(` on[a-z]+=`).MatchString(page.text) {
		t.Errorf("scripts: %q, or something inline", scripts)
	}
	page.has(t, `href="/browsers">Call again`) // for those without scripts
	if part := b.post(w.appURL+"/browsers/calls", nil); strings.Contains(part.text, "<html") || !strings.Contains(part.text, `id="calls"`) {
		t.Errorf("the script is given:\n%s", part.text)
	}
	stranger := newBrowser(t).post(w.appURL+"/browsers/calls", nil)
	if stranger.at.Path != "/" {
		t.Errorf("somebody who is not signed in is answered at %s", stranger.at)
	}
}

func TestWhatCannotBeEndedOrReachedIsSaid(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.begin(w)
	w.app.config.EndUser = func(context.Context, string) (string, error) { return "", fmt.Errorf("nobody answers") }
	if got := b.post(w.appURL+"/browsers/end", nil); got.status != http.StatusBadGateway {
		t.Errorf("status %d", got.status)
	}
	b.get(w.appURL+pathBrowsers).has(t, "The API accepts its token.")
	w.app.config.API = "http://127.0.0.1:1" // nobody listens there
	b.get(w.appURL+pathBrowsers).has(t, "The API does not answer.", "does not say how its verifier stands")
}

func TestAPageShowsItsOwnBrowserAndFewOthersOfTheSameUser(t *testing.T) {
	s := sessions{byID: map[string]*session{}}
	begin := func(subject string) *line {
		l := s.begin(discard{http.Header{}}, "a.example").line
		s.follow(l, subject, "a token")
		return l
	}
	begin("somebody else")
	for range maxLines + 2 {
		begin("ana")
	}
	own := begin("ana")
	shown := s.lines(own)
	if len(shown) != maxLines || shown[maxLines-1] != own {
		t.Fatalf("%d are shown", len(shown))
	}
	for n, l := range shown[:maxLines-1] {
		if number, subject := l.whose(); number != n+1 || subject != "ana" {
			t.Errorf("line %d is number %d of %s", n, number, subject)
		}
	}
	shown[1].stop()
	s.follow(own, "ana", "another token")
	if again, _ := begin("ana").whose(); again != 2 {
		t.Errorf("the number of somebody who left goes to nobody: %d", again)
	}
	if number, _ := own.whose(); number != maxLines+3 {
		t.Errorf("a browser that signs in again is number %d", number)
	}
}

func TestTheStoryOfAnEndIsToldInOrder(t *testing.T) {
	asked := time.Now()
	at := func(n int, status, good int, after time.Duration) *caller {
		return &caller{line: &line{number: n}, last: tried{Status: status}, good: good, at: asked.Add(after)}
	}
	answered := asked.Add(4 * time.Millisecond)
	for _, c := range []struct {
		list    []*caller
		marks   []string
		verdict string
	}{
		{
			[]*caller{at(1, 401, 1, 3*time.Millisecond), at(2, 401, 7, 2*time.Millisecond)},
			[]string{"Breadbox asks", "Browser 2 (401), which had been accepted 7 times", "Browser 1 (401), which had been accepted 1 time ", "Mintmark answers"},
			"within 3.0 ms of the button, 1.0 ms before",
		},
		{
			[]*caller{at(1, 401, 1, 6*time.Millisecond)},
			[]string{"Breadbox asks", "Mintmark answers", "Browser 1 (401)"},
			"within 6.0 ms of the button, the last 2.0 ms after",
		},
		{[]*caller{at(1, 401, 0, time.Millisecond)}, []string{"Breadbox asks", "Browser 1 was refused before", "Mintmark answers"}, "Nothing changed"},
		{[]*caller{at(1, 503, 2, time.Millisecond)}, []string{"Breadbox asks", "Browser 1 was not refused", "Mintmark answers"}, "Nothing changed"},
	} {
		var e ending
		e.tell(asked, answered, c.list)
		for n, m := range e.Marks {
			if len(e.Marks) != len(c.marks) || !strings.Contains(m.Says, c.marks[n]) {
				t.Errorf("mark %d is %q, want %q", n, m.Says, c.marks)
			}
		}
		if !strings.Contains(e.Verdict, c.verdict) {
			t.Errorf("the verdict is %q, want %q", e.Verdict, c.verdict)
		}
	}
}

func TestASignInGoesBackToAPageOfTheTourAndNowhereElse(t *testing.T) {
	for from, want := range map[string]string{
		pathBrowsers: pathBrowsers, "/refresh": "/refresh", "": "/you", "/login": "/you",
		"https://evil.example": "/you", "//evil.example": "/you",
	} {
		r := httptest.NewRequest(http.MethodGet, "/login?from="+url.QueryEscape(from), nil)
		if got := startOf(r); got != want {
			t.Errorf("from %q back to %s, not %s", from, got, want)
		}
	}
}
