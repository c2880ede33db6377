// Package revocation_test takes tokens back in every way that there is, from the
// real binary as a process of its own, and watches real verifiers refuse them:
// package verify in front of small APIs on loopback.
package revocation_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
	"github.com/mintmark-id/mintmark/verify"
)

func TestMain(m *testing.M) { os.Exit(server.Main(m.Run)) }

const (
	orders = "https://orders.example" // two APIs, of different policies
	stock  = "https://stock.example"  // one more
	vault  = "https://vault.example"  // and one that wants opaque tokens, and so asks introspection
	issuer = "the issuer"             // in place of an audience

	// patience is for a machine that is busy with other tests. That it takes a quarter
	// of a second at most is for the benchmark to say.
	patience = 5 * time.Second
)

// world is a server, its clients and its verifiers.
type world struct {
	*testing.T
	server *server.Server
	office *admin.Client
	apps   map[string]*app
	apis   map[string][]*api // by audience
}

func newWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	w := &world{T: t, server: server.Start(t, flags...), apps: map[string]*app{}, apis: map[string][]*api{}}
	w.Cleanup(http.DefaultClient.CloseIdleConnections) // or a server waits for the spare ones, when it is told to stop
	w.office = w.server.Admin()
	for _, aud := range []string{orders, stock} {
		_, err := w.office.CreateResource(t.Context(), admin.NewResource{Audience: aud})
		w.must(err)
	}
	_, err := w.office.CreateResource(t.Context(), admin.NewResource{
		Audience: vault, ResourceSettings: admin.ResourceSettings{AccessTokenFormat: "opaque"},
	})
	w.must(err)
	people, refreshing := "openid offline_access", []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
	machine := []string{oauth.GrantClientCredentials}
	w.register("shop", admin.ClientMetadata{GrantTypes: refreshing, Scope: people, Resources: []string{orders, stock, vault}})
	w.register("desk", admin.ClientMetadata{
		GrantTypes: refreshing, Scope: people, Resources: []string{orders}, TokenEndpointAuthMethod: string(oauth.AuthNone),
	})
	w.register("robot", admin.ClientMetadata{GrantTypes: machine, Scope: "orders:read", Resources: []string{orders, vault}})
	w.register("apis", admin.ClientMetadata{
		GrantTypes: machine, Scope: oauth.ScopeReadRevocations, Resources: []string{orders, stock, vault},
	})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) register(id string, metadata admin.ClientMetadata) {
	w.Helper()
	metadata.Name = "The " + id
	if slices.Contains(metadata.GrantTypes, oauth.GrantAuthorizationCode) {
		metadata.RedirectURIs = []string{"https://" + id + ".example/cb"}
	}
	made, err := w.office.CreateClient(w.Context(), admin.NewClient{ClientID: id, ClientMetadata: metadata})
	w.must(err)
	w.apps[id] = &app{w: w, id: id, secret: made.ClientSecret}
}

// newUser makes somebody who can sign in.
func (w *world) newUser(email string) admin.User {
	w.Helper()
	made, err := w.office.CreateUser(w.Context(), admin.NewUser{UserProfile: admin.UserProfile{Email: email, EmailVerified: true}})
	w.must(err)
	return made
}

// browserOf gives somebody a browser.
func (w *world) browserOf(user admin.User) *person.Person {
	return person.New(w.T, w.server.Issuer, user)
}

// await waits until something holds, and says what if it does not.
func (w *world) await(what string, holds func() bool) {
	w.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			w.Fatalf("after %s still not: %s", patience, what)
		}
	}
}

// api is a protected API with a verifier of its own.
type api struct {
	w        *world
	name     string
	verifier *verify.Verifier
	address  string
	stop     func()
}

// protect puts a verifier in front of an API, and waits until it follows the log.
func (w *world) protect(name, audience string, policy verify.Policy) *api {
	w.Helper()
	v, err := verify.New(w.Context(), w.server.Issuer, audience, verify.WithClient("apis", w.apps["apis"].secret),
		verify.WithName(name), verify.WithPolicy(policy), verify.WithLogger(slog.New(slog.DiscardHandler)))
	w.must(err)
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		fmt.Fprint(rw, claims.Subject)
	})
	serving := httptest.NewServer(v.Middleware(handler))
	a := &api{w: w, name: name, verifier: v, address: serving.URL, stop: func() {
		serving.Close()
		_ = v.Close() // it never fails
	}}
	w.Cleanup(a.stop)
	w.apis[audience] = append(w.apis[audience], a)
	w.await(name+" is live", func() bool { return v.Status().State == verify.Live })
	return a
}

// call calls the API with a token, and gives the status and why it was refused.
func (a *api) call(token string) (status int, why string) {
	a.w.Helper()
	answer := a.w.get(a.address, token)
	return answer.status, answer.header.Get("WWW-Authenticate")
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) get(address, token string) answer {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodGet, address, http.NoBody)
	w.must(err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(request)
}

func (w *world) do(request *http.Request) answer {
	w.Helper()
	return w.send(http.DefaultClient, request)
}

func (w *world) send(through *http.Client, request *http.Request) answer {
	w.Helper()
	response, err := through.Do(request)
	w.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	return answer{response.StatusCode, response.Header, string(text)}
}

// refuses reports whether an API says that a token was revoked.
func (a *api) refuses(token string) bool {
	a.w.Helper()
	status, why := a.call(token)
	return status == http.StatusUnauthorized && strings.Contains(why, `error="invalid_token"`) && strings.Contains(why, "revoked")
}
