package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEveryPageCarriesEverySecurityHeader(t *testing.T) {
	want := map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"X-Frame-Options":              "DENY",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
		"Strict-Transport-Security":    "max-age=31536000",
		"Permissions-Policy":           permissionsPolicy,
	}
	for name, page := range every(harmless) {
		h := write(t, "https://id.example", page).Header()
		for header, value := range want {
			if h.Get(header) != value {
				t.Errorf("%s page: %s is %q", name, header, h.Get(header))
			}
		}
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s page: policy lacks %s", name, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s page: %s", name, policy)
		}
	}
}

func TestHSTSIsForHTTPSOnly(t *testing.T) {
	h := http.Header{}
	SecurityHeaders(h, false)
	if h.Get("Strict-Transport-Security") != "" {
		t.Error("sent over http")
	}
}

func TestThePolicyLetsAFormGoToOneOriginAndNoFurther(t *testing.T) {
	for address, forms := range map[string]string{
		"":                                       "form-action 'self'",
		"https://app.example/cb?x=1":             "form-action 'self' https://app.example",
		"http://127.0.0.1:51004/cb":              "form-action 'self' http://127.0.0.1:51004",
		"http://[::1]:51004/cb":                  "form-action 'self' http:", // CSP cannot write an IPv6 host
		"com.example.app:/cb":                    "form-action 'self' com.example.app:",
		"javascript:alert(1)":                    "form-action 'self'",
		"data:text/html,x":                       "form-action 'self'",
		"https://a.example;script-src%20*/cb":    "form-action 'self'",
		"https://a.example;script-src *":         "form-action 'self'",
		"https://user:pw@app.example/cb":         "form-action 'self'",
		"https://*.example/cb":                   "form-action 'self'",
		"https://app.example,https://b.example/": "form-action 'self'",
	} {
		got := Policy{FormTarget: address}.String()
		if !strings.Contains(got, "; "+forms+"; frame-ancestors") {
			t.Errorf("%q gives %q", address, got)
		}
	}
}

func TestOnlyAPageWithALogoLoadsImagesFromElsewhere(t *testing.T) {
	with := write(t, "https://id.example", Login{Client: harmless})
	without := write(t, "https://id.example", Login{Client: Client{Name: "x", LogoURI: "http://plain.example/x.png"}})
	if p := with.Header().Get("Content-Security-Policy"); !strings.Contains(p, "img-src 'self' data: https:;") {
		t.Error(p)
	}
	if p := without.Header().Get("Content-Security-Policy"); !strings.Contains(p, "img-src 'self' data:;") {
		t.Error(p)
	}
}

func TestAssetsAreNamedByTheirContentAndLinked(t *testing.T) {
	site, err := New("https://example.com/auth")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := site.Write(w, http.StatusOK, "en", Index{}); err != nil {
		t.Fatal(err)
	}
	if len(site.Assets()) != 2 {
		t.Fatalf("%d assets", len(site.Assets()))
	}
	for _, a := range site.Assets() {
		if !strings.Contains(w.Body.String(), `href="/auth`+a.Path+`"`) {
			t.Errorf("%s is not linked", a.Path)
		}
		if hash := strings.Trim(a.ETag, `"`); len(hash) != 20 || !strings.HasPrefix(a.Path, "/assets/"+hash+".") || len(a.Body) == 0 {
			t.Errorf("%s has tag %s and %d bytes", a.Path, a.ETag, len(a.Body))
		}
	}
}
