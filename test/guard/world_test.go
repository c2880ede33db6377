// Package guard_test puts `mintmark guard` between a proxy and an API, with a real
// server as the issuer.
package guard_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/server"
)

func TestMain(m *testing.M) { os.Exit(server.Main(m.Run)) }

// patience is for a machine that is busy with other tests.
const patience = 20 * time.Second

// world is a server with its cast, and a guard.
type world struct {
	testing.TB
	*app.Cast
	server *server.Server
	robot  *app.App // has orders:read, and nothing else
	socket string   // of the guard
	base   string   // of the guard's address
}

func newWorld(t testing.TB, flags ...string) *world {
	t.Helper()
	w := &world{TB: t, server: server.Start(t, flags...)}
	var err error
	w.Cast, err = app.NewCast(t.Context(), w.server.Process)
	w.must(err)
	t.Cleanup(w.Office.Close)
	w.robot, err = app.Register(t.Context(), w.Office, w.Issuer, admin.NewClient{ClientID: "robot", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"client_credentials"}, Scope: "orders:read", Resources: []string{app.Orders},
	}})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// token gives a client a token of its own.
func (w *world) token(client *app.App) string {
	w.Helper()
	token, err := client.Own(w.Context(), url.Values{"resource": {app.Orders}})
	w.must(err)
	return token
}

// process is a guard in the background.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	ready chan struct{}
	ended chan error
	mu    sync.Mutex
	log   bytes.Buffer
}

// guard starts one for the orders API on a socket of its own, and waits until it
// listens.
func (w *world) guard(issuer string, flags ...string) *process {
	w.Helper()
	dir, err := os.MkdirTemp("", "guard") // the path of a socket must be short
	w.must(err)
	w.Cleanup(func() { _ = os.RemoveAll(dir) })
	w.socket = filepath.Join(dir, "s")
	return w.guardOn("unix:"+w.socket, dir, issuer, flags...)
}

// guardOn is guard at an address, with a directory of its own.
func (w *world) guardOn(listen, dir, issuer string, flags ...string) *process {
	w.Helper()
	w.base = "http://guard"
	if at, isSocket := strings.CutPrefix(listen, "unix:"); !isSocket {
		w.base, w.socket = "http://"+at, ""
	}
	secret := filepath.Join(dir, "secret")
	w.must(os.WriteFile(secret, []byte(w.APIs.Secret+"\n"), 0o600))
	args := append([]string{
		"guard", "--listen", listen, "--issuer", issuer, "--audience", app.Orders,
		"--client-id", w.APIs.ID, "--client-secret-file", secret,
	}, flags...)
	p := &process{t: w.TB, cmd: exec.Command(server.Binary(), args...), ready: make(chan struct{}), ended: make(chan error, 1)}
	p.cmd.Stderr = p
	p.cmd.Env = []string{"HOME=" + dir}
	out, err := p.cmd.StdoutPipe()
	w.must(err)
	w.must(p.cmd.Start())
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "Ready." {
				close(p.ready)
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	w.Cleanup(p.stop)
	select {
	case <-p.ready:
	case err := <-p.ended:
		p.ended <- err
		w.Fatalf("the guard ended at once: %v\n%s", err, p.said())
	case <-time.After(patience):
		w.Fatalf("the guard said nothing for %s\n%s", patience, p.said())
	}
	return p
}

// live waits until the guard at the socket follows the log.
func (w *world) live() {
	w.Helper()
	w.must(app.Await(w.Context(), "the guard is live", patience, func() bool {
		return strings.Contains(w.ask("/readyz", nil).body, `"state":"live"`)
	}))
}

// stop ends the guard as a supervisor does; it must do so well.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-p.ended:
		p.ended <- nil
		if err != nil {
			p.t.Errorf("the guard ended with %v\n%s", err, p.said())
		}
	case <-time.After(patience):
		p.t.Errorf("the guard did not stop within %s", patience)
		_ = p.cmd.Process.Kill()
	}
}

// Write takes the guard's log.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// all ends the guard and gives all that it has logged.
func (p *process) all() string {
	p.stop()
	return p.said()
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends the guard what a proxy would.
func (w *world) ask(path string, header http.Header) answer {
	w.Helper()
	return w.send(http.MethodGet, w.base+path, header, w.socket)
}

// send sends a request, through a Unix socket if one is named.
func (w *world) send(method, address string, header http.Header, socket string) answer {
	w.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	if socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	request, err := http.NewRequestWithContext(w.Context(), method, address, http.NoBody)
	w.must(err)
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	w.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	return answer{response.StatusCode, response.Header, string(text)}
}
