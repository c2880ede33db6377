package oauth

import (
	"slices"
	"testing"
)

func mustIssuer(t testing.TB, text string) Issuer {
	t.Helper()
	issuer, err := ParseIssuer(text)
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func TestAnIssuerIsKeptAsConfigured(t *testing.T) {
	for _, text := range []string{
		"https://id.example", "https://id.example:8443/tenants/one", "http://localhost:8484", "http://127.0.0.1", "http://[::1]:8484/x",
	} {
		if got := mustIssuer(t, text).String(); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// RFC 8414 §2: https, no query, no fragment.
func TestWhatCannotBeAnIssuer(t *testing.T) {
	for _, text := range []string{
		"", "id.example", "http://id.example", "https://", "https://id.example/", "https://id.example/x/", "https://id.example?x=1",
		"https://id.example#x", "https://u:p@id.example", "https://ID.example", "https://id.example//x", "https://id.example/%41",
		"https://id.example/a/../b", "com.example.app:/x", "com.example.app://x/y", "ftp://id.example", "https://id.example/a b",
		"https://id.example:0", "https:id.example",
	} {
		if issuer, err := ParseIssuer(text); err == nil {
			t.Errorf("%q became %+v", text, issuer)
		}
	}
}

func TestMetadataIsFoundBothWays(t *testing.T) {
	for text, want := range map[string][]string{
		"https://id.example": {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"},
		"https://id.example/t/1": {
			"/t/1/.well-known/openid-configuration",       // OpenID Connect Discovery §4
			"/.well-known/oauth-authorization-server/t/1", // RFC 8414 §3.1
			"/.well-known/openid-configuration/t/1",       // RFC 8414 §5
		},
	} {
		if got := mustIssuer(t, text).MetadataPaths(); !slices.Equal(got, want) {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestPartsOfAnIssuer(t *testing.T) {
	i := mustIssuer(t, "https://id.example:8443/t/1")
	if i.Origin() != "https://id.example:8443" || i.Host() != "id.example:8443" || i.Path() != "/t/1" || !i.IsHTTPS() {
		t.Errorf("%q %q %q %v", i.Origin(), i.Host(), i.Path(), i.IsHTTPS())
	}
	if got := i.Endpoint(PathToken); got != "https://id.example:8443/t/1/oauth2/token" {
		t.Errorf("token endpoint %s", got)
	}
	for text, want := range map[string]bool{
		"http://localhost:1": true, "https://localhost:1": true, "https://[::1]": true, "http://127.0.0.1": true,
		"https://id.example": false, "https://localhost.example": false, "https://127.0.0.1.example:1": false,
	} {
		if got := mustIssuer(t, text).IsLoopback(); got != want {
			t.Errorf("%s is on loopback: %v", text, got)
		}
	}
	if mustIssuer(t, "http://localhost:1").IsHTTPS() || (Issuer{}).String() != "" {
		t.Error("loopback http counts as https, or the zero issuer has a name")
	}
}
