package guard_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/authority"
)

// handedOn are the headers of a question about a client that showed a certificate.
func handedOn(token string, fields ...string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}, "X-Original-Method": {"GET"}, "Client-Cert": fields}
}

// tokenFor gives a client a token of its own at an address, with more headers.
func tokenFor(ctx context.Context, client *http.Client, address, id string, header http.Header) (token, said string, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "resource": {app.Orders}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	var members struct {
		Token string `json:"access_token"`
	}
	_ = json.Unmarshal(text, &members) // what else was said is in the text
	return members.Token, answer.Status + " " + string(text), err
}

// bound is a client with a certificate of its own making, whose tokens are bound to it.
func (w *world) bound(own tls.Certificate) string {
	w.Helper()
	made, err := w.Office.CreateClient(w.Context(), admin.NewClient{ClientID: "bound", ClientMetadata: admin.ClientMetadata{
		Name: "bound", GrantTypes: []string{"client_credentials"}, Scope: "orders:read", Resources: []string{app.Orders},
		TokenEndpointAuthMethod: "self_signed_tls_client_auth", JWKS: authority.JWKS(w, own, true), CertificateBound: true,
	}})
	w.must(err)
	return made.ClientID
}

// RFC 8705 §3: the guard sees the certificate only by the proxy's word, and only if it was told to believe it.
func TestABoundTokenPassesWithTheCertificateThatTheProxyHandsOn(t *testing.T) {
	w := newWorld(t, "--trusted-proxy", "127.0.0.1", "--mtls-proxy")
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	token, said, err := tokenFor(t.Context(), http.DefaultClient, w.Issuer, w.bound(own), http.Header{"Client-Cert": {authority.Header(own)}})
	if err != nil || token == "" {
		t.Fatalf("no token: %s, %v", said, err)
	}
	for _, c := range []struct {
		flags []string
		fine  bool
	}{{nil, false}, {[]string{"--client-cert"}, true}} {
		w.guard(w.Issuer, c.flags...)
		w.live()
		field := authority.Header(own)
		for name, h := range map[string]http.Header{
			"another": handedOn(token, authority.Header(another)), "none": handedOn(token), "two": handedOn(token, field, field), "junk": handedOn(token, "junk"),
		} {
			if got := w.ask("/verify", h); got.status != http.StatusUnauthorized || !strings.Contains(got.header.Get(challenge), "invalid_token") {
				t.Errorf("%v, %s: %d %s", c.flags, name, got.status, got.body)
			}
		}
		if got := w.ask("/verify", handedOn(token, field)); (got.status == http.StatusOK) != c.fine {
			t.Errorf("%v, its own: %d %s", c.flags, got.status, got.body)
		}
		if got := w.ask("/verify", handedOn(w.token(w.robot), authority.Header(another))); got.status != http.StatusOK {
			t.Errorf("%v, a token that is not bound: %d %s", c.flags, got.status, got.body)
		}
	}
}
