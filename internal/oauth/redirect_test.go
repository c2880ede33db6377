package oauth

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestOnlyTheRegisteredRedirectURIMatches(t *testing.T) {
	const registered = "https://app.example/cb"
	for _, hostile := range []string{
		"https://app.example/cb/", "https://app.example/cb/..", "https://app.example/cb/../evil", "https://app.example/./cb",
		"https://app.example//cb", "https://app.example/cb%2f", "https://app.example/%63b", "https://app.example/cb;x",
		"https://app.example/cb?", "https://app.example/cb?a=b", "https://app.example/cb#", "https://app.example/cb#evil",
		"https://app.example/CB", "https://APP.example/cb", "HTTPS://app.example/cb", "http://app.example/cb",
		"https://app.example:443/cb", "https://app.example:8443/cb", "https://app.example./cb", "https://sub.app.example/cb",
		"https://app.example.evil.test/cb", "https://app.example@evil.test/cb", "https://user@app.example/cb",
		"https://evil.test/app.example/cb", "https://evil.test\\@app.example/cb", "https://app.example\\cb", "https:/app.example/cb",
		"https:app.example/cb", "//app.example/cb", "/cb", "cb", " https://app.example/cb", "https://app.example/cb ",
		"https://app.example/cb\n", "https://app.example/cb%0d%0a", "https://app.example/cb\x00", "https://арр.example/cb",
		"https://app。example/cb", "javascript:alert(1)", "data:text/html,x", "*", "https://*.example/cb",
		"https://127.0.0.1/cb", "http://localhost/cb",
	} {
		for _, native := range []bool{false, true} {
			if to, ok := MatchRedirectURI([]string{registered}, hostile, native); ok {
				t.Errorf("%q matched as %q (native %v)", hostile, to, native)
			}
		}
	}
	if to, ok := MatchRedirectURI([]string{"https://other.example/", registered}, registered, false); !ok || to.String() != registered {
		t.Errorf("the registered one did not match")
	}
}

func TestTheLoopbackPortOfANativeClientMayDiffer(t *testing.T) {
	registered := []string{"http://127.0.0.1/cb", "http://[::1]:7000/cb?x=1", "http://localhost:1234/cb", "https://app.example/cb"}
	for presented, match := range map[string]bool{ // RFC 8252 §7.3
		"http://127.0.0.1:51004/cb":          true,
		"http://127.0.0.1/cb":                true,
		"http://127.0.0.1:65535/cb":          true,
		"http://[::1]:61023/cb?x=1":          true,
		"http://[::1]/cb?x=1":                true, // also when a port is registered
		"http://localhost:9/cb":              true,
		"https://app.example/cb":             true,
		"http://127.0.0.1:51004/cb/":         false,
		"http://127.0.0.1:51004/cb?x=1":      false,
		"http://127.0.0.1:51004/":            false,
		"http://127.0.0.1:0/cb":              false,
		"http://127.0.0.1:/cb":               false,
		"http://127.0.0.1:065/cb":            false,
		"http://127.0.0.1:65536/cb":          false,
		"http://127.0.0.1:+80/cb":            false,
		"http://127.0.0.1:80@evil.test/cb":   false,
		"http://127.0.0.1:80:80/cb":          false,
		"http://127.0.0.1.evil.test:80/cb":   false,
		"http://127.0.0.2:80/cb":             false,
		"http://127.1:80/cb":                 false,
		"http://2130706433:80/cb":            false,
		"http://0x7f.0.0.1:80/cb":            false,
		"http://0.0.0.0:80/cb":               false,
		"http://[::1]:80/cb":                 false, // the query is part of the comparison
		"http://[0:0:0:0:0:0:0:1]:80/cb?x=1": false,
		"http://[::ffff:127.0.0.1]:80/cb":    false,
		"http://LOCALHOST:80/cb":             false,
		"http://localhost.:80/cb":            false,
		"https://localhost:80/cb":            false,
		"https://app.example:444/cb":         false,
		"http://127.0.0.1:80#/cb":            false,
	} {
		if _, ok := MatchRedirectURI(registered, presented, true); ok != match {
			t.Errorf("%s: matched %v, want %v", presented, ok, match)
		}
	}
	if _, ok := MatchRedirectURI(registered, "http://127.0.0.1:51004/cb", false); ok {
		t.Error("another port matched for a client that is not native")
	}
}

// RFC 6749 §3.1.2.3.
func TestAnOmittedRedirectURIIsTheOnlyRegisteredOne(t *testing.T) {
	one := []string{"https://app.example/cb"}
	if to, ok := MatchRedirectURI(one, "", false); !ok || to.String() != one[0] {
		t.Errorf("one registered: %q, %v", to, ok)
	}
	for _, registered := range [][]string{nil, {""}, {"https://a.example/", "https://b.example/"}} {
		if to, ok := MatchRedirectURI(registered, "", false); ok {
			t.Errorf("%q gave %q", registered, to)
		}
	}
}

func TestARowThatCouldNotBeRegisteredMatchesNothing(t *testing.T) {
	for _, uri := range []string{"javascript:alert(1)", "http://app.example/cb", "https://app.example/cb#x"} {
		if _, ok := MatchRedirectURI([]string{uri}, uri, true); ok {
			t.Errorf("%s matched itself", uri)
		}
	}
}

func TestWhatMayBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"https://app.example", "https://app.example/", "https://app.example/cb?x=1&y=%20z", "https://app.example:8443/cb",
		"https://192.0.2.1/cb", "https://[2001:db8::1]:8443/cb", "https://xn--mnchen-3ya.example/cb", "https://a/cb",
		"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]/", "http://localhost:3000", "https://4chan.example/..x/y",
		"com.example.app:/cb", "com.example.app://cb/done", "com.example.app:/", "https://app.example/a..b/.well-known/cb",
	} {
		if err := CheckRegistrable(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"", "app.example/cb", "/cb", "//app.example/cb", "https:", "https://", "https:///cb", "https:/app.example", "https://?x",
		"http://app.example/cb", "http://127.0.0.2/", "http://localhost.evil.test/", "http://10.0.0.1/", "http://[::2]/",
		"https://app.example/cb#f", "https://app.example/#", "https://u@app.example/", "https://u:p@app.example/", "https://@app.example/",
		"https://*.example/cb", "https://app.example/*", "javascript:alert(1)", "javascript://app.example/%0aalert(1)",
		"data:text/html,x", "file:///etc/passwd", "vbscript:x", "blob:https://app.example/x", "about:blank", "ftp://app.example/",
		"myapp:/cb", "myapp://cb", "com.example.app:cb", "com.example.app:", "com.example.app://u@h/cb",
		"HTTPS://app.example/", "1a.b:/x", ".a.b:/x", "https://app.example/a b", "https://app.example/\tx", "https://app.example/\x7f",
		"https://app.example\\cb", "https://app.example/%5c", "https://app.example/%00", "https://app.example/%0D%0A",
		"https://app.example/%", "https://app.example/%2", "https://app.example/%zz", "https://app.example/<x>", `https://app.example/"`,
		"https://app.example/..", "https://app.example/a/../b", "https://app.example/./b", "https://app.example/%2e%2E/b",
		"https://app.example/.%2e", "com.example.app:/a/../b", "https://.example/", "https://example./", "https://a..b/",
		"https://-a.example/", "https://a-.example/", "https://a_b.example/", "https://münchen.example/", "https://app.example:/",
		"https://app.example:0/", "https://app.example:65536/", "https://app.example:8x/", "https://app.example:80:90/",
		"https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://1.2.3.4.5/", "https://1.2.3.08/", "https://0x.0x/",
		"https://[::1/", "https://::1/", "https://[::1]x/", "https://[fe80::1%25eth0]/", "https://[127.0.0.1]/",
		"https://" + strings.Repeat("a", 64) + ".example/", "https://" + strings.Repeat("a.", 127) + "example/",
		"https://app.example/" + strings.Repeat("a", 2048),
	} {
		if CheckRegistrable(uri) == nil {
			t.Errorf("%q may be registered", uri)
		}
	}
}

func TestParametersJoinTheQueryThatIsThere(t *testing.T) {
	params := []Param{{"code", "x+y"}, {"state", "é &"}}
	for uri, want := range map[string]string{ // RFC 6749 §3.1.2: a query MUST be retained
		"https://a.example/cb":      "https://a.example/cb?code=x%2By&state=%C3%A9+%26",
		"https://a.example/cb?":     "https://a.example/cb?code=x%2By&state=%C3%A9+%26",
		"https://a.example/cb?k=v":  "https://a.example/cb?k=v&code=x%2By&state=%C3%A9+%26",
		"https://a.example/cb?k=v&": "https://a.example/cb?k=v&code=x%2By&state=%C3%A9+%26",
		"com.example.app:/cb":       "com.example.app:/cb?code=x%2By&state=%C3%A9+%26",
	} {
		to, ok := MatchRedirectURI([]string{uri}, uri, false)
		if got := to.WithQuery(params); !ok || got != want {
			t.Errorf("%s: %s", uri, got)
		}
	}
}

func TestTheOriginIsASourceExpression(t *testing.T) {
	for uri, want := range map[string]string{
		"https://a.example/cb?x":   "https://a.example",
		"https://a.example:8443":   "https://a.example:8443",
		"https://a.example?x=/y":   "https://a.example",
		"http://127.0.0.1:5000/":   "http://127.0.0.1:5000",
		"http://[::1]:5000/cb":     "http:",
		"com.example.app:/cb":      "com.example.app:",
		"com.example.app://h/cb":   "com.example.app:",
		"com.example.app://a;b/cb": "com.example.app:",
	} {
		to, ok := MatchRedirectURI([]string{uri}, uri, true)
		if got := to.Origin(); !ok || got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
	if got := (RedirectURI{}).Origin(); got != "" {
		t.Errorf("nowhere has the origin %q", got)
	}
}

// What matches is the registered URI itself, or differs from it in a loopback port and in nothing else; and a standard
// parser agrees about where it leads.
func FuzzRedirectMatching(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://app.example/cb", "https://app.example/cb"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"},
		{"http://[::1]:7000/cb?x=1", "http://[::1]:61023/cb?x=1"},
		{"http://localhost/cb", "http://localhost:80@evil.test/cb"},
		{"com.example.app:/cb", "com.example.app:/cb"},
		{"https://app.example/cb", "https://app.example\\@evil.test/cb"},
	} {
		f.Add(seed[0], seed[1])
	}
	port := regexp.MustCompile(`^(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[1-9][0-9]{0,4})?((?:[/?].*)?)$`)
	source := regexp.MustCompile(`^[a-z][a-z0-9+.-]*:(//[A-Za-z0-9.-]+(:[0-9]+)?)?$`)
	f.Fuzz(func(t *testing.T, registered, presented string) {
		to, ok := MatchRedirectURI([]string{registered}, presented, true)
		if !ok {
			return
		}
		if presented == "" {
			presented = registered
		}
		if to.String() != presented || !source.MatchString(to.Origin()) {
			t.Fatalf("%q became %q with origin %q", presented, to, to.Origin())
		}
		if presented != registered && port.ReplaceAllString(presented, "$1$2") != port.ReplaceAllString(registered, "$1$2") {
			t.Fatalf("%q matched %q", presented, registered)
		}
		sent := to.WithQuery([]Param{{"state", registered}})
		parsed, err := url.Parse(sent)
		if err != nil || parsed.User != nil || parsed.Fragment != "" || !strings.HasPrefix(sent, presented) {
			t.Fatalf("%q: %v", sent, err)
		}
		if plain, err := url.Parse(registered); err != nil || plain.Hostname() != parsed.Hostname() || plain.Scheme != parsed.Scheme {
			t.Fatalf("%q leads elsewhere than %q", sent, registered)
		}
	})
}

// What may be registered leads, as a standard parser reads it too, to a host over https, to the machine itself, or to an
// application's own scheme, and hides nothing.
func FuzzRegistrable(f *testing.F) {
	for _, seed := range []string{
		"https://app.example/cb", "https://app.example:8443/cb?x=1", "http://127.0.0.1:51004/cb", "http://[::1]/cb", "http://localhost/cb", "com.example.app:/cb",
		"http://app.example/cb", "https://a@app.example/cb", "https://app.example/cb#x", "https://app.example/../cb", "https://app.example/%2e%2e/cb",
		"https://app.example\\@evil.test/cb", "https://äpp.example/cb", "javascript:alert(1)", "data:,x", "//app.example/cb", "HTTPS://app.example/cb",
		"https://app.example:99999/cb", "http://127.0.0.1.evil.test/cb", "http://localhost@evil.test/", "https://*.app.example/", "app:/cb", "https:///cb",
		"com.example.app://callback", "com.example.app://[0", "com.example.app://a:b/cb", "com.example.app://%41/cb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if CheckRegistrable(uri) != nil {
			return
		}
		parsed, err := url.Parse(uri)
		if err != nil || parsed.User != nil || strings.Contains(uri, "#") || !parsed.IsAbs() || strings.ContainsFunc(uri, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Fatalf("%q may be registered: %v", uri, err)
		}
		switch host := parsed.Hostname(); parsed.Scheme {
		case "https":
			if host == "" {
				t.Fatalf("%q leads nowhere", uri)
			}
		case "http":
			if host != "127.0.0.1" && host != "::1" && host != "localhost" {
				t.Fatalf("%q leads to %q", uri, host)
			}
		default:
			if !strings.Contains(parsed.Scheme, ".") {
				t.Fatalf("%q has the scheme %q", uri, parsed.Scheme)
			}
		}
		for segment := range strings.SplitSeq(parsed.EscapedPath(), "/") { // an escaped slash separates nothing
			if plain, _ := url.PathUnescape(segment); plain == "." || plain == ".." {
				t.Fatalf("%q is relative", uri)
			}
		}
		if to, ok := MatchRedirectURI([]string{uri}, uri, false); !ok || to.String() != uri {
			t.Fatalf("%q does not match itself", uri)
		}
	})
}
