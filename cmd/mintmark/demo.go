package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/demo"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web"
)

type demoCommand struct {
	LogLevel string `default:"warn" enum:"debug,info,warn,error" help:"What the server logs: debug, info (every request), warn or error."`
}

// The ports that the demo takes if they are free; else the next ones that are.
const (
	demoServerPort = 8484
	demoAppPort    = 8485
	demoAPIPort    = 8486
	demoFrontPort  = 8487 // of the server's second door
	demoPorts      = 100  // how many are tried
)

const demoUser = "ana@example.com"

// Run shows a server, an application and an API until it is interrupted. What it
// made is gone afterwards.
func (c *demoCommand) Run(i *invocation) (err error) {
	data, err := os.MkdirTemp("", "mintmark-demo-")
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	d, err := startDemo(i, data, c.LogLevel)
	if err != nil {
		return err
	}
	if err := d.announce(i); err != nil {
		return errors.Join(err, d.close())
	}
	select {
	case <-i.ctx.Done():
	case err = <-d.failed:
	case err = <-d.server.failed:
	}
	if err = errors.Join(err, d.close()); err == nil {
		_, err = fmt.Fprintln(i.out, "\nStopped. The data of this demo is removed.")
	}
	return err
}

// demonstration is everything that runs in a demo.
type demonstration struct {
	lines    *logWriter
	server   *server
	office   *admin.Client
	orders   *demo.API
	app, api string // addresses
	password string
	http     []*http.Server
	failed   chan error
}

// startDemo starts the server, tells it of the application, and starts that.
func startDemo(i *invocation, data, logLevel string) (_ *demonstration, err error) {
	d := &demonstration{lines: newLogWriter(i.err), failed: make(chan error, 3)}
	var listeners []net.Listener
	defer func() {
		if err != nil {
			for _, listener := range listeners {
				err = errors.Join(err, listener.Close())
			}
			err = errors.Join(err, d.close())
		}
	}()
	if d.server, err = startDemoServer(i, data, logLevel, d.lines); err != nil {
		return nil, err
	}
	for _, port := range []int{demoAppPort, demoAPIPort, demoFrontPort} {
		listener, err := listenNear(i.ctx, port)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	d.app, d.api = localhost(listeners[0].Addr()), localhost(listeners[1].Addr())
	if err := d.open(i.ctx, listeners[0], listeners[1], listeners[2]); err != nil {
		return nil, fmt.Errorf("preparing the demo: %w", err)
	}
	return d, nil
}

// open starts the application, the API, and the server's second door.
func (d *demonstration) open(ctx context.Context, appAt, apiAt, frontAt net.Listener) error {
	app, verifier, err := d.seed(ctx)
	if err != nil {
		return err
	}
	issuer, log := d.server.engine.Issuer().String(), d.server.log
	d.orders, err = demo.NewAPI(ctx, demo.APIConfig{
		Issuer: issuer, Address: d.api, ClientID: verifier.ID, ClientSecret: verifier.Secret, Log: log,
	})
	if err != nil {
		return err
	}
	frontAddress := "http://" + frontAt.Addr().String()
	front, err := demo.NewFront(issuer, frontAddress, log)
	if err != nil {
		return err
	}
	d.office = admin.Dial(d.server.config.Socket())
	d.serve(apiAt, d.orders, log)
	d.serve(frontAt, front, log)
	d.serve(appAt, demo.NewApp(demo.Config{
		Issuer: issuer, Front: frontAddress, App: d.app, API: d.api,
		ClientID: app.ID, ClientSecret: app.Secret, LoginHint: demoUser,
		Data: d.server.config.Data, EndUser: d.endUser, Log: log,
	}), log)
	return nil
}

// endUser is what an administrator of the demo does for the application.
func (d *demonstration) endUser(ctx context.Context, sub string) (receipt string, err error) {
	const wait = 2 * time.Second // for the receipt
	order := admin.Revocation{Kind: "user", IDs: []string{sub}, Reason: "logged out everywhere, in the demo"}
	result, err := d.office.Revoke(ctx, order, wait)
	if err != nil || result.Receipt == nil {
		return "", err
	}
	return result.Receipt.Sentence, nil
}

// startDemoServer starts the server as mintmark serve does, with settings of its
// own: those of a real server must not reach it.
func startDemoServer(i *invocation, data, logLevel string, lines *logWriter) (*server, error) {
	for port := demoServerPort; port < demoServerPort+demoPorts; port++ {
		c, problems := config.Load(config.Sources{Flags: map[string][]string{
			"data":      {data},
			"listen":    {net.JoinHostPort("127.0.0.1", strconv.Itoa(port))},
			"log.level": {logLevel},
		}})
		if len(problems) > 0 {
			return nil, problems
		}
		if taken(i.ctx, port) {
			continue
		}
		s, err := startServer(i, c, newLog(c, lines, isTerminal(i.err)))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return s, err
		}
	}
	return nil, noPort(demoServerPort)
}

// listenNear listens on loopback at a port, or the next that is free.
func listenNear(ctx context.Context, first int) (net.Listener, error) {
	var options net.ListenConfig
	for port := first; port < first+demoPorts; port++ {
		if taken(ctx, port) {
			continue
		}
		listener, err := options.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	return nil, noPort(first)
}

// taken reports whether somebody listens at a port of the other loopback address,
// which browsers try first when they look for localhost.
func taken(ctx context.Context, port int) bool {
	var options net.ListenConfig
	listener, err := options.Listen(ctx, "tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE) // a machine without IPv6 has nothing there
	}
	return listener.Close() != nil
}

func noPort(first int) error {
	return fmt.Errorf("all ports from %d to %d are taken", first, first+demoPorts-1)
}

// localhost is the address of a listener as browsers are given it.
func localhost(address net.Addr) string {
	_, port, _ := net.SplitHostPort(address.String()) // a listener's address has a port
	return "http://localhost:" + port
}

// seed makes what an administrator would: the API, a user, and the clients that
// are the application and the API's verifier.
func (d *demonstration) seed(ctx context.Context) (app, verifier engine.ManagedClient, err error) {
	e := d.server.engine
	_, err = e.CreateResource(ctx, d.api, record.ResourceSettings{
		Name: "Breadbox orders", Scopes: []string{demo.ScopeRead, demo.ScopeWrite},
	})
	if err != nil {
		return app, verifier, err
	}
	user, err := e.CreateUser(ctx, anaProfile(), "")
	if err != nil {
		return app, verifier, err
	}
	d.password = user.Password
	if app, err = e.CreateClient(ctx, "breadbox", engine.ClientForm{Name: "Breadbox, a demo app", Settings: d.appSettings()}); err != nil {
		return app, verifier, err
	}
	verifier, err = e.CreateClient(ctx, "demo-api", engine.ClientForm{Name: "Breadbox orders", Settings: record.ClientSettings{
		GrantTypes: []string{oauth.GrantClientCredentials},
		Scope:      oauth.ScopeReadRevocations,
		Resources:  []string{d.api}, // it may introspect their tokens
	}})
	return app, verifier, err
}

func (d *demonstration) appSettings() record.ClientSettings {
	rotate := true // not needed of a confidential client, but there to be seen
	s := record.ClientSettings{
		GrantTypes:              []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		TokenEndpointAuthMethod: string(oauth.AuthBasic),
		ApplicationType:         "web",
		Scope:                   demo.Scope,
		Resources:               []string{d.api},
		RotateRefresh:           &rotate,
		IDTokenSigningAlg:       "ES256",
	}
	for _, at := range demo.Addresses(d.app) {
		s.RedirectURIs = append(s.RedirectURIs, at+demo.PathCallback)
		s.PostLogoutRedirectURIs = append(s.PostLogoutRedirectURIs, at+demo.PathSignedOut)
	}
	return s
}

// anaProfile has every standard claim, so that all of them can be seen.
func anaProfile() engine.Profile {
	return engine.Profile{
		Email: demoUser, EmailVerified: true, Phone: "+351210000000", PhoneVerified: true,
		Claims: engine.Claims{
			Name: "Ana Moreira", GivenName: "Ana", FamilyName: "Moreira", MiddleName: "Luz", Nickname: "Ani",
			PreferredUsername: "ana", Profile: "https://example.com/ana", Picture: "https://example.com/ana.png",
			Website: "https://ana.example.com", Gender: "female", Birthdate: "1990-04-12",
			Zoneinfo: "Europe/Lisbon", Locale: "pt-PT",
			Address: &engine.Address{
				Formatted:     "Rua do Forno 7\n1100-001 Lisboa\nPortugal",
				StreetAddress: "Rua do Forno 7", Locality: "Lisboa", Region: "Lisboa", PostalCode: "1100-001", Country: "Portugal",
			},
		},
	}
}

func (d *demonstration) serve(listener net.Listener, handler http.Handler, log *slog.Logger) {
	s := web.NewServer(handler, log)
	d.http = append(d.http, s)
	go func() {
		if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.failed <- fmt.Errorf("serving: %w", err)
		}
	}()
}

// announce tells people where to go, in lines that a program can find too.
func (d *demonstration) announce(i *invocation) error {
	fmt.Fprintln(i.out, "Mintmark demo: a server, a web app and an API, on this machine only.")
	err := aligned(i.out, [][]string{
		{"server", d.server.engine.Issuer().String()},
		{"app", d.app},
		{"api", d.api},
		{"user", demoUser},
		{"password", d.password},
		{"data", d.server.config.Data},
	})
	if err != nil {
		return err
	}
	for _, p := range []struct {
		what, address string
		port          int
	}{
		{"the server", d.server.engine.Issuer().String(), demoServerPort}, {"the app", d.app, demoAppPort}, {"the API", d.api, demoAPIPort},
	} {
		if p.address != "http://localhost:"+strconv.Itoa(p.port) {
			fmt.Fprintf(i.out, "Port %d is taken: %s is at another one.\n", p.port, p.what)
		}
	}
	_, err = fmt.Fprintf(i.out, "\nOpen %s in a browser. Ctrl-C stops the demo and removes its data.\n", d.app)
	return err
}

// close stops the application and the API before the server that they ask.
func (d *demonstration) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endsWithin)
	defer cancel()
	var errs []error
	for _, s := range d.http {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, errors.Join(err, s.Close()))
		}
	}
	if d.orders != nil {
		errs = append(errs, d.orders.Close())
	}
	if d.office != nil {
		d.office.Close()
	}
	if d.server != nil {
		errs = append(errs, d.server.close())
	}
	d.lines.Close()
	return errors.Join(errs...)
}
