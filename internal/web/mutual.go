package web

import (
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// mutualHosts lists what Host may be under an origin where connections show a
// client's certificate.
func mutualHosts(origin string) [2]string {
	host, found := strings.CutPrefix(origin, "https://")
	if !found {
		return [2]string{}
	}
	return withPort(host, ":443")
}

// atMutual reports whether a visit is where clients show certificates: on the
// listener for that, or by the address that a proxy has for it.
func (s *site) atMutual(v *visit) bool {
	return v.mutual || s.mutualHosts[0] != "" && s.isMutualHost(v.from)
}

func (s *site) isMutualHost(from source) bool {
	return from.scheme != "http" && (strings.EqualFold(from.host, s.mutualHosts[0]) || strings.EqualFold(from.host, s.mutualHosts[1]))
}

// addressed reports whether a visit was addressed to us: to the issuer, or where
// clients show certificates to the address for that alone.
func (s *site) addressed(v *visit) bool {
	if s.atMutual(v) {
		return s.mutualHosts[0] != "" && s.isMutualHost(v.from)
	}
	return s.answersFor(v.from)
}

// certificate is what a visit's connection showed; nil: nothing. On a listener of ours
// that asks for it, it is the connection's own. What a proxy writes counts from a
// trusted one, where the operator has said so (RFC 9440 §4).
func (s *site) certificate(v *visit) (*clientcert.Certificate, *oauth.Error) {
	if v.mutual {
		if v.r.TLS == nil {
			return nil, nil
		}
		return clientcert.New(v.r.TLS.PeerCertificates), nil
	}
	if !s.fromProxies || !v.from.proxied {
		return nil, nil
	}
	values := v.r.Header[clientcert.Header]
	if len(values) == 0 {
		return nil, nil
	}
	shown, err := clientcert.Parse(values)
	if err != nil {
		return nil, oauth.Refuse(oauth.ReasonCertificateMalformed).Because(err)
	}
	return shown, nil
}

// nothing answers where clients show certificates for all that is elsewhere: no page,
// which would be another site's.
func (s *site) nothing(v *visit) {
	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	h.Set("Content-Length", "0")
	v.WriteHeader(http.StatusNotFound)
}
