package engine

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// checkCertificate: whoever is to authenticate by a certificate must be able to show
// one here, and be known by exactly one name of it (RFC 8705 §2.1.2).
func (e *Engine) checkCertificate(s *record.ClientSettings, wrong *problems) {
	method := oauth.AuthMethod(s.TokenEndpointAuthMethod)
	switch {
	case !method.ByCertificate() || slices.Contains(e.certificateMethods(), method):
	case method == oauth.AuthTLS && e.policy.Mutual.On:
		wrong.add("token_endpoint_auth_method", "tls_client_auth needs certificate authorities that the server trusts: its setting mtls_ca")
	default:
		wrong.add("token_endpoint_auth_method", "%s needs connections that show a certificate: the server's setting mtls_listen", method)
	}
	if s.CertificateBound && !e.policy.Mutual.On {
		wrong.add("tls_client_certificate_bound_access_tokens", "needs connections that show a certificate: the server's setting mtls_listen")
	}
	field, names := certificateName(s)
	switch {
	case method == oauth.AuthTLS:
		if err := decide.CertificateSubject(s).Check(); err != nil {
			wrong.add(field, "%s", err)
		}
	case names > 0:
		wrong.add(field, "is for token_endpoint_auth_method tls_client_auth")
	}
}

// certificateName says which field has the name of a client's certificate, and how
// many do.
func certificateName(s *record.ClientSettings) (field string, names int) {
	for _, one := range [][2]string{
		{"tls_client_auth_san_email", s.TLSEmail},
		{"tls_client_auth_san_ip", s.TLSIP},
		{"tls_client_auth_san_uri", s.TLSURI},
		{"tls_client_auth_san_dns", s.TLSDNS},
		{"tls_client_auth_subject_dn", s.TLSSubjectDN},
	} {
		if one[1] != "" {
			field, names = one[0], names+1
		}
	}
	if names == 0 {
		return "tls_client_auth_subject_dn", 0
	}
	return field, names
}
