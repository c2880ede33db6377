package egress

import (
	"net/netip"
	"testing"
)

func TestOnlyPublicAddressesArePublic(t *testing.T) {
	for text, kind := range map[string]string{
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "::": "unspecified",
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback",
		"10.0.0.1": "private", "172.16.0.1": "private", "172.31.255.255": "private", "192.168.1.1": "private",
		"fc00::1": "private", "fd12:3456::1": "private",
		"169.254.169.254": "link-local", "fe80::1": "link-local", "fe80::1%eth0": "link-local", "2606:4700::1%eth0": "link-local",
		"100.64.0.1": "shared", "100.127.255.255": "shared",
		"192.0.0.8": "reserved", "240.0.0.1": "reserved", "255.255.255.255": "reserved",
		"2001:20::1": "reserved", "4000::1": "reserved", "fec0::1": "reserved",
		"192.0.2.1": "documentation", "198.51.100.1": "documentation", "203.0.113.1": "documentation",
		"2001:db8::1": "documentation", "3fff::1": "documentation",
		"198.18.0.1": "benchmarking", "198.19.255.255": "benchmarking",
		"224.0.0.1": "multicast", "239.1.1.1": "multicast", "ff02::1": "multicast",
		"::ffff:127.0.0.1": "loopback", "::ffff:10.0.0.1": "private", "::ffff:1.1.1.1": "translated", "::1.1.1.1": "translated",
		"64:ff9b::7f00:1": "translated", "64:ff9b:1::1": "translated", "2002:7f00:1::": "translated",
		"192.88.99.1": "translated", "2001:0:1::1": "translated",

		"1.1.1.1": "", "8.8.8.8": "", "100.63.255.255": "", "100.128.0.1": "", "172.15.0.1": "", "172.32.0.1": "", "223.255.255.255": "",
		"2606:4700:4700::1111": "", "2a00:1450::1": "", "2001:4860::8888": "",
	} {
		if got := kindOf(netip.MustParseAddr(text)); got != kind {
			t.Errorf("%s is %q, not %q", text, got, kind)
		}
	}
}

func TestATrustedNetworkMayBeOfAnyKind(t *testing.T) {
	c := New([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("::1/128")})
	for text, permitted := range map[string]bool{
		"10.1.2.3": true, "::1": true, "1.1.1.1": true,
		"10.2.0.1": false, "127.0.0.1": false, "::ffff:10.1.2.3": false, "fe80::1": false,
	} {
		if refused := c.permit(netip.MustParseAddr(text)); (refused == nil) != permitted {
			t.Errorf("%s: %v", text, refused)
		}
	}
	if refused := c.permitPlain(netip.MustParseAddr("1.1.1.1")); refused == nil || refused.Rule != RuleScheme {
		t.Errorf("plain http to anybody: %v", refused)
	}
	if refused := c.permitPlain(netip.MustParseAddr("10.1.2.3")); refused != nil {
		t.Errorf("plain http to a trusted network: %v", refused)
	}
}

func TestAnAddressIsJudgedByItsFormFirst(t *testing.T) {
	none, some := New(nil), New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	for address, rule := range map[string]Rule{
		"https://client.example/jwks":           "",
		"https://client.example:8443/a?b=c#d":   "",
		"https://client.example:443/":           "",
		"https://[2606:4700:4700::1111]/":       "",
		"":                                      RuleScheme,
		"client.example/jwks":                   RuleScheme,
		"//client.example/jwks":                 RuleScheme,
		"ftp://client.example/":                 RuleScheme,
		"file:///etc/passwd":                    RuleScheme,
		"http://client.example/":                RuleScheme,
		"HTTP://client.example/":                RuleScheme,
		"https:client.example":                  RuleMalformed,
		"https:///jwks":                         RuleMalformed,
		"https://:443/":                         RuleMalformed,
		"https://client.example:/":              RulePort,
		"https://client.example:0/":             RulePort,
		"https://client.example:25/":            RulePort,
		"https://client.example:80/":            RulePort,
		"https://client.example:65536/":         RulePort,
		"https://ana@client.example/":           RuleUserinfo,
		"https://ana:pw@client.example/":        RuleUserinfo,
		"https://client.example\\@inside/":      RuleMalformed,
		"https://clíent.example/":               RuleMalformed,
		"https://client.example/\n":             RuleMalformed,
		"https://127.0.0.1/":                    RuleAddress,
		"https://[::1]/":                        RuleAddress,
		"https://[::ffff:127.0.0.1]/":           RuleAddress,
		"https://[fe80::1%25eth0]/":             RuleAddress,
		"https://169.254.169.254/latest/":       RuleAddress,
		"https://x/" + string(make([]byte, 10)): RuleMalformed,
	} {
		if got := ruleOf(none.Check(address)); got != rule {
			t.Errorf("%q breaks %q, not %q", address, got, rule)
		}
	}
	for address, rule := range map[string]Rule{
		"http://127.0.0.1:8080/": "", "http://localhost/": "", "http://10.0.0.1/": RuleScheme, "https://10.0.0.1/": RuleAddress,
	} {
		if got := ruleOf(some.Check(address)); got != rule {
			t.Errorf("%q breaks %q, not %q", address, got, rule)
		}
	}
}
