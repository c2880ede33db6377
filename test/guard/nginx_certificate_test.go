//go:build external

package guard_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/authority"
	"github.com/mintmark-id/mintmark/test/server"
)

var certificatesText = regexp.MustCompile("(?s)<!-- nginx certificates -->\n```nginx\n(.*?)```")

// certificates runs Debian's nginx with the text of docs/operations.md, in which only
// the addresses and files are changed, in front of a server. It gives where it listens.
func (w *world) certificates(upstream string, own tls.Certificate) string {
	w.Helper()
	doc, err := os.ReadFile("../../docs/operations.md")
	w.must(err)
	found := certificatesText.FindSubmatch(doc)
	if found == nil {
		w.Fatal("docs/operations.md has no text for nginx")
	}
	address, site := w.free(), string(found[1])
	chain, key := authority.Files(w, own)
	for from, c := range map[string]struct {
		to    string
		times int
	}{
		"listen 443 ssl": {"listen " + address + " ssl", 2}, "127.0.0.1:8484": {upstream, 2},
		"/etc/ssl/mtls.pem": {chain, 1}, "/etc/ssl/mtls.key": {key, 1}, "/etc/ssl/id.pem": {chain, 1}, "/etc/ssl/id.key": {key, 1},
	} {
		if strings.Count(site, from) != c.times {
			w.Fatalf("the text has %q %d times", from, strings.Count(site, from))
		}
		site = strings.ReplaceAll(site, from, c.to)
	}
	w.start(address, site)
	return address
}

// RFC 9440 §2.4: what a client writes of itself does not get through, and what it showed does.
func TestNginxHandsOnTheCertificateThatWasShownAndNoOther(t *testing.T) {
	w := &world{TB: t, server: server.Start(t, "--issuer", "https://id.example.com", "--trusted-proxy", "127.0.0.1",
		"--mtls-proxy", "--mtls-origin", "https://mtls.id.example.com")}
	w.Cast = &app.Cast{Office: w.server.Admin()}
	_, err := w.Office.CreateResource(t.Context(), admin.NewResource{Audience: app.Orders, ResourceSettings: admin.ResourceSettings{Scopes: []string{"orders:read"}}})
	w.must(err)
	ours := authority.New(t, "ours")
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	id := w.bound(own)
	front := w.certificates(w.server.Listen(), ours.Issue(func(c *x509.Certificate) { c.DNSNames = []string{"id.example.com", "mtls.id.example.com"} }))
	client := func(cache tls.ClientSessionCache, shown ...tls.Certificate) *http.Client {
		transport := &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: ours.Pool(), Certificates: shown, ClientSessionCache: cache},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, front)
			},
		}
		return &http.Client{Transport: transport}
	}
	ask := func(by *http.Client, host string, header http.Header) string {
		token, said, err := tokenFor(t.Context(), by, "https://"+host, id, header)
		w.must(err)
		if token != "" {
			return "a token"
		}
		return said[:3]
	}
	forged := http.Header{"Client-Cert": {authority.Header(own)}, "Client_Cert": {authority.Header(own)}}
	cache := tls.NewLRUClientSessionCache(8)
	for name, c := range map[string]struct {
		by     *http.Client
		host   string
		header http.Header
		want   string
	}{
		"its certificate":                       {client(nil, own), "mtls.id.example.com", nil, "a token"},
		"its certificate, and says another":     {client(nil, own), "mtls.id.example.com", http.Header{"Client-Cert": {authority.Header(another)}}, "a token"},
		"none, and says its own":                {client(nil), "mtls.id.example.com", forged, "401"},
		"another, and says its own":             {client(nil, another), "mtls.id.example.com", forged, "401"},
		"where none is shown":                   {client(nil, own), "id.example.com", nil, "401"},
		"where none is shown, and says its own": {client(nil, own), "id.example.com", forged, "401"},
	} {
		if got := ask(c.by, c.host, c.header); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for range 2 { // the second time the session is resumed: RFC 9440 §3.3
		if got := ask(client(cache, own), "mtls.id.example.com", nil); got != "a token" {
			t.Errorf("resumed: %s", got)
		}
	}
	// One name on the connection, another in the request.
	sly := client(nil, own)
	sly.Transport.(*http.Transport).TLSClientConfig.ServerName = "id.example.com" //nolint:forcetypeassert // made above
	if got := ask(sly, "mtls.id.example.com", forged); got == "a token" {
		t.Error("a certificate that was not shown counts under another name")
	}
}
