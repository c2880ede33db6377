package verify

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/mintmark-id/mintmark/test/authority"
)

// asks is a request with a token, on a connection that showed certificates.
func asks(token string, shown ...*x509.Certificate) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://api.example.com/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.TLS = &tls.ConnectionState{PeerCertificates: shown}
	return r
}

// RFC 8705 §3: the same token, with each certificate; also from memory.
func TestABoundTokenIsGoodOnAConnectionWithItsCertificateAlone(t *testing.T) {
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		token := i.token(map[string]any{"cnf": map[string]string{"x5t#S256": authority.Thumbprint(own)}})
		plain := i.token(nil)
		for range 2 {
			for name, c := range map[string]struct {
				token string
				shown []*x509.Certificate
				want  Reason
			}{
				"its own":                    {token, []*x509.Certificate{own.Leaf}, ""},
				"its own, and who signed it": {token, []*x509.Certificate{own.Leaf, another.Leaf}, ""},
				"another":                    {token, []*x509.Certificate{another.Leaf}, WrongCertificate},
				"another, its own behind it": {token, []*x509.Certificate{another.Leaf, own.Leaf}, WrongCertificate},
				"none":                       {token, nil, Bound},
				"one, for a token without":   {plain, []*x509.Certificate{own.Leaf}, ""},
			} {
				claims, err := v.Admit(asks(c.token, c.shown...))
				if got := Reason(reasonOf(err)); got != c.want || (err == nil) != (c.want == "") {
					t.Errorf("%s: %v", name, err)
				}
				if err == nil && c.token == token && claims.CertificateThumbprint != authority.Thumbprint(own) {
					t.Errorf("%s: bound to %q", name, claims.CertificateThumbprint)
				}
			}
		}
		r := asks(token)
		r.TLS = nil
		r.Header.Set("Client-Cert", authority.Header(own)) // nobody said to believe it
		if _, err := v.Admit(r); Reason(reasonOf(err)) != Bound {
			t.Errorf("by a header: %v", err)
		}
		for name, c := range map[string]struct {
			shown *x509.Certificate
			want  Reason
		}{"its own": {own.Leaf, ""}, "another": {another.Leaf, WrongCertificate}, "none": {nil, Bound}} {
			ctx := t.Context()
			if c.shown != nil {
				ctx = Showing(ctx, c.shown)
			}
			if _, err := v.Check(ctx, token); Reason(reasonOf(err)) != c.want {
				t.Errorf("without HTTP, %s: %v", name, err)
			}
			if _, err := v.Watch(ctx, token); Reason(reasonOf(err)) != c.want {
				t.Errorf("watched, %s: %v", name, err)
			}
		}
	})
}

// RFC 7800 §3.1: what is not known here is never taken for nothing.
func TestATokenThatIsBoundToSomethingElseIsRefused(t *testing.T) {
	own := authority.SelfSigned(t, nil)
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		thumbprint := authority.Thumbprint(own)
		for name, cnf := range map[string]any{
			"a key of DPoP": map[string]string{"jkt": "x"}, "a certificate and a key": map[string]string{"x5t#S256": thumbprint, "jkt": "x"},
			"nothing": map[string]string{}, "an empty certificate": map[string]string{"x5t#S256": ""}, "a number": map[string]any{"x5t#S256": 7},
			"no object": thumbprint, "null": []any{}, "another hash": map[string]string{"x5t": thumbprint},
		} {
			if _, err := v.Admit(asks(i.token(map[string]any{"cnf": cnf}), own.Leaf)); Reason(reasonOf(err)) != Bound {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// RFC 9440: behind a proxy, where the API says so.
func TestAProxyHandsTheCertificateOn(t *testing.T) {
	own, another := authority.SelfSigned(t, nil), authority.SelfSigned(t, nil)
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t, WithClientCertificate(ClientCert))
		token := i.token(map[string]any{"cnf": map[string]string{"x5t#S256": authority.Thumbprint(own)}})
		for name, c := range map[string]struct {
			field []string
			want  Reason
		}{
			"its own": {[]string{authority.Header(own)}, ""},
			"another": {[]string{authority.Header(another)}, WrongCertificate},
			"none":    {nil, Bound},
			"two":     {[]string{authority.Header(own), authority.Header(own)}, WrongCertificate},
			"junk":    {[]string{"junk"}, WrongCertificate},
		} {
			r := asks(token, own.Leaf) // of the proxy's connection, which is nobody's here
			r.Header["Client-Cert"] = c.field
			if _, err := v.Admit(r); Reason(reasonOf(err)) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
