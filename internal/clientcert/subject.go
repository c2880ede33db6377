package clientcert

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Subject is the one name by which a client's certificate is known (RFC 8705
// §2.1.2): exactly one of the fields is set.
type Subject struct {
	DN    string // RFC 4514
	DNS   string
	URI   string
	IP    string
	Email string
}

// Check says what is wrong with a name; nil if a certificate can have it.
func (s Subject) Check() error {
	set := 0
	for _, name := range [...]string{s.DN, s.DNS, s.URI, s.IP, s.Email} {
		if name != "" {
			set++
		}
	}
	switch {
	case set == 0:
		return errors.New("one of them is needed")
	case set > 1:
		return errors.New("one of them alone can say whom the certificate names")
	case s.DN != "":
		_, err := parseDN(s.DN)
		return err
	case s.DNS != "" && !isDNSName(s.DNS):
		return errors.New("is no DNS name")
	case s.URI != "" && !isURI(s.URI):
		return errors.New("is no URI")
	case s.IP != "":
		if _, err := netip.ParseAddr(s.IP); err != nil || strings.Contains(s.IP, "%") {
			return errors.New("is no IP address")
		}
	case s.Email != "" && (strings.Count(s.Email, "@") != 1 || strings.ContainsAny(s.Email, " <>,")):
		return errors.New("is no e-mail address")
	}
	return nil
}

// isDNSName: a wildcard is a name for many, and so none for a client.
func isDNSName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func isURI(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != ""
}

// Names reports whether the certificate has the name. It is compared as it stands,
// but for the letters of a host; an address by its bytes (RFC 8705 §2.1.2).
func (s Subject) Names(c *Certificate) bool {
	leaf := c.leaf
	switch {
	case s.Check() != nil:
		return false
	case s.DN != "":
		return namesDN(s.DN, leaf)
	case s.DNS != "":
		return slices.ContainsFunc(leaf.DNSNames, func(name string) bool { return strings.EqualFold(name, s.DNS) })
	case s.URI != "":
		asked, _ := url.Parse(s.URI) // checked above
		return slices.ContainsFunc(leaf.URIs, func(uri *url.URL) bool { return uri.String() == asked.String() })
	case s.IP != "":
		return hasIP(leaf, netip.MustParseAddr(s.IP).Unmap()) // checked above
	}
	return slices.ContainsFunc(leaf.EmailAddresses, func(address string) bool { return sameMailbox(address, s.Email) })
}

func hasIP(leaf *x509.Certificate, asked netip.Addr) bool {
	for _, raw := range leaf.IPAddresses {
		if address, ok := netip.AddrFromSlice(raw); ok && address.Unmap() == asked {
			return true
		}
	}
	return false
}

// sameMailbox: the part before the sign is its host's to read (RFC 5280 §7.5).
func sameMailbox(one, other string) bool {
	box, host, _ := strings.Cut(one, "@")
	otherBox, otherHost, _ := strings.Cut(other, "@")
	return box == otherBox && strings.EqualFold(host, otherHost)
}
