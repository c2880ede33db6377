package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Chain is what an authority gives out for localhost: a certificate that an
// intermediate has signed, and that one a root.
type Chain struct {
	Cert, Key string         // files: the leaf followed by the intermediate, and the leaf's key
	Roots     *x509.CertPool // the root alone
	SPKI      string         // SHA-256 of the leaf's public key, in base64, as Chromium takes it
}

// NewChain makes a chain of an authority of its own, in a directory.
func NewChain(dir string) (*Chain, error) {
	root, err := issue("Mintmark Test Root", nil)
	if err != nil {
		return nil, err
	}
	between, err := issue("Mintmark Test Intermediate", root)
	if err != nil {
		return nil, err
	}
	leaf, err := issue("", between)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(leaf.key)
	if err != nil {
		return nil, fmt.Errorf("writing the key down: %w", err)
	}
	c := &Chain{Cert: filepath.Join(dir, "chain.pem"), Key: filepath.Join(dir, "key.pem"), Roots: x509.NewCertPool()}
	c.Roots.AddCert(root.cert)
	sum := sha256.Sum256(leaf.cert.RawSubjectPublicKeyInfo)
	c.SPKI = base64.StdEncoding.EncodeToString(sum[:])
	certs := append(pemOf("CERTIFICATE", leaf.cert.Raw), pemOf("CERTIFICATE", between.cert.Raw)...)
	for path, text := range map[string][]byte{c.Cert: certs, c.Key: pemOf("PRIVATE KEY", private)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("writing the chain: %w", err)
		}
	}
	return c, nil
}

// StartTLS starts a server whose own listener speaks TLS, with https in its issuer.
func StartTLS(t testing.TB, flags ...string) (*Server, *Chain) {
	t.Helper()
	chain, err := NewChain(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return Start(t, append(chain.Flags(), flags...)...), chain
}

// Flags are those of a server that shows the chain.
func (c *Chain) Flags() []string {
	return []string{"--issuer", "https://localhost:" + ownPort, tlsFlag, c.Cert, "--tls-key", c.Key}
}

// authority is a certificate and its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a certificate: with a name one of an authority, without one that of
// the server. Where nobody signs it signs itself.
func issue(name string, by *authority) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		BasicConstraintsValid: true, IsCA: name != "", KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if name != "" {
		template.KeyUsage = x509.KeyUsageCertSign
	} else {
		template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	signer := by
	if signer == nil {
		signer = &authority{cert: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	return &authority{cert: cert, key: key}, nil
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
