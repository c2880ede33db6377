package clientcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/clientcert"
	"github.com/mintmark-id/mintmark/test/authority"
)

// orders is the certificate of a client with a name of each kind.
func orders(t *testing.T) *clientcert.Certificate {
	t.Helper()
	made := authority.SelfSigned(t, func(c *x509.Certificate) {
		c.RawSubject = subject(t)
		c.DNSNames, c.EmailAddresses = []string{"orders.example", "*.wild.example"}, []string{"Ops@orders.example"}
		c.IPAddresses = []net.IP{net.ParseIP("192.0.2.7"), net.ParseIP("2001:db8::7")}
		c.URIs = authority.URIs(t, "spiffe://example/orders", "https://orders.example/a?b=c")
	})
	return clientcert.New([]*x509.Certificate{made.Leaf})
}

// subject is C=DE, O="Bücher, Söhne", OU=a+CN=Orders, and a type that nobody names.
func subject(t *testing.T) []byte {
	t.Helper()
	kind := func(arcs ...int) asn1.ObjectIdentifier { return arcs }
	text, err := asn1.Marshal(pkix.RDNSequence{
		{{Type: kind(2, 5, 4, 6), Value: "DE"}},
		{{Type: kind(2, 5, 4, 10), Value: "Bücher, Söhne"}},
		{{Type: kind(2, 5, 4, 3), Value: "Orders"}, {Type: kind(2, 5, 4, 11), Value: "a"}},
		{{Type: kind(1, 3, 6, 1, 4, 1, 99999, 1), Value: "x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// RFC 4514 §2, §3; RFC 8705 §2.1.2.
func TestADistinguishedNameIsTheSameInWhicheverWayItIsWritten(t *testing.T) {
	shown := orders(t)
	const rest = `O=Bücher\, Söhne,C=DE`
	for name, want := range map[string]bool{
		`1.3.6.1.4.1.99999.1=x,CN=Orders+OU=a,` + rest:                                true,
		`1.3.6.1.4.1.99999.1=#130178 , OU=a + CN=Orders , ` + rest:                    true,
		`1.3.6.1.4.1.99999.1=x,cn=Orders+2.5.4.11=a,o=B\C3\BCcher\2C S\C3\B6hne,c=DE`: true,
		`1.3.6.1.4.1.99999.1=\78,CN=\4Frders+OU=a,O=Bücher\, Söhne,C=DE`:              true,
		`1.3.6.1.4.1.99999.1=x,CN=orders+OU=a,` + rest:                                false, // letters count
		`1.3.6.1.4.1.99999.1=x,CN=Orders,` + rest:                                     false,
		`CN=Orders+OU=a,` + rest:                                                      false,
		`1.3.6.1.4.1.99999.1=x,CN=Orders+OU=a,C=DE,O=Bücher\, Söhne`:                  false, // the order counts
		`1.3.6.1.4.1.99999.1=#0c0178,CN=Orders+OU=a,` + rest:                          false, // as DER it is another string
		`1.3.6.1.4.1.99999.1=x,CN=Orders+OU=a,O=Bücher\, Söhne,C=DE,CN=Orders`:        false,
		`1.3.6.1.4.1.99999.1=x,CN=Orders+CN=Orders,` + rest:                           false,
		`C=DE,O=Bücher\, Söhne,OU=a+CN=Orders,1.3.6.1.4.1.99999.1=x`:                  false,
		`1.3.6.1.4.1.99999.1=x,CN=Orders\ +OU=a,` + rest:                              false,
		`1.3.6.1.4.1.99999.1=x,CN=Orders\00+OU=a,` + rest:                             false,
	} {
		subject := clientcert.Subject{DN: name}
		if err := subject.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := subject.Names(shown); got != want {
			t.Errorf("%s names it: %v", name, got)
		}
	}
}

func TestWhatIsNoNameIsRefusedAndNamesNothing(t *testing.T) {
	shown := orders(t)
	for _, subject := range []clientcert.Subject{
		{},
		{DN: "CN"},
		{DN: "CN="},
		{DN: "Orders"},
		{DN: "CN=a,"},
		{DN: "CN=a;O=b"},
		{DN: `CN=a"b`},
		{DN: `CN=a\`},
		{DN: `CN=a\z`},
		{DN: "CN=#zz"},
		{DN: "CN=#"},
		{DN: "CN=\xff"},
		{DN: "shoe=12"},
		{DN: "2.05.4.3=a"},
		{DN: "CN=a,,O=b"},
		{DNS: "*.wild.example"},
		{DNS: "orders.example/"},
		{DNS: "bücher.example"},
		{URI: "orders"},
		{URI: "://"},
		{IP: "192.0.2.007"},
		{IP: "fe80::1%eth0"},
		{IP: "192.0.2.0/24"},
		{Email: "orders.example"},
		{Email: "a@b@c"},
		{Email: "Ops <Ops@orders.example>"},
		{DNS: "orders.example", IP: "192.0.2.7"},
		{DN: "CN=Orders", Email: "Ops@orders.example"},
	} {
		if subject.Check() == nil || subject.Names(shown) {
			t.Errorf("%+v is a name", subject)
		}
	}
}

// RFC 8705 §2.1.2, the alternative names.
func TestAnAlternativeNameIsOneOfItsKind(t *testing.T) {
	shown := orders(t)
	for subject, want := range map[clientcert.Subject]bool{
		{DNS: "orders.example"}:               true,
		{DNS: "Orders.EXAMPLE"}:               true,
		{DNS: "example"}:                      false,
		{DNS: "a.wild.example"}:               false, // a wildcard is nobody's name
		{URI: "spiffe://example/orders"}:      true,
		{URI: "https://orders.example/a?b=c"}: true,
		{URI: "https://orders.example/a"}:     false,
		{URI: "spiffe://example/Orders"}:      false,
		{IP: "192.0.2.7"}:                     true,
		{IP: "::ffff:192.0.2.7"}:              true,
		{IP: "2001:DB8:0::7"}:                 true, // by its bytes
		{IP: "192.0.2.8"}:                     false,
		{Email: "Ops@Orders.example"}:         true,
		{Email: "ops@orders.example"}:         false,
		{DNS: "192.0.2.7"}:                    false,
	} {
		if got := subject.Names(shown); got != want {
			t.Errorf("%+v names it: %v", subject, got)
		}
	}
}

// RFC 9440 §2.1, §2.2.
func TestAProxyHandsOnOneCertificate(t *testing.T) {
	made := authority.SelfSigned(t, nil)
	field := authority.Header(made)
	shown, err := clientcert.Parse([]string{field})
	if err != nil || shown.Thumbprint() != authority.Thumbprint(made) || !shown.Leaf().Equal(made.Leaf) {
		t.Fatalf("%v, %v", shown, err)
	}
	for name, values := range map[string][]string{
		"nothing":          {""},
		"twice":            {field, field},
		"a list":           {field + ", " + field},
		"open":             {field[:len(field)-1]},
		"no colon":         {strings.Trim(field, ":")},
		"one colon":        {":"},
		"empty":            {"::"},
		"with parameters":  {field + ";a=b"},
		"broken in lines":  {field[:60] + "\n" + field[60:]},
		"with spaces":      {field[:60] + " " + field[60:]},
		"cut short":        {field[:len(field)-9] + ":"},
		"with more behind": {":" + strings.TrimRight(strings.Trim(field, ":"), "=") + "AAAA:"},
		"URL's base64":     {":-_-_:"},
		"PEM in a URL":     {"-----BEGIN%20CERTIFICATE-----%0A"},
		"no certificate":   {":AAAA:"},
	} {
		if shown, err := clientcert.Parse(values); err == nil || shown != nil {
			t.Errorf("%s is read as %v", name, shown)
		}
	}
}

// RFC 8705 §2.1.
func TestOnlyAnAuthorityOfOursVouches(t *testing.T) {
	ours, others := authority.New(t, "ours"), authority.New(t, "ours")
	below := ours.Below("below")
	now := time.Now().UnixMilli()
	for name, c := range map[string]struct {
		by     *authority.Authority
		change func(*x509.Certificate)
		at     int64
		fine   bool
	}{
		"as it should be":           {ours, nil, now, true},
		"by one between":            {below, nil, now, true},
		"by another of that name":   {others, nil, now, false},
		"expired":                   {ours, nil, now + 2*3600_000, false},
		"not yet in force":          {ours, nil, now - 2*3600_000, false},
		"for servers":               {ours, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, now, false},
		"for nothing in particular": {ours, func(c *x509.Certificate) { c.ExtKeyUsage = nil }, now, true},
	} {
		if err := clientcert.New(parsed(t, c.by.Issue(c.change))).VouchedFor(ours.Pool(), c.at); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := below
	for range 9 {
		long = long.Below("below")
	}
	if clientcert.New(parsed(t, long.Issue(nil))).VouchedFor(ours.Pool(), now) == nil {
		t.Error("a chain of any length is followed")
	}
	own := clientcert.New([]*x509.Certificate{authority.SelfSigned(t, nil).Leaf})
	if own.VouchedFor(ours.Pool(), now) == nil || own.VouchedFor(nil, now) == nil {
		t.Error("somebody vouches for a certificate that its owner signed")
	}
	if clientcert.New(nil) != nil || clientcert.New(nil).Thumbprint() != "" {
		t.Error("no certificate is one")
	}
}

func parsed(t *testing.T, made tls.Certificate) (chain []*x509.Certificate) {
	t.Helper()
	for _, der := range made.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, one)
	}
	return chain
}

func FuzzDistinguishedNames(f *testing.F) {
	for _, seed := range []string{`CN=a,O=b`, `CN=a\,b+OU=#0c0178`, `1.2.3=x`, `CN=\C3\BC`, `CN= a , O = b `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		subject := clientcert.Subject{DN: text}
		if subject.Check() != nil && subject.Names(clientcert.New([]*x509.Certificate{{}})) {
			t.Errorf("%q is no name, and names a certificate", text)
		}
	})
}
