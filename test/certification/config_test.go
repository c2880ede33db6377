package certification

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"github.com/mintmark-id/mintmark/test/server"
)

// members are those of a provider's metadata that this server has, with what each is:
// all of them are in IANA's registry (OAuth Authorization Server Metadata), so that
// no reader meets one that it does not know.
var members = map[string]string{
	"issuer": "url", "authorization_endpoint": "url", "token_endpoint": "url", "revocation_endpoint": "url", "introspection_endpoint": "url",
	"userinfo_endpoint": "url", "end_session_endpoint": "url", "jwks_uri": "url", "registration_endpoint": "url",
	"scopes_supported": "list", "claims_supported": "list", "claim_types_supported": "list", "response_types_supported": "list",
	"response_modes_supported": "list", "grant_types_supported": "list", "subject_types_supported": "list", "acr_values_supported": "list",
	"display_values_supported": "list", "id_token_signing_alg_values_supported": "list", "userinfo_signing_alg_values_supported": "list",
	"code_challenge_methods_supported": "list", "prompt_values_supported": "list", "ui_locales_supported": "list",
	"token_endpoint_auth_methods_supported": "list", "revocation_endpoint_auth_methods_supported": "list",
	"introspection_endpoint_auth_methods_supported": "list", "token_endpoint_auth_signing_alg_values_supported": "list",
	"revocation_endpoint_auth_signing_alg_values_supported": "list", "introspection_endpoint_auth_signing_alg_values_supported": "list",
	"request_object_signing_alg_values_supported": "list",
	"backchannel_logout_supported":                "bool", "backchannel_logout_session_supported": "bool", "claims_parameter_supported": "bool",
	"request_parameter_supported": "bool", "request_uri_parameter_supported": "bool", "require_request_uri_registration": "bool",
	"authorization_response_iss_parameter_supported": "bool",
}

// TestConfig runs the discovery modules of all plans: oidcc-discovery-endpoint-verification
// (of the config plan, and of the dynamic one), and those of the two logout plans, at a
// server whose issuer is https.
func TestConfig(t *testing.T) {
	t.Parallel()
	const issuer = "https://op.example.com"
	s := server.Start(t, "--issuer", issuer, "--trusted-proxy", "127.0.0.1", "--registration", "open", "--advertise-implicit")
	metadata := read(t, s, "/.well-known/openid-configuration")

	t.Run("oidcc-discovery-endpoint-verification, Discovery §3", func(t *testing.T) {
		if metadata["issuer"] != issuer {
			t.Errorf("the issuer is %v", metadata["issuer"])
		}
		for name, value := range metadata {
			if !isA(members[name], value) {
				t.Errorf("%s (%s) is %v", name, members[name], value)
			}
		}
		for name, wanted := range map[string][]string{
			"response_types_supported":              {"code"},
			"subject_types_supported":               {"public", "pairwise"},
			"id_token_signing_alg_values_supported": {"RS256"}, "userinfo_signing_alg_values_supported": {"RS256"},
			"request_object_signing_alg_values_supported": {"RS256"},
			"grant_types_supported":                       {"authorization_code", "refresh_token"},
			"scopes_supported":                            {"openid"},
			"response_modes_supported":                    {"query", "form_post"},
			"token_endpoint_auth_methods_supported":       {"client_secret_basic", "client_secret_post", "private_key_jwt"},
			"code_challenge_methods_supported":            {"S256"},
		} {
			for _, value := range wanted {
				if !slices.Contains(list(metadata[name]), value) {
					t.Errorf("%s has no %s: %v", name, value, metadata[name])
				}
			}
		}
		for _, scope := range list(metadata["scopes_supported"]) {
			if !regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`).MatchString(scope) { // RFC 6749 §3.3
				t.Errorf("the scope %q", scope)
			}
		}
		for _, locale := range list(metadata["ui_locales_supported"]) {
			if tag, err := language.Parse(locale); err != nil || tag.String() != locale { // RFC 5646 §4.5
				t.Errorf("the locale %q is not canonical", locale)
			}
		}
	})
	t.Run("oidcc-discovery-endpoint-verification of the dynamic plan, Discovery §3", func(t *testing.T) {
		responses, grants := list(metadata["response_types_supported"]), list(metadata["grant_types_supported"])
		if metadata["registration_endpoint"] == nil || !slices.Contains(responses, "id_token") || !slices.Contains(responses, "id_token token") ||
			!slices.Contains(grants, "implicit") {
			t.Errorf("%v, %v, %v", metadata["registration_endpoint"], responses, grants)
		}
	})
	t.Run("oidcc-rp-initiated-logout-discovery-endpoint-verification, RP-Initiated Logout §2.1", func(t *testing.T) {
		if !isA("url", metadata["end_session_endpoint"]) {
			t.Errorf("%v", metadata["end_session_endpoint"])
		}
	})
	t.Run("oidcc-backchannel-logout-discovery-endpoint-verification, Back-Channel Logout §2.1", func(t *testing.T) {
		if metadata["backchannel_logout_supported"] != true || metadata["backchannel_logout_session_supported"] != true {
			t.Errorf("%v %v", metadata["backchannel_logout_supported"], metadata["backchannel_logout_session_supported"])
		}
	})
	t.Run("the words that a test looks for are not there unless they were asked for", func(t *testing.T) {
		plain := read(t, server.Start(t, "--issuer", issuer, "--trusted-proxy", "127.0.0.1"), "/.well-known/openid-configuration")
		if got := list(plain["response_types_supported"]); !slices.Equal(got, []string{"code"}) || slices.Contains(list(plain["grant_types_supported"]), "implicit") {
			t.Errorf("%v %v", got, plain["grant_types_supported"])
		}
	})
}

// read gets a document from a server behind a proxy that ends TLS.
func read(t *testing.T, s *server.Server, path string) map[string]any {
	t.Helper()
	issuer, err := url.Parse(s.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Listen()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = issuer.Host
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var document map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s %v", answer.StatusCode, answer.Header.Get("Content-Type"), err)
	}
	return document
}

// isA reports whether a value is of a kind: an https URL, a list of distinct texts, yes
// or no; and whether it is of a known kind at all.
func isA(kind string, value any) bool {
	switch kind {
	case "url":
		text, _ := value.(string)
		address, err := url.Parse(text)
		return err == nil && strings.HasPrefix(text, "https://") && address.Host != "" && address.Fragment == ""
	case "list":
		all := list(value)
		slices.Sort(all)
		return len(all) > 0 && len(slices.Compact(slices.Clone(all))) == len(all) && !slices.Contains(all, "")
	case "bool":
		_, is := value.(bool)
		return is
	}
	return false
}

// list is a list of texts; what is no text in it is an empty one.
func list(value any) []string {
	all, _ := value.([]any)
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i], _ = one.(string)
	}
	return texts
}
