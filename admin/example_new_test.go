package admin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
	"github.com/mintmark-id/mintmark/internal/web"
)

// Making a client from another machine: a deployment, say.
func ExampleNew() {
	server, token, done := exampleServer()
	defer done()

	// The address of the administration listener, and a token that mintmark
	// admin-token create made. The transport is for certificates of one's own.
	elsewhere, err := admin.New(server.URL, token, admin.WithTransport(server.Client().Transport))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer elsewhere.Close()

	ctx := context.Background()
	client, err := elsewhere.CreateClient(ctx, admin.NewClient{ClientID: "report", ClientMetadata: admin.ClientMetadata{
		Name:       "Nightly report",
		GrantTypes: []string{"client_credentials"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.ClientID, client.ClientSecret[:4]+"...")

	_, err = elsewhere.ShowUser(ctx, "ana")
	if problem, ok := errors.AsType[*admin.Problem](err); ok {
		fmt.Println(problem.Status, problem.Detail)
	}
	// Output:
	// report mcs_...
	// 403 It needs the scope users:read
}

// exampleServer is a real server with TLS, and a token for its clients.
func exampleServer() (server *httptest.Server, token string, done func()) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	dir, err := os.MkdirTemp("", "mintmark")
	must(err)
	rows, err := store.Open(ctx, store.Options{Path: filepath.Join(dir, "mintmark.db"), Issuer: "http://localhost:8484", Unsafe: true})
	must(err)
	must(rows.Migrate(ctx))
	issuer, err := oauth.ParseIssuer("http://localhost:8484")
	must(err)
	log := slog.New(slog.DiscardHandler)
	running, err := engine.Open(ctx, engine.Config{Policy: decide.DefaultPolicy(issuer), Store: rows, KEK: secret.KEK{1}, Log: log})
	must(err)
	made, err := running.CreateAdminToken(ctx, engine.AdminTokenForm{Name: "deploy", Scopes: []string{"clients:write"}, TTL: 3600})
	must(err)
	server = httptest.NewTLSServer(web.RemoteAdmin(web.AdminConfig{Engine: running, Log: log}))
	return server, made.Token, func() {
		server.Close()
		running.Close()
		_ = rows.Close()
		_ = os.RemoveAll(dir)
	}
}
