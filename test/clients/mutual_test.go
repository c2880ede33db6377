//go:build external

package clients

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/mintmark-id/mintmark/test/authority"
	"github.com/mintmark-id/mintmark/test/server"
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
