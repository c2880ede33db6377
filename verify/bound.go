package verify

import (
	"context"
	"crypto/x509"
	"net/http"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/jose"
)

// shownKey is where a context has the certificate of its caller.
type shownKey struct{}

// Showing is a context for [Verifier.Check] and [Verifier.Watch] of a caller whose
// connection showed a certificate: a token that is bound to one is good with it, and
// with no other (RFC 8705 §3). The handshake must have proven that the caller has the
// certificate's key.
func Showing(ctx context.Context, certificate *x509.Certificate) context.Context {
	return context.WithValue(ctx, shownKey{}, certificate)
}

// WithClientCertificate says how the certificate of a request is known where TLS ends
// in front of the API; nil for one that came without. By default it is that of the
// request's connection.
func WithClientCertificate(of func(*http.Request) (*x509.Certificate, error)) Option {
	return func(s *settings) { s.certificate = of }
}

// ClientCert reads the certificate that a proxy hands on in the header field Client-Cert
// (RFC 9440), for [WithClientCertificate]. It believes whoever writes that field: use it
// only where every request comes through a proxy that removes what a client sent under
// that name.
func ClientCert(r *http.Request) (*x509.Certificate, error) {
	values := r.Header[clientcert.Header]
	if len(values) == 0 {
		return nil, nil
	}
	shown, err := clientcert.Parse(values)
	if err != nil {
		return nil, err //nolint:wrapcheck // of this module
	}
	return shown.Leaf(), nil
}

// ofConnection is the certificate of a request's own connection.
func ofConnection(r *http.Request) (*x509.Certificate, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	return r.TLS.PeerCertificates[0], nil
}

// held refuses a token that is bound to another certificate than its caller showed.
// Nobody is asked who showed which for a token that is not bound.
func (v *Verifier) held(ctx context.Context, c *Claims, request *http.Request) error {
	if c.CertificateThumbprint == "" {
		return nil
	}
	certificate, _ := ctx.Value(shownKey{}).(*x509.Certificate)
	var err error
	if request != nil {
		certificate, err = v.settings.certificate(request)
	}
	switch {
	case err != nil:
		return refuse(WrongCertificate)
	case certificate == nil:
		return refuse(Bound)
	case clientcert.New([]*x509.Certificate{certificate}).Thumbprint() != c.CertificateThumbprint:
		return refuse(WrongCertificate)
	}
	return nil
}

// readConfirmation reads what a token is bound to (RFC 7800 §3.1, RFC 8705 §3.1). What
// is not known here cannot be proven here.
func readConfirmation(o jose.Object, c *Claims) error {
	cnf, err := o.Object("cnf")
	if err != nil || len(cnf.Names()) != 1 {
		return refuse(Bound)
	}
	c.CertificateThumbprint, err = cnf.String("x5t#S256")
	if err != nil || c.CertificateThumbprint == "" {
		return refuse(Bound)
	}
	return nil
}
