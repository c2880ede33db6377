package egress

import (
	"net/netip"
	"net/url"
	"strconv"
)

// maxURL bounds an address, in bytes.
const maxURL = 2048

// Check judges an address as far as that can be done without resolving it: when a
// client registers it. What it resolves to is judged each time it is used. Errors
// are of type *Error.
func (c *Client) Check(address string) error {
	target, err := c.parse(address)
	if err != nil {
		return err
	}
	literal, wrong := netip.ParseAddr(target.Hostname())
	if wrong != nil {
		return nil //nolint:nilerr // a name; it is judged by what it resolves to
	}
	permit := c.permit
	if target.Scheme == "http" {
		permit = c.permitPlain
	}
	if refused := permit(literal); refused != nil {
		return refused
	}
	return nil
}

// parse reads an absolute http or https URL. A fragment is not sent
// (RFC 9110 §7.1), and so it is cut off.
func (c *Client) parse(address string) (*url.URL, error) {
	target, err := url.Parse(address)
	switch {
	case len(address) > maxURL || err != nil:
		return nil, &Error{Rule: RuleMalformed}
	case target.Scheme != "https" && (target.Scheme != "http" || len(c.trusted) == 0):
		return nil, &Error{Rule: RuleScheme}
	case target.Opaque != "" || target.Hostname() == "" || !isASCII(target.Host):
		return nil, &Error{Rule: RuleMalformed}
	case target.User != nil:
		return nil, &Error{Rule: RuleUserinfo} // RFC 9110 §4.2.4
	case !saneHostPort(target):
		return nil, &Error{Rule: RulePort}
	}
	target.Fragment, target.RawFragment = "", ""
	return target, nil
}

// saneHostPort: the scheme's own port, or one that needs no privilege. Those below
// are of mail servers and the like, which take the first line of HTTP or TLS for a
// command.
func saneHostPort(target *url.URL) bool {
	const unprivileged = 1024
	text := target.Port()
	if text == "" {
		return target.Host[len(target.Host)-1] != ':'
	}
	port, err := strconv.ParseUint(text, 10, 16)
	own := target.Scheme == "https" && port == 443 || target.Scheme == "http" && port == 80
	return err == nil && (own || port >= unprivileged)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}
