package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/decide"
)

// listenMutual opens the listener whose connections may show a client's certificate,
// nil if there is to be none.
func (s *server) listenMutual(ctx context.Context) (net.Listener, error) {
	if s.config.MTLSListen == "" {
		return nil, nil
	}
	var options net.ListenConfig
	listener, err := options.Listen(ctx, "tcp", s.config.MTLSListen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: stop what listens there, or choose another address with --mtls-listen", s.config.MTLSListen, err)
	}
	s.closers = append(s.closers, listener.Close)
	s.mutualAt = listener.Addr()
	cert, key := s.config.MTLS()
	pair, err := loadCertificate(cert, key, s.log)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, pair.mutualConfig()), nil
}

// mutualConfig is tlsConfig for connections that may show a certificate. It names no
// authorities: a client would then keep back one that it signed itself. Who vouches
// for a certificate is decided with the request (RFC 8705 §2).
func (c *certificate) mutualConfig() *tls.Config {
	asking := c.tlsConfig()
	asking.ClientAuth = tls.RequestClientCert
	return asking
}

// mutualTLS is what the policy knows of clients' certificates.
func mutualTLS(c *config.Config) (decide.MutualTLS, error) {
	authorities, err := c.Authorities()
	return decide.MutualTLS{On: c.TakesCertificates(), Origin: c.MTLSOrigin, Authorities: authorities}, err
}
