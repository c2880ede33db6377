package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// source is where a request comes from and what it was addressed to, as far as
// that can be believed.
type source struct {
	network string // of the client: its /24 or /64, "local" on a socket
	host    string
	scheme  string // only a trusted proxy says it; "" = not known
	proxied bool   // it comes from a trusted proxy
}

// proxies are the networks whose forwarded headers are believed.
type proxies []netip.Prefix

// peer is the other end of a connection, which NewServer looks at once for all of its
// requests.
type peer struct {
	address netip.Addr
	network string
}

type peerKey struct{}

func peerOf(remote string) *peer {
	var p peer
	if address, err := netip.ParseAddrPort(remote); err == nil {
		p.address = address.Addr().Unmap()
	}
	p.network = networkOf(p.address)
	return &p
}

// sourceOf believes the connection, and of what headers say only what a trusted
// proxy wrote. ASVS 4.1.3.
func (p proxies) sourceOf(r *http.Request) source {
	other, known := r.Context().Value(peerKey{}).(*peer)
	if !known {
		other = peerOf(r.RemoteAddr)
	}
	if !p.trusts(other.address) {
		return source{network: other.network, host: r.Host}
	}
	f := forwarded(r.Header)
	from := source{network: networkOf(p.clientOf(f.clients, other.address)), host: r.Host, scheme: f.scheme, proxied: true}
	if f.host != "" {
		from.host = f.host
	}
	return from
}

func (p proxies) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// clientOf walks back from our end: each address was written down by the one
// after it, so it is worth as much as that one.
func (p proxies) clientOf(addresses []string, peer netip.Addr) netip.Addr {
	for _, text := range slices.Backward(addresses) {
		addr, ok := parseNode(text)
		if !ok {
			return peer
		}
		if peer = addr; !p.trusts(addr) {
			return addr
		}
	}
	return peer
}

// networkOf is what is logged and counted of an address: the network that one
// customer of a provider usually has.
func networkOf(addr netip.Addr) string {
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.WithZone("").Prefix(bits)
	if err != nil || !network.IsValid() {
		return "local"
	}
	return network.String()
}

// hostsOf lists what Host may be: the issuer's authority, also with the port
// that its scheme implies. RFC 9110 §4.2.3.
func hostsOf(issuer oauth.Issuer) [2]string {
	if issuer.IsHTTPS() {
		return withPort(issuer.Host(), ":443")
	}
	return withPort(issuer.Host(), ":80")
}

func withPort(host, port string) [2]string {
	if bare, ok := strings.CutSuffix(host, port); ok {
		return [2]string{host, bare}
	}
	return [2]string{host, host + port}
}

// answersFor reports whether a request was addressed to the issuer. With the
// ports of both compared as text, host:443 is none of host:8443.
func (s *site) answersFor(from source) bool {
	if from.scheme != "" && (from.scheme == "https") != s.issuer.IsHTTPS() {
		return false
	}
	return strings.EqualFold(from.host, s.hosts[0]) || strings.EqualFold(from.host, s.hosts[1])
}
