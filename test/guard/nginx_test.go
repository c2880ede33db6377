//go:build external

package guard_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
)

// nginx runs Debian's nginx with the text of docs/guard.md, in which only the
// addresses are changed, in front of an API. It gives where it listens.
func (w *world) nginx(api string) string {
	w.Helper()
	address := w.free()
	return w.start(address, w.text("nginx", map[string]string{
		"/run/mintmark/guard.sock": w.socket, "127.0.0.1:3000": strings.TrimPrefix(api, "http://"), "listen 80": "listen " + address,
	}))
}

// text is what docs/guard.md says for a proxy, with other addresses.
func (w *world) text(proxy string, change map[string]string) string {
	w.Helper()
	doc, err := os.ReadFile("../../docs/guard.md")
	w.must(err)
	found := regexp.MustCompile("(?s)<!-- " + proxy + " -->\n```[a-z]+\n(.*?)```").FindSubmatch(doc)
	if found == nil {
		w.Fatalf("docs/guard.md has no text for %s", proxy)
	}
	text := string(found[1])
	for from, to := range change {
		if strings.Count(text, from) != 1 {
			w.Fatalf("the text for %s has %q %d times", proxy, from, strings.Count(text, from))
		}
		text = strings.Replace(text, from, to, 1)
	}
	return text
}

// plain is nginx in front of the API without a guard.
func (w *world) plain(api string) string {
	w.Helper()
	address := w.free()
	return w.start(address, fmt.Sprintf("server { listen %s; location / { proxy_pass %s; } }", address, api))
}

// free is an address that nobody listened on a moment ago.
func (w *world) free() string {
	w.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer listener.Close()
	return listener.Addr().String()
}

// start runs nginx with a site, and waits until it listens.
func (w *world) start(address, site string) string {
	w.Helper()
	dir := w.TempDir()
	whole := fmt.Sprintf("include /etc/nginx/modules-enabled/*.conf;\nuser root;\ndaemon off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path %[1]s/b;\nproxy_temp_path %[1]s/p;\n"+
		"fastcgi_temp_path %[1]s/f;\nuwsgi_temp_path %[1]s/u;\nscgi_temp_path %[1]s/s;\n%[2]s\n}\n", dir, site)
	w.must(os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(whole), 0o600))
	return w.background(address, "nginx", "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
}

// background runs a proxy, and waits until it listens.
func (w *world) background(address, name string, args ...string) string {
	w.Helper()
	said := &process{t: w.TB}
	cmd := exec.Command(name, args...)
	cmd.Dir = w.TempDir()
	cmd.Env = []string{"HOME=" + cmd.Dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = said, said
	w.must(cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // told to
		close(ended)
	}()
	w.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		if w.Failed() {
			w.Logf("%s said:\n%s", name, said.said())
		}
	})
	w.must(app.Await(w.Context(), name+" listens", patience, func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}))
	return "http://" + address
}

// echo is an API without any idea of tokens: it says what it was told. Its path
// /broken is trouble of its own.
func echo(t testing.TB) string {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-Mintmark-") || strings.Contains(name, "_") {
				fmt.Fprintf(w, "%s: %s\n", name, strings.Join(values, "|"))
			}
		}
	}))
	t.Cleanup(api.Close)
	return api.URL
}

func TestNginxLetsThroughWhatTheGuardLetsThrough(t *testing.T) {
	w := newWorld(t)
	w.guard(w.Issuer)
	w.live()
	front := w.nginx(echo(t))
	token := w.token(w.robot)
	bearer := func(token string, more ...string) http.Header {
		h := http.Header{"Authorization": {"Bearer " + token}}
		for i := 0; i < len(more); i += 2 {
			h.Add(more[i], more[i+1])
		}
		return h
	}

	got := w.send("GET", front+"/orders?scope=&a=b", bearer(token), "")
	if got.status != 200 || !strings.Contains(got.body, "X-Mintmark-Subject: robot\n") || !strings.Contains(got.body, "X-Mintmark-Scope: orders:read\n") {
		t.Errorf("a good token: %d\n%s", got.status, got.body)
	}
	forged := bearer(token, "X-Mintmark-Subject", "ana", "X-Mintmark-Session", "ana's", "X-Mintmark-Acr", "high", "X-Original-Method", "GET")
	forged["X_Mintmark_Subject"] = []string{"ana"}
	if got := w.send("GET", front+"/", forged, ""); got.status != 200 || strings.Contains(got.body, "ana") || strings.Contains(got.body, "high") {
		t.Errorf("the API was told what the caller made up: %d\n%s", got.status, got.body)
	}
	if got := w.send("GET", front+"/", nil, ""); got.status != 401 || got.header.Get(challenge) != "Bearer" {
		t.Errorf("no token: %d %q", got.status, got.header.Get(challenge))
	}
	for _, h := range []http.Header{bearer(token), bearer(token, "X-Original-Method", "GET", "X-Forwarded-Method", "GET")} {
		if got := w.send("POST", front+"/", h, ""); got.status != 403 || !strings.Contains(got.header.Get(challenge), `scope="orders:write"`) {
			t.Errorf("a token that may not write: %d %q", got.status, got.header.Get(challenge))
		}
	}
	if got := w.send("GET", front+"/broken", bearer(token), ""); got.status != 500 || !strings.Contains(got.body, "X-Mintmark-Subject") {
		t.Errorf("the API's own trouble: %d %s", got.status, got.body)
	}
	if got := w.send("GET", front+"/guard", bearer(token), ""); got.status != 404 {
		t.Errorf("the guard itself, from outside: %d", got.status)
	}

	_, err := w.Office.Revoke(t.Context(), admin.Revocation{Kind: "client", IDs: []string{"robot"}, Reason: "a test"}, 5*time.Second)
	w.must(err)
	if got := w.send("GET", front+"/", bearer(token), ""); got.status != 401 || !strings.Contains(got.header.Get(challenge), "was revoked") {
		t.Errorf("a revoked token: %d %q", got.status, got.header.Get(challenge))
	}
}

// BenchmarkNginx is what docs/guard.md says of the cost: one caller, over one
// connection, with and without the guard.
func BenchmarkNginx(b *testing.B) {
	w := newWorld(b)
	w.guard(w.Issuer, "--log-level", "warn")
	w.live()
	api := echo(b)
	header := http.Header{"Authorization": {"Bearer " + w.token(w.robot)}}
	for _, c := range []struct{ name, address string }{{"guarded", w.nginx(api)}, {"plain", w.plain(api)}} {
		b.Run(c.name, func(b *testing.B) {
			request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.address, http.NoBody)
			w.must(err)
			request.Header = header
			for b.Loop() {
				answer, err := http.DefaultClient.Do(request)
				w.must(err)
				_, err = io.Copy(io.Discard, answer.Body)
				w.must(err)
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status)
				}
			}
		})
	}
}

func TestNginxSays503WhenNobodyKnows(t *testing.T) {
	w := newWorld(t)
	token := w.token(w.robot)
	w.server.Pause()
	guard := w.guard(w.Issuer)
	front := w.nginx(echo(t))
	if got := w.send("GET", front+"/", http.Header{"Authorization": {"Bearer " + token}}, ""); got.status != 503 || got.header.Get("Retry-After") != "2" {
		t.Errorf("a guard that has heard nothing: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	guard.stop()
	if got := w.send("GET", front+"/", http.Header{"Authorization": {"Bearer " + token}}, ""); got.status != 503 || got.header.Get("Retry-After") != "5" {
		t.Errorf("no guard: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	w.server.Resume()
}
