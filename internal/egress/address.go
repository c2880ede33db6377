package egress

import (
	"net/netip"
	"slices"
)

// special is a network whose addresses are not for everybody. IANA's registries
// of special-purpose addresses (RFC 6890).
type special struct {
	network netip.Prefix
	kind    string
}

// publicV6 is what of IPv6 is given out as global unicast (RFC 4291 §2.4, IANA).
// Loopback, link-local, unique local, multicast, mapped, compatible and NAT64
// addresses lie outside.
var publicV6 = netip.MustParsePrefix("2000::/3")

// specials is what is refused although it looks like a unicast address; where
// several fit the first names it.
var specials = []special{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},         // RFC 1122 §3.2.1.3
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},          // RFC 1122 §3.2.1.3
	{netip.MustParsePrefix("::1/128"), "loopback"},              // RFC 4291 §2.5.3
	{netip.MustParsePrefix("::/128"), "unspecified"},            // RFC 4291 §2.5.2
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},            // RFC 1918 §3
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},         // RFC 1918 §3
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},        // RFC 1918 §3
	{netip.MustParsePrefix("fc00::/7"), "private"},              // RFC 4193 §3.1
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},     // RFC 3927 §2.1; clouds keep their metadata there
	{netip.MustParsePrefix("fe80::/10"), "link-local"},          // RFC 4291 §2.5.6
	{netip.MustParsePrefix("100.64.0.0/10"), "shared"},          // RFC 6598 §7, behind a carrier's NAT
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},         // RFC 6890 §2.1
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},    // RFC 5737 §3
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"}, // RFC 5737 §3
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},  // RFC 5737 §3
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},   // RFC 3849 §4
	{netip.MustParsePrefix("3fff::/20"), "documentation"},       // RFC 9637 §3
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},    // RFC 2544 appendix C.2.2
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},         // RFC 5771 §3
	{netip.MustParsePrefix("ff00::/8"), "multicast"},            // RFC 4291 §2.7
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},          // RFC 1112 §4; the broadcast address too
	{netip.MustParsePrefix("::ffff:0:0/96"), "translated"},      // RFC 4291 §2.5.5.2
	{netip.MustParsePrefix("::/96"), "translated"},              // RFC 4291 §2.5.5.1
	{netip.MustParsePrefix("64:ff9b::/96"), "translated"},       // RFC 6052 §2.1
	{netip.MustParsePrefix("64:ff9b:1::/48"), "translated"},     // RFC 8215 §3
	{netip.MustParsePrefix("192.88.99.0/24"), "translated"},     // RFC 7526 §4
	{netip.MustParsePrefix("2002::/16"), "translated"},          // RFC 3056 §2
	{netip.MustParsePrefix("2001::/32"), "translated"},          // RFC 4380 §2.6
	{netip.MustParsePrefix("2001::/23"), "reserved"},            // RFC 2928 §2
}

// permit refuses an address that is not public, unless it is trusted.
func (c *Client) permit(address netip.Addr) *Error {
	if c.trusts(address) {
		return nil
	}
	if kind := kindOf(address); kind != "" {
		return &Error{Rule: RuleAddress, Kind: kind}
	}
	return nil
}

// permitPlain is permit for a connection that nothing protects.
func (c *Client) permitPlain(address netip.Addr) *Error {
	if !c.trusts(address) {
		return &Error{Rule: RuleScheme}
	}
	return nil
}

func (c *Client) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(c.trusted, func(network netip.Prefix) bool { return network.Contains(address) })
}

// kindOf says why an address is not public; "" if it is.
func kindOf(address netip.Addr) string {
	if address.Zone() != "" {
		return "link-local"
	}
	for _, s := range specials {
		if containsAnyForm(s.network, address) {
			return s.kind
		}
	}
	if address.Is4() && address.IsGlobalUnicast() || publicV6.Contains(address) {
		return ""
	}
	return "reserved"
}

// containsAnyForm: netip holds an IPv4-mapped address apart from every prefix, the
// mapped one too.
func containsAnyForm(network netip.Prefix, address netip.Addr) bool {
	return network.Contains(address) || address.Is4In6() && network.Contains(address.Unmap())
}
