package web

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

func TestOnlyTheWordOfTrustedProxiesCounts(t *testing.T) {
	s := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tc := range map[string]struct {
		peer   string
		header http.Header
		want   source
	}{
		"nobody in between":    {"203.0.113.7:1", nil, source{"203.0.113.0/24", "h", "", false}},
		"an IPv6 client":       {"[2001:db8::7]:1", nil, source{"2001:db8::/64", "h", "", false}},
		"IPv4 in IPv6":         {"[::ffff:203.0.113.7]:1", nil, source{"203.0.113.0/24", "h", "", false}},
		"a socket":             {"@", nil, source{"local", "h", "", false}},
		"a liar":               {"203.0.113.7:1", http.Header{"X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Host": {"x"}}, source{"203.0.113.0/24", "h", "", false}},
		"a proxy that is mute": {"10.0.0.1:1", nil, source{"10.0.0.0/24", "h", "", true}},
		"a proxy": {
			"10.0.0.1:1",
			http.Header{"X-Forwarded-For": {"198.51.100.1"}, "X-Forwarded-Host": {"x"}, "X-Forwarded-Proto": {"HTTPS"}},
			source{"198.51.100.0/24", "x", "https", true},
		},
		"two proxies":           {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"198.51.100.1, 10.0.0.2"}}, source{"198.51.100.0/24", "h", "", true}},
		"two proxies, two rows": {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"198.51.100.1", "10.0.0.2"}}, source{"198.51.100.0/24", "h", "", true}},
		"a liar before a proxy": {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"192.0.2.1, 198.51.100.1"}}, source{"198.51.100.0/24", "h", "", true}},
		"proxies all the way":   {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"10.0.3.3, 10.0.2.2"}}, source{"10.0.3.0/24", "h", "", true}},
		"a name":                {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"192.0.2.1, unknown, 10.0.2.2"}}, source{"10.0.2.0/24", "h", "", true}},
		"a port":                {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"198.51.100.1:4711"}}, source{"198.51.100.0/24", "h", "", true}},
		"nothing":               {"10.0.0.1:1", http.Header{"X-Forwarded-For": {" , "}}, source{"10.0.0.0/24", "h", "", true}},
		"the standard": { // RFC 7239 §4
			"[fd00::1]:1",
			http.Header{"Forwarded": {`For="[2001:db8:cafe::17]:4711";Host=x;proto=https`}},
			source{"2001:db8:cafe::/64", "x", "https", true},
		},
		"the standard, twice": {
			"10.0.0.1:1",
			http.Header{"Forwarded": {"for=192.0.2.43;host=y, for=198.51.100.17; proto=http; host=x"}},
			source{"198.51.100.0/24", "x", "http", true},
		},
		"the standard, hidden": {"10.0.0.1:1", http.Header{"Forwarded": {"for=_hidden"}}, source{"10.0.0.0/24", "h", "", true}},
		"both": {
			"10.0.0.1:1",
			http.Header{"Forwarded": {"for=192.0.2.43;host=y"}, "X-Forwarded-For": {"198.51.100.1"}},
			source{"10.0.0.0/24", "h", "", true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.sourceOf(&http.Request{RemoteAddr: tc.peer, Host: "h", Header: tc.header}); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestOnlyTheIssuersHostIsAnsweredFor(t *testing.T) {
	for text, hosts := range map[string]map[string]bool{
		"https://id.example.com": {
			"id.example.com": true, "ID.Example.COM": true, "id.example.com:443": true, // RFC 9110 §4.2.3
			"id.example.com:80": false, "id.example.com.": false, "example.com": false, "id.example.com:0443": false, "": false,
		},
		"https://id.example.com:443":  {"id.example.com": true, "id.example.com:443": true},
		"https://id.example.com:8443": {"id.example.com": false, "id.example.com:8443": true, "id.example.com:443": false},
		"http://localhost:8484":       {"localhost:8484": true, "127.0.0.1:8484": false, "localhost": false},
		"http://[::1]":                {"[::1]": true, "[::1]:80": true, "[::1]:8080": false},
	} {
		issuer, err := oauth.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		s := &site{issuer: issuer, hosts: hostsOf(issuer)}
		for host, want := range hosts {
			if got := s.answersFor(source{host: host}); got != want {
				t.Errorf("%s answers for %q: %v", text, host, got)
			}
		}
	}
}

func TestAProxyThatHeardPlainHTTPIsNotAnsweredForHTTPS(t *testing.T) {
	issuer, err := oauth.ParseIssuer("https://id.example.com")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{issuer: issuer, hosts: hostsOf(issuer)}
	for scheme, want := range map[string]bool{"": true, "https": true, "http": false, "ftp": false} {
		if got := s.answersFor(source{host: "id.example.com", scheme: scheme}); got != want {
			t.Errorf("%q: %v", scheme, got)
		}
	}
}

// FuzzForwarded: whatever proxies write, what is counted and logged of it is a
// network or "local".
func FuzzForwarded(f *testing.F) {
	f.Add("for=192.0.2.43;host=y, for=\"[2001:db8::1]:4711\"", "")
	f.Add("", "198.51.100.1, unknown, 10.0.0.1:80")
	f.Add("for=\"_x;y,z\"", "fe80::1%eth0")
	s := proxies{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	f.Fuzz(func(t *testing.T, standard, legacy string) {
		header := http.Header{"Forwarded": {standard}, "X-Forwarded-For": {legacy}}
		got := s.sourceOf(&http.Request{RemoteAddr: "10.0.0.1:1", Host: "h", Header: header})
		if got.network == "local" {
			return
		}
		network, err := netip.ParsePrefix(got.network)
		if err != nil || network != network.Masked() {
			t.Errorf("%q is no network: %v", got.network, err)
		}
	})
}
