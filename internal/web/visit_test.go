package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestAPanicIsOursToKnow(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	for path, r := range map[string]route{
		"/page":  {get: func(*visit) { panic("c4nary") }},
		"/token": {get: func(*visit) { panic("c4nary") }, style: asJSON},
	} {
		r.name = path
		w.site.routes[path] = &r
		answer := w.do(http.MethodGet, path, nil, "")
		if answer.status != http.StatusInternalServerError || strings.Contains(answer.body, canary) || !strings.Contains(answer.body, "server_error") {
			t.Errorf("%s: %+v", path, answer)
		}
		if line := <-w.log.requests; !strings.Contains(line, `"reason":"internal"`) || !strings.Contains(line, `"status":500`) {
			t.Errorf("%s: logged %s", path, line)
		}
		if log := w.log.String(); !strings.Contains(log, `"fault":"c4nary"`) || !strings.Contains(log, "visit_test.go") {
			t.Errorf("%s: the log does not say where", path)
		}
	}
}

// A client must not take half an answer for a whole one.
func TestAnAnswerThatPanicsHalfwayIsBrokenOff(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	w.site.routes["/half"] = &route{name: "/half", get: func(v *visit) {
		_, _ = v.Write([]byte(strings.Repeat("half", 4096)))
		panic("c4nary")
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.address+"/half", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "localhost:8484"
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		defer answer.Body.Close()
		_, err = answer.Body.Read(make([]byte, 64<<10))
		for err == nil {
			_, err = answer.Body.Read(make([]byte, 64<<10))
		}
	}
	if err.Error() == "EOF" {
		t.Error("the answer looks whole")
	}
	if line := <-w.log.requests; !strings.Contains(line, `"route":"/half"`) {
		t.Errorf("logged %s", line)
	}
}

func TestKeysAreServedAfreshOnceTheyHaveTurned(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	w.addSigner("https://rsa.example", "RS256") // the keys of a new database are all there then
	keys := func() (tag, body string) {
		answer := w.do(http.MethodGet, "/.well-known/jwks.json", nil, "")
		return answer.header.Get("ETag"), answer.body
	}
	tag, before := keys()
	if again, _ := keys(); again != tag {
		t.Error("the same keys have two tags")
	}
	if err := w.engine.RotateKeys(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if turned, after := keys(); turned == tag || after == before {
		t.Error("the old keys are still served")
	}
}

func TestAFloodOfOneKindIsToldToComeBack(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	inside, finish := make(chan bool), make(chan bool)
	w.site.routes["/narrow"] = &route{name: "/narrow", style: asJSON, gate: newGate(nil, "narrow", roomFor(1)), get: func(v *visit) {
		inside <- true
		<-finish
		v.WriteHeader(http.StatusNoContent)
	}}
	first := make(chan int)
	go func() { first <- w.do(http.MethodGet, "/narrow", nil, "").status }()
	<-inside
	second := w.do(http.MethodGet, "/narrow", nil, "")
	if second.status != http.StatusServiceUnavailable || second.header.Get("Retry-After") != "1" {
		t.Errorf("the second gets %d, Retry-After %q", second.status, second.header.Get("Retry-After"))
	}
	if ms, err := strconv.Atoi(second.header.Get("Retry-After-Ms")); err != nil || ms < 100 || ms >= 1000 {
		t.Errorf("Retry-After-Ms %q", second.header.Get("Retry-After-Ms"))
	}
	if line := <-w.log.requests; !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, `"reason":"overloaded"`) || !strings.Contains(line, `"refused":1`) {
		t.Errorf("it is logged as %s", line)
	}
	if other := w.do(http.MethodGet, "/.well-known/jwks.json", nil, ""); other.status != http.StatusOK {
		t.Errorf("another kind gets %d", other.status)
	}
	finish <- true
	if status := <-first; status != http.StatusNoContent {
		t.Errorf("the first gets %d", status)
	}
	go func() { first <- w.do(http.MethodGet, "/narrow", nil, "").status }()
	<-inside
	finish <- true
	if status := <-first; status != http.StatusNoContent {
		t.Errorf("the third gets %d", status)
	}
}

// Whoever floods one kind of request takes it from those who want the same, and from
// nobody else. Hashing has its own limit in engine, and administrators theirs.
func TestEachKindOfRequestHasALimitOfItsOwn(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	kinds := map[string]int{ // and the width
		"/oauth2/token": w.site.routes["/oauth2/token"].gate.width, "/oauth2/introspect": gateWidth, "/.well-known/jwks.json": gateWidth, "/login": gateWidth,
	}
	w.site.routes["/oauth2/token"].gate.room = roomFor(kinds["/oauth2/token"]) // as if there had been more than usual for long
	full := func(path string) bool {
		method := http.MethodPost
		if path == "/.well-known/jwks.json" || path == "/login" {
			method = http.MethodGet
		}
		return w.do(method, path, url.Values{"a": {"b"}}, "").status == http.StatusServiceUnavailable
	}
	for flooded, width := range kinds {
		for range width {
			if !w.site.routes[flooded].gate.enter() {
				t.Fatalf("%s is full before %d", flooded, width)
			}
		}
		for path := range kinds {
			if full(path) != (path == flooded) {
				t.Errorf("while %s is flooded, %s is full: %v", flooded, path, full(path))
			}
		}
		for range width {
			w.site.routes[flooded].gate.exit()
		}
		if full(flooded) {
			t.Errorf("%s stays full", flooded)
		}
	}
	for path, same := range map[string]string{
		"/oauth2/revoke": "/oauth2/introspect", "/oauth2/userinfo": "/oauth2/introspect", "/.well-known/openid-configuration": "/.well-known/jwks.json",
	} {
		if w.site.routes[path].gate != w.site.routes[same].gate {
			t.Errorf("%s is not of the kind of %s", path, same)
		}
	}
}

func TestOnlyWhatCanBeAClientIDIsLogged(t *testing.T) {
	for text, want := range map[string]string{
		"web-app": "web-app", "Jx0aQ2l7W5mT9cVbR4nYpg": "Jx0aQ2l7W5mT9cVbR4nYpg", "": "",
		"ana@example.com": "", "a\nb": "", strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "",
	} {
		if got := loggable(text); got != want {
			t.Errorf("%q is logged as %q", text, got)
		}
	}
}
