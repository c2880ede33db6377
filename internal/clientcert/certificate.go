package clientcert

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// Certificate is what a client showed of itself on its connection.
type Certificate struct {
	leaf       *x509.Certificate
	rest       []*x509.Certificate
	thumbprint string
}

// mostBetween is how many certificates may stand between the client's and an
// authority. A client sends as many as it likes, and each costs a signature.
const mostBetween = 8

// New takes the certificates of a handshake, the client's own first; nil if there
// are none. What is more than mostBetween is left out.
func New(chain []*x509.Certificate) *Certificate {
	if len(chain) == 0 {
		return nil
	}
	sum := sha256.Sum256(chain[0].Raw)
	return &Certificate{leaf: chain[0], rest: chain[1:min(len(chain), 1+mostBetween)], thumbprint: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// Header is the field in which a proxy that ends TLS hands a certificate on.
const Header = "Client-Cert"

// Parse reads the values of the header field Client-Cert (RFC 9440 §2.2): it occurs
// once, and is a byte sequence with the certificate alone. What vouches for it
// besides is not read from other fields.
func Parse(values []string) (*Certificate, error) {
	if len(values) != 1 {
		return nil, errors.New("reading Client-Cert: it occurs more than once")
	}
	text, opened := strings.CutPrefix(values[0], ":")
	text, closed := strings.CutSuffix(text, ":")
	if !opened || !closed {
		return nil, errors.New("reading Client-Cert: it is no byte sequence") // RFC 8941 §3.3.5
	}
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("reading Client-Cert: it is no base64")
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("reading Client-Cert: it holds no certificate")
	}
	return New([]*x509.Certificate{leaf}), nil
}

// Leaf is the client's own certificate.
func (c *Certificate) Leaf() *x509.Certificate { return c.leaf }

// Thumbprint is the x5t#S256 of the certificate (RFC 8705 §3.1); "" for none.
func (c *Certificate) Thumbprint() string {
	if c == nil {
		return ""
	}
	return c.thumbprint
}

// InForce reports whether a time, in Unix milliseconds, is within the certificate's own.
func (c *Certificate) InForce(now int64) bool {
	at := time.UnixMilli(now)
	return !at.Before(c.leaf.NotBefore) && !at.After(c.leaf.NotAfter)
}

// VouchedFor says why none of the authorities vouches for the certificate as a
// client's, at a time in Unix milliseconds (RFC 8705 §2.1).
func (c *Certificate) VouchedFor(authorities *x509.CertPool, now int64) error {
	if authorities == nil {
		return errors.New("there are no authorities") // nil would mean those of the machine
	}
	between := x509.NewCertPool()
	for _, certificate := range c.rest {
		between.AddCert(certificate)
	}
	_, err := c.leaf.Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: between, CurrentTime: time.UnixMilli(now),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err //nolint:wrapcheck // x509 says it best
}
