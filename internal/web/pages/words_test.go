package pages

import (
	"strings"
	"testing"
	"time"
)

func TestSpansAreRoundedUpAndReadable(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 second", 200 * time.Millisecond: "1 second", time.Second: "1 second", 1500 * time.Millisecond: "2 seconds",
		30 * time.Second: "30 seconds", time.Minute: "1 minute", 90 * time.Second: "90 seconds", 121 * time.Second: "3 minutes",
		15 * time.Minute: "15 minutes", time.Hour: "1 hour", 12 * time.Hour: "12 hours", 24 * time.Hour: "1 day", 720 * time.Hour: "30 days",
	} {
		if got := tongueOf(t, "en").span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestThePastIsToldByItsDistance(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Minute: "just now", 0: "just now", time.Minute: "1 minute ago", 5 * time.Hour: "5 hours ago",
		49 * time.Hour: "2 days ago", 60 * 24 * time.Hour: "on 23 September 2026",
	} {
		if got := tongueOf(t, "en").ago(now, now.Add(-d)); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestDevicesAreNamedForPeople(t *testing.T) {
	const gecko = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                           "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + gecko + "Chrome/140.0 Safari/537.36":                 "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + gecko + "Chrome/140.0 Safari/537.36 Edg/140.0":       "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + gecko + "Version/19.0 Safari/605.1.15":         "Safari on Mac",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)" + gecko + "CriOS/140.0 Mobile Safari/604": "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 16; Pixel 9)" + gecko + "Chrome/140.0 Mobile Safari/537.36":           "Chrome on Android",
		"curl/8.9": "curl",
		"":         "Unknown device",
		"<script>": "Unknown device",
	} {
		if got := tongueOf(t, "en").device(header); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}

func TestNamesAreCleanedAndCut(t *testing.T) {
	for raw, want := range map[string]string{
		"Harbour Ledger":           "Harbour Ledger",
		"  a\x00b\nc\u200b\u202e ": "abc",
		"bad \xff bytes":           "bad  bytes",
		"می\u200cخواهم":            "می\u200cخواهم",
		strings.Repeat("é", 200):   strings.Repeat("é", maxName-1) + "…",
		"\u2066\u2069":             "",
	} {
		if got := displayName(raw); got != want {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	}
	if got := initial("  «élan»"); got != "É" {
		t.Errorf("initial is %q", got)
	}
}

func TestOnlyHTTPSAddressesOfClientsAreUsed(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example/x?y=1": "https://a.example/x?y=1",
		"http://a.example/x":      "", "javascript:alert(1)": "", "data:image/png,x": "", "//a.example/x": "",
		"https://u:p@a.example": "", "https://": "", "https://a b": "", "": "",
	} {
		if got := httpsOnly(address); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

func TestDestinationsAreToldApart(t *testing.T) {
	for address, want := range map[string]place{
		"https://app.example:8443/cb": {Host: "app.example:8443"},
		"http://127.0.0.1:3000/cb":    {Host: "127.0.0.1:3000", Local: true},
		"http://[::1]:3000/cb":        {Host: "[::1]:3000", Local: true},
		"http://localhost/cb":         {Host: "localhost", Local: true},
		"com.example.app:/cb":         {App: "com.example.app"},
		"javascript:alert(1)":         {},
	} {
		if got := destination(address); got != want {
			t.Errorf("%q is %+v, want %+v", address, got, want)
		}
	}
}

func TestALinkGoesToTheWebOrAnAppAndNowhereElse(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example/bye?x=1": "https://a.example/bye?x=1", "com.example.app:/bye": "com.example.app:/bye",
		"javascript:alert(1)": "", "data:text/html,x": "", "vbscript:x": "",
	} {
		if got := string(link(address)); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

func TestErrorsThatPeopleCanDoSomethingAboutHaveTheirOwnSentence(t *testing.T) {
	for _, code := range Languages() {
		l := tongueOf(t, code)
		seen := map[string]string{l.failure(Failure{Code: "invalid_request"}).Title: "invalid_request"}
		for _, f := range []Failure{
			{Code: "temporarily_unavailable"},
			{Code: "server_error"},
			{Code: "access_denied"},
			{Code: "invalid_client"},
			{Code: "not_found"},
			{Code: "form_expired"},
			{Code: "interaction_expired"},
			{Code: "invalid_setup_token"},
			{Code: "invalid_request", Parameter: "redirect_uri"},
		} {
			s := l.failure(f)
			if other, ok := seen[s.Title]; ok || s.Text == "" {
				t.Errorf("%s: %s says what %s says", code, f.Code, other)
			}
			seen[s.Title] = f.Code
		}
	}
}
