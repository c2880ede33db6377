package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
)

// listenAdmin opens the listener for administration from elsewhere, nil if there is
// to be none.
func (s *server) listenAdmin(ctx context.Context) (net.Listener, error) {
	if s.config.AdminListen == "" {
		return nil, nil
	}
	var options net.ListenConfig
	listener, err := options.Listen(ctx, "tcp", s.config.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: stop what listens there, or choose another address with --admin-listen", s.config.AdminListen, err)
	}
	s.closers = append(s.closers, listener.Close)
	s.adminAt = "http://" + listener.Addr().String()
	cert, key := s.config.AdminTLS()
	if cert == "" {
		return listener, nil
	}
	pair, err := loadCertificate(cert, key, s.log)
	if err != nil {
		return nil, err
	}
	s.adminAt = "https://" + listener.Addr().String()
	return tls.NewListener(listener, pair.tlsConfig()), nil
}

// remote gives the client of a server elsewhere.
func (i *invocation) remote() (*admin.Client, error) {
	if _, atSocket := i.flags["data"]; atSocket {
		return nil, usagef("--data is for the server on this machine, --server for one elsewhere: give one of them")
	}
	if i.elsewhere == "" {
		return nil, usagef("--token-file needs --server: the address of the server that the token is for")
	}
	if i.tokenFile == "" {
		return nil, usagef("--server needs --token-file: a file with an admin token, which mintmark admin-token create makes at the server")
	}
	token, err := readTokenFile(i.tokenFile)
	if err != nil {
		return nil, usageError{err}
	}
	client, err := admin.New(i.elsewhere, token)
	if err != nil {
		return nil, usagef("--server: %w", err)
	}
	i.where = i.elsewhere
	return client, nil
}

// longestToken is more than an admin token has.
const longestToken = 4096

// readTokenFile reads an admin token that nobody else on this machine can read.
func readTokenFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("opening the token file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("looking at the token file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("others than its owner may use the token file %s (mode %04o): chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(file, longestToken))
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if !strings.HasPrefix(token, "mst_") {
		return "", fmt.Errorf("%s is no file of an admin token: that begins with mst_", path)
	}
	return token, nil
}
