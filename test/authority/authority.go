// Package authority makes certificates for tests: those of an authority, and those
// that somebody signs for themself.
package authority

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// Authority signs certificates.
type Authority struct {
	t   testing.TB
	own tls.Certificate
}

// New makes an authority of its own.
func New(t testing.TB, name string) *Authority {
	t.Helper()
	return &Authority{t: t, own: signed(t, ofAuthority(name), nil)}
}

// Below makes an authority that this one vouches for.
func (a *Authority) Below(name string) *Authority {
	a.t.Helper()
	made := signed(a.t, ofAuthority(name), &a.own)
	made.Certificate = append(made.Certificate, a.own.Certificate...)
	return &Authority{t: a.t, own: made}
}

// Pool has the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.own.Leaf)
	return pool
}

// Issue signs the certificate of a client, after the change to what it would be.
func (a *Authority) Issue(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	template := blank(pkix.Name{CommonName: "a client"})
	if change != nil {
		change(template)
	}
	made := signed(a.t, template, &a.own)
	made.Certificate = append(made.Certificate, a.own.Certificate...)
	return made
}

// SelfSigned makes a certificate that nobody vouches for.
func SelfSigned(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := blank(pkix.Name{CommonName: "a client"})
	if change != nil {
		change(template)
	}
	return signed(t, template, nil)
}

// ofAuthority is in force at whatever time a test has.
func ofAuthority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

// blank is in force for an hour, for both ends of a connection.
func blank(name pkix.Name) *x509.Certificate {
	return &x509.Certificate{
		Subject: name, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

func signed(t testing.TB, template *x509.Certificate, by *tls.Certificate) tls.Certificate {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	must(err)
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(crypto.Signer) //nolint:errcheck,forcetypeassert // made here
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(err)
	leaf, err := x509.ParseCertificate(der)
	must(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Thumbprint is the x5t#S256 of a certificate.
func Thumbprint(made tls.Certificate) string {
	sum := sha256.Sum256(made.Certificate[0])
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Header is a certificate as a proxy writes it (RFC 9440 §2.2).
func Header(made tls.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(made.Certificate[0]) + ":"
}

// JWKS is the set with a certificate's key; withX5C it has the certificate itself.
func JWKS(t testing.TB, made tls.Certificate, withX5C bool) []byte {
	t.Helper()
	key, err := jose.NewPublicKey(jose.ES256, made.Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if withX5C {
		text = fmt.Appendf(text[:len(text)-1], `,"x5c":[%q]}`, base64.StdEncoding.EncodeToString(made.Certificate[0]))
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, text)
}

// Files writes a chain and its key as PEM.
func Files(t testing.TB, made tls.Certificate) (chain, key string) {
	t.Helper()
	dir := t.TempDir()
	var text bytes.Buffer
	for _, der := range made.Certificate {
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			t.Fatal(err)
		}
	}
	sealed, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	chain, key = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	for path, content := range map[string][]byte{chain: text.Bytes(), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sealed})} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return chain, key
}

// File writes the authority's own certificate as PEM.
func (a *Authority) File() string {
	a.t.Helper()
	chain, _ := Files(a.t, a.own)
	return chain
}

// URIs are those of a certificate.
func URIs(t testing.TB, texts ...string) (uris []*url.URL) {
	t.Helper()
	for _, text := range texts {
		uri, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		uris = append(uris, uri)
	}
	return uris
}
