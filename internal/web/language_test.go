package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A server for people who speak German asks nobody to say so.
func TestTheServersOwnLanguageIsForWhoeverAsksForNone(t *testing.T) {
	w := newSite(t, "http://localhost:8484")
	handlers, err := New(Config{Engine: w.engine, Feed: w.feed, Log: slog.New(slog.DiscardHandler), Language: "de"})
	if err != nil {
		t.Fatal(err)
	}
	for wish, want := range map[string]string{"": "de", "fr": "de", "en-GB": "en", "de": "de"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8484/login", nil)
		request.Header.Set("Accept-Language", wish)
		answer := httptest.NewRecorder()
		handlers.Public.ServeHTTP(answer, request)
		if got := answer.Header().Get("Content-Language"); got != want || !strings.Contains(answer.Body.String(), `<html lang="`+want+`">`) {
			t.Errorf("%q gets %q, want %q", wish, got, want)
		}
	}
}

// Only as much of the interaction is kept as tells it from others.
func TestTheChoiceOfALanguageIsKeptWithoutTheInteraction(t *testing.T) {
	w := newWorld(t, "https://id.example")
	w.addAna()
	answer := w.do(http.MethodGet, "/login?lang=de", nil, "")
	cookies := strings.Join(answer.header.Values("Set-Cookie"), "\n")
	if !strings.Contains(cookies, "__Host-mintmark_language=de; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax") {
		t.Error(cookies)
	}
	if startOf("0123456789abcdef") != "01234567" || startOf("012") != "012" {
		t.Error("more than the start is kept")
	}
}
