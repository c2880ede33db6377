//go:build external

package guard_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
)

// program is one of those that the stage takes from PyPI.
func (w *world) program(name string) string {
	w.Helper()
	path, err := filepath.Abs(filepath.Join("testdata/.venv/bin", name))
	w.must(err)
	return path
}

// file writes a configuration.
func (w *world) file(name, text string) string {
	w.Helper()
	path := filepath.Join(w.TempDir(), name)
	w.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// traefik runs Traefik with the text of docs/guard.md.
func (w *world) traefik(guard, api string) string {
	w.Helper()
	address := w.free()
	rules := w.file("dynamic.yml", w.text("traefik", map[string]string{
		"127.0.0.1:8490": guard, "http://127.0.0.1:3000": api, "Host(`orders.example.com`)": "PathPrefix(`/`)",
	}))
	front := w.background(address, w.program("traefik"), "--entrypoints.web.address="+address, "--providers.file.filename="+rules,
		"--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=ERROR")
	w.must(app.Await(w.Context(), "Traefik has read its rules", patience, func() bool {
		return w.send("GET", front+"/", nil, "").status != http.StatusNotFound
	}))
	return front
}

// envoy runs Envoy with the text of docs/guard.md among what else it wants.
func (w *world) envoy(guard, api string) string {
	w.Helper()
	address := w.free()
	filters := w.text("envoy", map[string]string{"127.0.0.1:8490": guard})
	filters = strings.ReplaceAll(strings.TrimRight(filters, "\n"), "\n", "\n          ")
	whole := fmt.Sprintf(`static_resources:
  listeners:
  - address: %[1]s
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: orders
          common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }
          route_config:
            virtual_hosts:
            - { name: orders, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: orders } }] }
          %[2]s
  clusters:
  - %[3]s
  - %[4]s
`, envoyAddress(address), filters, envoyCluster("guard", guard), envoyCluster("orders", strings.TrimPrefix(api, "http://")))
	return w.background(address, w.program("envoy"), "-c", w.file("envoy.yaml", whole), "--disable-hot-restart", "--concurrency", "1", "-l", "error")
}

func envoyAddress(address string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf("{ socket_address: { address: %s, port_value: %s } }", host, port)
}

func envoyCluster(name, address string) string {
	return fmt.Sprintf("{ name: %[1]s, connect_timeout: 1s, load_assignment: { cluster_name: %[1]s, endpoints: [{ lb_endpoints: [{ endpoint: { address: %[2]s } }] }] } }",
		name, envoyAddress(address))
}

// caddy runs Debian's Caddy with the text of docs/guard.md.
func (w *world) caddy(socket, api string) string {
	w.Helper()
	address := w.free()
	text := "{\n\tadmin off\n}\n" + w.text("caddy", map[string]string{
		"/run/mintmark/guard.sock": socket, "127.0.0.1:3000": strings.TrimPrefix(api, "http://"), "http://orders.example.com": "http://" + address,
	})
	return w.background(address, "caddy", "run", "--adapter", "caddyfile", "--config", w.file("Caddyfile", text))
}

// What each proxy lets through is what the guard lets through, its API believes
// nothing that a caller made up, and without a guard nothing passes.
func TestOtherProxiesLetThroughWhatTheGuardLetsThrough(t *testing.T) {
	for name, c := range map[string]struct {
		front   func(w *world, guard, api string) string
		socket  bool // it asks over the Unix socket
		without int  // the status while there is no guard
	}{
		"Traefik": {front: (*world).traefik, without: http.StatusInternalServerError},
		"Envoy":   {front: (*world).envoy, without: http.StatusServiceUnavailable},
		"Caddy":   {front: (*world).caddy, socket: true, without: http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var guard *process
			at := w.free()
			if c.socket {
				guard = w.guard(w.Issuer)
				at = w.socket
			} else {
				guard = w.guardOn(at, t.TempDir(), w.Issuer)
			}
			w.live()
			front := c.front(w, at, echo(t))
			token := w.token(w.robot)
			w.letsThrough(front, token)

			_, err := w.Office.Revoke(t.Context(), admin.Revocation{Kind: "client", IDs: []string{"robot"}, Reason: "a test"}, 5*time.Second)
			w.must(err)
			got := w.send("GET", front+"/", http.Header{"Authorization": {"Bearer " + token}}, "")
			if got.status != 401 || !strings.Contains(got.header.Get(challenge), "was revoked") {
				t.Errorf("a revoked token: %d %q", got.status, got.header.Get(challenge))
			}
			guard.stop()
			if got := w.send("GET", front+"/", http.Header{"Authorization": {"Bearer " + token}}, ""); got.status != c.without {
				t.Errorf("no guard: %d", got.status)
			}
		})
	}
}

// letsThrough asks a proxy with a token of the robot's, and with what should not pass.
func (w *world) letsThrough(front, token string) {
	w.Helper()
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	got := w.send("GET", front+"/orders?a=b", bearer, "")
	if got.status != 200 || !strings.Contains(got.body, "X-Mintmark-Subject: robot\n") || !strings.Contains(got.body, "X-Mintmark-Scope: orders:read\n") {
		w.Errorf("a good token: %d\n%s", got.status, got.body)
	}
	forged := bearer.Clone()
	for _, name := range []string{"Subject", "Client-Id", "Scope", "Session", "Grant", "Token", "Expires", "Auth-Time", "Acr"} {
		forged.Set("X-Mintmark-"+name, "made-up")
	}
	if got := w.send("GET", front+"/", forged, ""); got.status != 200 || strings.Contains(got.body, "made-up") {
		w.Errorf("the API was told what the caller made up: %d\n%s", got.status, got.body)
	}
	if got := w.send("GET", front+"/", nil, ""); got.status != 401 || got.header.Get(challenge) != "Bearer" {
		w.Errorf("no token: %d %q", got.status, got.header.Get(challenge))
	}
	blind, err := app.Register(w.Context(), w.Office, w.Issuer, admin.NewClient{ClientID: "blind", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"client_credentials"}, Resources: []string{app.Orders},
	}})
	w.must(err)
	got = w.send("POST", front+"/", http.Header{"Authorization": {"Bearer " + w.token(blind)}}, "")
	if got.status != 403 || !strings.Contains(got.header.Get(challenge), `scope="orders:read"`) {
		w.Errorf("a token without the scope: %d %q", got.status, got.header.Get(challenge))
	}
	if got := w.send("GET", front+"/broken", bearer, ""); got.status != 500 || !strings.Contains(got.body, "X-Mintmark-Subject") {
		w.Errorf("the API's own trouble: %d %s", got.status, got.body)
	}
}
