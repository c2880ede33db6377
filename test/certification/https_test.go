package certification

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
)

// TestHTTPS is what the plans do not look at by themselves where the server itself
// speaks TLS: RFC 9325 §3.1 and §4.2, Core §16.17, Discovery §3, ASVS 3.3 and 3.4.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	s := startTLS(t)
	r := newParty(t, s, plan{method: "client_secret_basic"})
	t.Run("every address in the metadata is https and the issuer's, Discovery §3", func(t *testing.T) {
		if !strings.HasPrefix(s.Issuer, "https://") || r.told["issuer"] != s.Issuer {
			t.Errorf("the issuer is %v at %s", r.told["issuer"], s.Issuer)
		}
		for name, value := range r.told {
			if members[name] == "url" && (!isA("url", value) || !strings.HasPrefix(value.(string), s.Issuer)) {
				t.Errorf("%s is %v", name, value)
			}
		}
	})
	t.Run("every answer asks for https from now on, ASVS 3.4.1", func(t *testing.T) {
		for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/oauth2/authorize", "/oauth2/userinfo", "/login", "/nowhere"} {
			if header := r.head(t, path); header.Get("Strict-Transport-Security") == "" {
				t.Errorf("%s does not", path)
			}
		}
	})
	t.Run("cookies are Secure and of this host alone, ASVS 3.3.1 and 3.3.3", func(t *testing.T) {
		names := map[string]bool{}
		hears := &listener{RoundTripper: s.transport}
		r.Through(hears)
		r.signIn("prompt", "login")
		for _, line := range hears.cookies {
			c, err := http.ParseSetCookie(line)
			if err != nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s %v", line, err)
				continue
			}
			names[c.Name] = true
		}
		if len(names) != 2 || !names["__Host-mintmark_browser"] || !names["__Host-mintmark_session"] {
			t.Errorf("set are %v", names)
		}
	})
	t.Run("TLS 1.2 and 1.3, with forward secrecy and authenticated encryption alone, RFC 9325 §3.1 and §4.2", func(t *testing.T) {
		for _, c := range []struct {
			name    string
			version uint16
			suite   uint16
			taken   bool
		}{
			{"1.0", tls.VersionTLS10, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
			{"1.1", tls.VersionTLS11, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
			{"1.2 in CBC mode", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, false},
			{"1.2 in GCM mode", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
			{"1.2 with ChaCha20", tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, true},
			{"1.3", tls.VersionTLS13, tls.TLS_AES_128_GCM_SHA256, true},
		} {
			dialer := tls.Dialer{Config: &tls.Config{
				RootCAs: s.chain.Roots, ServerName: "localhost", MinVersion: c.version, MaxVersion: c.version, CipherSuites: []uint16{c.suite},
			}}
			conn, err := dialer.DialContext(t.Context(), "tcp", s.Listen())
			if (err == nil) != c.taken {
				t.Errorf("TLS %s is answered %v", c.name, err)
			}
			if err == nil {
				_ = conn.Close() // it was all that was wanted
			}
		}
	})
	t.Run("who does not know its authority does not trust it, and plain HTTP is not spoken", func(t *testing.T) {
		plain := &http.Client{Transport: &http.Transport{}}
		if answer, err := plain.Get(s.Issuer + "/healthz"); err == nil {
			_ = answer.Body.Close()
			t.Error("a stranger's certificate is taken")
		}
		answer, err := plain.Get("http://" + s.Listen() + "/.well-known/openid-configuration")
		if err != nil {
			return
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			t.Error("the metadata are told over plain HTTP")
		}
	})
}

// head gives the headers of an answer, wherever it leads.
func (r *party) head(t *testing.T, path string) http.Header {
	t.Helper()
	answer, err := r.s.transport.RoundTrip(r.request(http.MethodGet, r.s.Issuer+path, "", "", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.Header
}

// listener keeps what a browser is told to keep, and the headers of the last answer.
type listener struct {
	http.RoundTripper
	cookies []string
	last    http.Header
}

func (l *listener) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(request)
	if err == nil {
		l.cookies, l.last = append(l.cookies, answer.Header["Set-Cookie"]...), answer.Header
	}
	return answer, err
}
