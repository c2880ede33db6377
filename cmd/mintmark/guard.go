package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/guard"
	"github.com/mintmark-id/mintmark/internal/web"
	"github.com/mintmark-id/mintmark/verify"
)

// guardCommand has settings of its own: a guard runs beside an API, not beside
// the server.
type guardCommand struct {
	Listen           string   `default:"127.0.0.1:8490" env:"MINTMARK_GUARD_LISTEN" placeholder:"WHERE" help:"unix:PATH, or HOST:PORT on loopback: whoever reaches it can ask (127.0.0.1:8490 if not said)."`
	SocketMode       string   `default:"0660" env:"MINTMARK_GUARD_SOCKET_MODE" placeholder:"MODE" help:"Mode of the Unix socket: the proxy must be able to write to it (0660 if not said)."`
	Issuer           string   `required:"" env:"MINTMARK_GUARD_ISSUER" placeholder:"URL" help:"Whose tokens are good."`
	Audience         string   `required:"" env:"MINTMARK_GUARD_AUDIENCE" placeholder:"AUD" help:"The API that tokens must be for."`
	ClientID         string   `name:"client-id" required:"" env:"MINTMARK_GUARD_CLIENT_ID" placeholder:"ID" help:"Client with the scope revocations:read and the API's resource."`
	ClientSecretFile string   `env:"MINTMARK_GUARD_CLIENT_SECRET_FILE" placeholder:"FILE" help:"File of its secret; MINTMARK_GUARD_CLIENT_SECRET has the secret itself."`
	Policy           string   `enum:"strict,balanced,available" default:"balanced" env:"MINTMARK_GUARD_POLICY" placeholder:"P" help:"What happens while the issuer is silent: strict, balanced or available (balanced if not said)."`
	Scope            []string `env:"MINTMARK_GUARD_SCOPE" placeholder:"S" help:"Scopes that every request needs."`
	ClientCert       bool     `env:"MINTMARK_GUARD_CLIENT_CERT" help:"Believe Client-Cert (RFC 9440) of the proxy, for tokens that are bound to a certificate: only if it removes what the client sent under that name."`
	Seed             string   `env:"MINTMARK_GUARD_SEED" placeholder:"DIR" help:"Directory in which to keep what is known, for the next start."`
	Name             string   `env:"MINTMARK_GUARD_NAME" placeholder:"N" help:"What the fleet's list calls it (the client's id if not said)."`
	LogLevel         string   `enum:"debug,info,warn,error" default:"info" env:"MINTMARK_GUARD_LOG_LEVEL" placeholder:"L" help:"Least level of what is logged (info if not said)."`
	LogFormat        string   `enum:"auto,json,text" default:"auto" env:"MINTMARK_GUARD_LOG_FORMAT" placeholder:"F" help:"Form of the log: json, text, or auto, which is text at a terminal."`
}

// guardSecret is the variable with the secret itself.
const guardSecret = "MINTMARK_GUARD_CLIENT_SECRET"

// Run answers a proxy until it is interrupted.
func (c *guardCommand) Run(i *invocation) error {
	secret, err := c.secret(i)
	if err != nil {
		return usageError{err}
	}
	lines := newLogWriter(i.err)
	defer lines.Close()
	log := newLog(&config.Config{LogLevel: c.LogLevel, LogFormat: c.LogFormat}, lines, isTerminal(i.err))
	listener, err := c.listen(i.ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has closed it, if it came so far
	options := []verify.Option{verify.WithClient(c.ClientID, secret), verify.WithPolicy(policyNamed(c.Policy)), verify.WithLogger(log)}
	if c.Seed != "" {
		options = append(options, verify.WithSeed(c.Seed))
	}
	if c.ClientCert {
		options = append(options, verify.WithClientCertificate(verify.ClientCert))
	}
	if c.Name != "" {
		options = append(options, verify.WithName(c.Name))
	}
	// Not the invocation's context: what is under way is still answered after it.
	verifier, err := verify.New(context.WithoutCancel(i.ctx), c.Issuer, c.Audience, options...)
	if err != nil {
		return usageError{err}
	}
	server := web.NewServer(guard.New(guard.Config{Verifier: verifier, Scope: c.Scope, Log: log}), log)
	err = c.serve(i, server, listener)
	return errors.Join(err, verifier.Close())
}

// serve answers until the invocation ends, and lets what is under way end then.
func (c *guardCommand) serve(i *invocation, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	err := aligned(i.out, [][]string{
		{"Mintmark guard", release},
		{"listening", c.where(listener)},
		{"issuer", c.Issuer},
		{"audience", c.Audience},
		{"policy", c.Policy},
	})
	if err == nil {
		_, err = fmt.Fprintln(i.out, "Ready.")
	}
	if err == nil {
		select {
		case <-i.ctx.Done():
		case err = <-failed:
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), endsWithin)
	defer cancel()
	return errors.Join(err, server.Shutdown(ctx))
}

func (c *guardCommand) where(listener net.Listener) string {
	if listener.Addr().Network() == "unix" {
		return c.Listen
	}
	return listener.Addr().String()
}

// secret comes from a file or the environment: a command line is for all to see.
func (c *guardCommand) secret(i *invocation) (string, error) {
	given := ""
	for _, pair := range i.environ {
		if value, ok := strings.CutPrefix(pair, guardSecret+"="); ok {
			given = value
		}
	}
	switch {
	case given != "" && c.ClientSecretFile != "":
		return "", fmt.Errorf("the client's secret is given twice: by --client-secret-file and by %s", guardSecret)
	case given != "":
		return given, nil
	case c.ClientSecretFile == "":
		return "", fmt.Errorf("the client's secret is missing: give --client-secret-file or %s", guardSecret)
	}
	text, err := os.ReadFile(c.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("reading the client's secret: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// listen opens a Unix socket, or a port of loopback: whoever reaches the guard
// could try tokens on it, and what it says stays on this machine.
func (c *guardCommand) listen(ctx context.Context) (net.Listener, error) {
	var options net.ListenConfig
	path, isSocket := strings.CutPrefix(c.Listen, "unix:")
	if isSocket {
		mode, err := strconv.ParseUint(c.SocketMode, 8, 9)
		if err != nil {
			return nil, usagef("--socket-mode: an octal mode such as 0660, not %q", c.SocketMode)
		}
		return openSocket(ctx, path, os.FileMode(mode))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usagef("--listen: unix:PATH, or an address of loopback such as 127.0.0.1:8490, not %q", c.Listen)
	}
	listener, err := options.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", c.Listen, err)
	}
	return listener, nil
}

func policyNamed(name string) verify.Policy {
	for _, p := range []verify.Policy{verify.Strict, verify.Available} {
		if p.String() == name {
			return p
		}
	}
	return verify.Balanced
}
