package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair on disk, read again when one of its files changes.
type certificate struct {
	certPath, keyPath string
	log               *slog.Logger

	mu   sync.Mutex
	pair *tls.Certificate
	seen [2]time.Time // of the files that were looked at last, good or bad
}

// loadCertificate reads the pair for the first time, when it must be good.
func loadCertificate(certPath, keyPath string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certPath: certPath, keyPath: keyPath, log: log}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return c, nil
}

// get gives the pair as it is on disk now. While what is there cannot be used (one
// file was replaced and the other not yet) the one before goes on.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, err := c.changed()
	if err == nil && changed {
		err = c.load()
	}
	if c.pair == nil {
		return nil, err
	}
	if err != nil {
		c.log.Error("reading the TLS certificate again; the one before stays", "error", err)
	}
	return c.pair, nil
}

// changed looks at the files, without reading them.
func (c *certificate) changed() (bool, error) {
	var now [2]time.Time
	for n, path := range []string{c.certPath, c.keyPath} {
		info, err := os.Stat(path)
		if err != nil {
			return false, fmt.Errorf("looking at the TLS files: %w", err)
		}
		now[n] = info.ModTime()
	}
	changed := now != c.seen
	c.seen = now
	return changed, nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certPath, c.keyPath)
	if err != nil {
		return fmt.Errorf("loading the TLS certificate: %w", err)
	}
	if c.pair != nil {
		c.log.Info("the TLS certificate was read again", "not_after", pair.Leaf.NotAfter)
	}
	c.pair = &pair
	return nil
}

// tlsConfig takes TLS 1.2 and 1.3; under 1.2 only suites with forward secrecy and
// authenticated encryption (RFC 9325 §4.2).
func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		NextProtos:     []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}
