package web

import (
	"net/http"
	"testing"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// Most requests come without a certificate, and pay nothing for those that have one.
func TestARequestWithoutACertificateMakesNothing(t *testing.T) {
	for name, s := range map[string]*site{"a server that takes none": {}, "one that takes those of proxies": {fromProxies: true}} {
		for _, proxied := range []bool{false, true} {
			v := &visit{r: &http.Request{Header: http.Header{}}, from: source{host: "id.example", proxied: proxied}}
			var shown *clientcert.Certificate
			var err *oauth.Error
			if n := testing.AllocsPerRun(100, func() { shown, err = s.certificate(v) }); n != 0 || shown != nil || err != nil {
				t.Errorf("%s: %v allocations, %v, %v", name, n, shown, err)
			}
			if n := testing.AllocsPerRun(100, func() { s.atMutual(v) }); n != 0 {
				t.Errorf("%s: %v allocations to see where it is", name, n)
			}
		}
	}
}

// RFC 9110 §4.2.3: an origin's port may be said or not.
func TestTheAddressForCertificatesIsOneHost(t *testing.T) {
	s := &site{mutualHosts: mutualHosts("https://mtls.id.example")}
	for host, want := range map[string]bool{
		"mtls.id.example": true, "MTLS.id.example:443": true, "mtls.id.example:80": false, "mtls.id.example:8443": false, "id.example": false, "": false,
	} {
		v := &visit{from: source{host: host}}
		if got := s.atMutual(v); got != want {
			t.Errorf("%q: %v", host, got)
		}
		v.mutual = true
		if got := s.addressed(v); got != want {
			t.Errorf("%q on the listener: %v", host, got)
		}
		v.from.scheme = "http"
		if s.addressed(v) {
			t.Errorf("%q in the clear", host)
		}
	}
	none := &site{mutualHosts: mutualHosts("")}
	if none.atMutual(&visit{}) || none.addressed(&visit{mutual: true}) {
		t.Error("an address that is not there is answered")
	}
}
