//go:build external

package clients

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/mintmark-id/mintmark/test/authority"
	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
	"github.com/mintmark-id/mintmark/verify"
)

// mutual is a server with a listener whose connections may show a certificate, and
// the authority that vouches for its own and for clients.
type mutual struct {
	*server.Server
	t      *testing.T
	ours   *authority.Authority
	origin string
}

func newMutual(t *testing.T, flags ...string) *mutual {
	t.Helper()
	m := &mutual{t: t, ours: authority.New(t, "ours")}
	chain, key := authority.Files(t, m.ours.Issue(func(c *x509.Certificate) { c.DNSNames = []string{"localhost"} }))
	port := freePort(t)
	m.origin = "https://localhost:" + port
	m.Server = server.Start(t, append([]string{
		"--mtls-listen", "127.0.0.1:" + port, "--mtls-origin", m.origin, "--mtls-tls-cert", chain, "--mtls-tls-key", key, "--mtls-ca", m.ours.File(),
	}, flags...)...)
	return m
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// showing is a context in which oauth2 shows a certificate to the server.
func (m *mutual) showing(certificates ...tls.Certificate) context.Context {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: m.ours.Pool(), Certificates: certificates}, ForceAttemptHTTP2: true}
	m.t.Cleanup(transport.CloseIdleConnections)
	return context.WithValue(m.t.Context(), oauth2.HTTPClient, &http.Client{Transport: transport})
}

// keys writes the key of a certificate as a client registers it.
func (m *mutual) keys(own tls.Certificate) string {
	m.t.Helper()
	path := filepath.Join(m.t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, authority.JWKS(m.t, own, true), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// aliases are the addresses that the metadata have for whoever shows a certificate.
func (m *mutual) aliases() map[string]string {
	m.t.Helper()
	var metadata struct {
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
	}
	if err := discover(m.t, m.Server).Claims(&metadata); err != nil {
		m.t.Fatal(err)
	}
	return metadata.Aliases
}

// Go's oauth2 and crypto/tls, as they are: the certificate is the transport's, and the request has the client_id.
func TestGoOAuth2AuthenticatesWithACertificate(t *testing.T) {
	m := newMutual(t)
	own := authority.SelfSigned(t, nil)
	vouched := m.ours.Below("partners").Issue(func(c *x509.Certificate) { c.DNSNames = []string{"orders.example"} })
	for name, c := range map[string]struct {
		certificate tls.Certificate
		flags       []string
	}{
		"self_signed_tls_client_auth": {own, []string{"--jwks", m.keys(own)}},
		"tls_client_auth":             {vouched, []string{"--tls-san-dns", "orders.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := m.NewClient("Orders", append([]string{"--grant", "client_credentials", "--auth-method", name}, c.flags...)...)
			config := clientcredentials.Config{
				ClientID: client.ClientID, TokenURL: m.aliases()["token_endpoint"], AuthStyle: oauth2.AuthStyleInParams,
			}
			token, err := config.Token(m.showing(c.certificate))
			if err != nil || token.AccessToken == "" {
				t.Fatalf("%v: %v", token, err)
			}
			for what, ctx := range map[string]context.Context{
				"without a certificate": m.showing(), "with another": m.showing(authority.SelfSigned(t, nil)),
			} {
				if _, err := config.Token(ctx); codeOf(err) != "invalid_client" {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
	if m.aliases()["userinfo_endpoint"] != fmt.Sprint(m.origin, "/oauth2/userinfo") {
		t.Errorf("the aliases are %v", m.aliases())
	}
}

// codeOf is the error of a refusal at the token endpoint.
func codeOf(err error) string {
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refusal.ErrorCode
	}
	return ""
}

// shown is a certificate in files.
type shown struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

func inFiles(t *testing.T, certificate tls.Certificate) *shown {
	t.Helper()
	chain, key := authority.Files(t, certificate)
	return &shown{Cert: chain, Key: key}
}

// TestOpenIDClientShowsACertificate: both methods, and a public client, each with tokens that are bound.
func TestOpenIDClientShowsACertificate(t *testing.T) {
	steps := []string{
		"discovery",
		"code with PKCE on a connection with a certificate",
		"userinfo with the certificate",
		"userinfo with another certificate, and with none",
		"introspection",
		"refresh with another certificate, and with none",
		"refresh",
		"revocation",
	}
	m := newMutual(t)
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	vouched := m.ours.Issue(func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Orders", Organization: []string{"Example, Ltd"}}
	})
	for _, c := range []struct {
		method  string
		shown   tls.Certificate
		flags   []string
		without string
	}{
		{"self_signed_tls_client_auth", own, []string{"--jwks", m.keys(own)}, ""},
		{"tls_client_auth", vouched, []string{"--tls-subject-dn", `CN=Orders,O=Example\, Ltd`}, ""},
		{"none", own, nil, "introspection"},
	} {
		t.Run(c.method, func(t *testing.T) {
			client := m.NewClient("Orders", append([]string{
				"--grant", "authorization_code,refresh_token", "--redirect-uri", callback, "--auth-method", c.method,
				"--scope", "openid,email,offline_access", "--certificate-bound",
			}, c.flags...)...)
			user := m.NewUser(strings.ReplaceAll(c.method, "_", "-") + "@example.com")
			relyingParty{
				Issuer: m.Issuer, ClientID: client.ClientID, Method: c.method, Callback: callback, Sub: user.Sub, Email: user.Email,
				Certificate: inFiles(t, c.shown), Another: inFiles(t, another), Thumbprint: authority.Thumbprint(c.shown), CA: m.ours.File(), script: "mutual.mjs",
			}.does(t, person.New(t, m.Issuer, user), slices.DeleteFunc(slices.Clone(steps), func(step string) bool { return step == c.without })...)
		})
	}
}

// TestAnAPIInGoHoldsCallersToTheirCertificate: oauth2 gets a token, and an API with package verify asks for a certificate.
func TestAnAPIInGoHoldsCallersToTheirCertificate(t *testing.T) {
	const audience = "https://orders.example"
	m := newMutual(t)
	m.NewResource(audience, "--scope", "orders:read")
	reader := m.NewClient("Orders API", "--grant", "client_credentials", "--scope", "revocations:read", "--resource", audience)
	v, err := verify.New(t.Context(), m.Issuer, audience, verify.WithClient(reader.ClientID, reader.ClientSecret))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	api := httptest.NewUnstartedServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	api.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{m.ours.Issue(func(c *x509.Certificate) {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	})}}
	api.StartTLS()
	t.Cleanup(api.Close)
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	client := m.NewClient("Orders", "--grant", "client_credentials", "--auth-method", "self_signed_tls_client_auth", "--jwks", m.keys(own),
		"--certificate-bound", "--scope", "orders:read", "--resource", audience)
	config := clientcredentials.Config{
		ClientID: client.ClientID, TokenURL: m.aliases()["token_endpoint"], AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{"resource": {audience}},
	}
	token, err := config.Token(m.showing(own))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		want int
	}{
		"with its certificate": {m.showing(own), http.StatusNoContent}, "with another": {m.showing(another), http.StatusUnauthorized}, "with none": {m.showing(), http.StatusUnauthorized},
	} {
		answer, err := oauth2.NewClient(c.ctx, oauth2.StaticTokenSource(token)).Get(api.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: %s %s", name, answer.Status, answer.Header.Get("WWW-Authenticate"))
		}
	}
}
