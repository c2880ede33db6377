package egress

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// here trusts one address of this machine; 127.0.0.2 is as inward, and is not it.
func here() *Client { return New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}) }

func ruleOf(err error) Rule {
	var broken *Error
	if !errors.As(err, &broken) {
		return ""
	}
	return broken.Rule
}

func wantRule(t *testing.T, err error, rule Rule) {
	t.Helper()
	if got := ruleOf(err); got != rule {
		t.Errorf("rule %q, not %q: %v", got, rule, err)
	}
}

// listening serves on an address of this machine and counts who comes.
func listening(t *testing.T, host string, answer http.HandlerFunc) (url string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		ReadHeaderTimeout: Deadline,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			answer(w, r)
		}),
	}}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, calls
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }

func TestATrustedAddressIsFetched(t *testing.T) {
	var seen http.Request
	url, _ := listening(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		seen = *r
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Set-Cookie", "a=b")
		ok(w, r)
	})
	c := here()
	for range 2 {
		answer, err := c.Get(t.Context(), url+"/jwks?a=b#fragment", "application/json", 2)
		if err != nil {
			t.Fatal(err)
		}
		if string(answer.Body) != "ok" || answer.Status != 200 || answer.Type != "application/json" || answer.Fresh != 5*time.Minute {
			t.Errorf("%+v", answer)
		}
	}
	if seen.RequestURI != "/jwks?a=b" || seen.Method != "GET" || seen.Header.Get("Accept") != "application/json" {
		t.Errorf("%+v", seen)
	}
	for _, name := range []string{"Cookie", "Referer", "Authorization", "Accept-Encoding"} {
		if got := seen.Header.Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAPostCarriesItsBodyAndGetsAnyStatus(t *testing.T) {
	var body string
	url, _ := listening(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		body = r.Header.Get("Content-Type") + " " + r.PostFormValue("logout_token")
		w.WriteHeader(http.StatusBadRequest)
	})
	answer, err := here().Post(t.Context(), url, "application/x-www-form-urlencoded", []byte("logout_token=x"), 100)
	if err != nil || answer.Status != http.StatusBadRequest || body != "application/x-www-form-urlencoded x" {
		t.Errorf("%+v, %v, %q", answer, err, body)
	}
}

func TestAnotherStatusThan200IsNoAnswerToAGet(t *testing.T) {
	for _, status := range []int{201, 204, 400, 404, 500} {
		url, _ := listening(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := here().Get(t.Context(), url, "*/*", 100)
		wantRule(t, err, RuleStatus)
	}
}

func TestNothingInwardIsReachedByAddressOrByName(t *testing.T) {
	url, calls := listening(t, "127.0.0.2", ok)
	port := url[strings.LastIndex(url, ":"):]
	c := here()
	names := resolving(t, c, func(name string, _ int) string {
		return map[string]string{"inside.example.": "127.0.0.2", "metadata.example.": "169.254.169.254"}[name]
	})
	for _, scheme := range []string{"http://", "https://"} {
		rule := RuleAddress
		if scheme == "http://" {
			rule = RuleScheme // the first thing wrong with it
		}
		for _, host := range []string{"127.0.0.2", "inside.example", "metadata.example", "0.0.0.0", "169.254.169.254", "[::ffff:127.0.0.2]", "[::]"} {
			_, err := c.Get(t.Context(), scheme+host+port, "*/*", 100)
			wantRule(t, err, rule)
			_, err = c.Post(t.Context(), scheme+host+port, "text/plain", []byte("x"), 100)
			wantRule(t, err, rule)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d requests arrived inside", n)
	}
	if names.Load() == 0 {
		t.Error("nobody asked the resolver")
	}
}

func TestANameThatIsBoundAgainGainsNothing(t *testing.T) {
	outside, _ := listening(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		ok(w, r)
	})
	port := outside[strings.LastIndex(outside, ":"):]
	inside, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inside.Close() }()
	c := here()
	resolving(t, c, func(_ string, asked int) string {
		if asked == 1 {
			return "127.0.0.1"
		}
		return "127.0.0.2"
	})
	url := "http://rebind.example" + port
	if err := c.Check(url); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), url, "*/*", 100); err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), url, "*/*", 100)
	wantRule(t, err, RuleScheme)
	_, err = c.Get(t.Context(), "https://rebind.example"+port, "*/*", 100)
	wantRule(t, err, RuleAddress)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	target, calls := listening(t, "127.0.0.1", ok)
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		url, _ := listening(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(status)
		})
		_, err := here().Get(t.Context(), url, "*/*", 100)
		wantRule(t, err, RuleRedirect)
		_, err = here().Post(t.Context(), url, "text/plain", nil, 100)
		wantRule(t, err, RuleRedirect)
	}
	if calls.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestAnAnswerIsReadUpToItsLimit(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"said":        func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000000000") },
		"one more":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1001)) },
		"a gigabyte":  gigabyte,
		"in one line": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) },
	} {
		url, _ := listening(t, "127.0.0.1", answer)
		_, err := here().Get(t.Context(), url, "*/*", 1000)
		if rule := ruleOf(err); rule != RuleTooLarge && (name != "in one line" || rule != RuleUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	url, _ := listening(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) })
	if answer, err := here().Get(t.Context(), url, "*/*", 1000); err != nil || len(answer.Body) != 1000 {
		t.Errorf("the limit itself: %d, %v", len(answer.Body), err)
	}
}

// gigabyte writes until nobody reads, and fails the test's server if all went out.
func gigabyte(w http.ResponseWriter, _ *http.Request) {
	block := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
	panic("a gigabyte was read")
}

func TestWhoStallsOrDripsIsLeft(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			<-tick.C
			_, _ = w.Write([]byte("."))
			_ = http.NewResponseController(w).Flush()
		}
	}
	for name, answer := range map[string]http.HandlerFunc{"silent": silent, "drip": drip} {
		url, _ := listening(t, "127.0.0.1", answer)
		c := here()
		c.deadline = 100 * time.Millisecond
		if _, err := c.Get(t.Context(), url, "*/*", 1<<30); ruleOf(err) != RuleTimeout {
			t.Errorf("%s: %v", name, err)
		}
		c.deadline = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, err := c.Get(ctx, url, "*/*", 1<<30); ruleOf(err) != RuleTimeout {
			t.Errorf("%s, by its caller's deadline: %v", name, err)
		}
		cancel()
	}
	// A listener that never accepts: the kernel does, and nobody speaks TLS.
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	c := here()
	c.deadline = 100 * time.Millisecond
	_, err = c.Get(t.Context(), "https://"+mute.Addr().String(), "*/*", 100)
	wantRule(t, err, RuleTimeout)
}

func TestACertificateIsAskedFor(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(ok))
	defer server.Close()
	server.Config.ErrorLog = nil
	c := here()
	_, err := c.Get(t.Context(), server.URL, "*/*", 100)
	wantRule(t, err, RuleUnreachable)
	if strings.Contains(err.Error(), server.URL) {
		t.Errorf("the address is in %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c.transport["https"].TLSClientConfig.RootCAs = roots
	c.transport["https"].CloseIdleConnections()
	if _, err := c.Get(t.Context(), server.URL, "*/*", 100); err != nil {
		t.Error(err)
	}
}

func TestProxiesOfTheEnvironmentAreNotAsked(t *testing.T) {
	proxy, calls := listening(t, "127.0.0.1", ok)
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("HTTPS_PROXY", proxy)
	c := here()
	resolving(t, c, func(string, int) string { return "127.0.0.2" })
	for _, scheme := range []string{"http://", "https://"} {
		if _, err := c.Get(t.Context(), scheme+"client.example:9999", "*/*", 100); err == nil {
			t.Error("answered")
		}
	}
	if calls.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func TestFreshnessIsWhatTheAnswerSays(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": -1, "public": -1, "max-age=60": time.Minute, "public, Max-Age=\"60\"": time.Minute, "max-age=x": -1, "max-age=-1": -1,
		"no-store": 0, "max-age=60, no-cache": 0, "no-cache, max-age=60": 0, "max-age=99999999999": 365 * 24 * time.Hour,
	} {
		if got := freshness(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q is fresh for %v, not %v", value, got, want)
		}
	}
}

// resolving gives a client a resolver of the test's, which answers the nth question
// about a name's IPv4 address; "" is no such name. It returns how many it was asked.
func resolving(t *testing.T, c *Client, address func(name string, n int) string) *atomic.Int64 {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	asked := &atomic.Int64{}
	go func() {
		room := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(room)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(reply(room[:n], asked, address), from)
		}
	}()
	c.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	return asked
}

// reply answers one DNS question. RFC 1035 §4.1.
func reply(query []byte, asked *atomic.Int64, address func(string, int) string) []byte {
	const header, typeA = 12, 1
	at, name := header, ""
	for query[at] != 0 {
		size := int(query[at])
		name += string(query[at+1:at+1+size]) + "."
		at += 1 + size
	}
	end := at + 5 // the root label, type and class
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[header:end]...)
	if binary.BigEndian.Uint16(query[at+1:]) != typeA {
		return answer
	}
	found := address(name, int(asked.Add(1)))
	if found == "" {
		answer[3] |= 3 // no such name
		return answer
	}
	answer[7] = 1
	answer = append(answer, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(answer, netip.MustParseAddr(found).AsSlice()...)
}
