package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// tlsServer listens as `serve` does, with a certificate of this key.
func tlsServer(t *testing.T, key crypto.Signer) string {
	t.Helper()
	dir := t.TempDir()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		paths[name] = filepath.Join(dir, name+".pem")
		if err := os.WriteFile(paths[name], pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := loadCertificate(paths["cert"], paths["key"], slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var options net.ListenConfig
	plain, err := options.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := tls.NewListener(plain, pair.tlsConfig())
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.(*tls.Conn).HandshakeContext(context.Background()) // the client says how it went
			}()
		}
	}()
	return listener.Addr().String()
}

// handshake tries one version and, where that has any to choose from, one suite.
func handshake(t *testing.T, address string, version, suite uint16) (tls.ConnectionState, error) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion: version, MaxVersion: version, CipherSuites: []uint16{suite},
		InsecureSkipVerify: true, //nolint:gosec // which keys there are is no question here
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// Certification: TLS 1.2 and 1.3, and under 1.2 only ECDHE with AES-GCM or ChaCha20
// (RFC 9325 §4.2). A handshake with each that there is says which are taken.
func TestTLSTakesWhatItShouldAndNothingElse(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]string{"ECDSA": tlsServer(t, ec), "RSA": tlsServer(t, rsaKey)}
	taken := map[uint16]string{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDSA", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDSA",
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDSA",
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "RSA", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "RSA",
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "RSA",
	}
	suites := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
	if len(suites) < 15 {
		t.Fatalf("only %d suites to try", len(suites))
	}
	tried := 0
	for key, address := range addresses {
		for _, suite := range suites {
			if suite.SupportedVersions[0] == tls.VersionTLS13 {
				continue // not the server's to choose from: all three of them are good
			}
			state, err := handshake(t, address, tls.VersionTLS12, suite.ID)
			if want := taken[suite.ID] == key; (err == nil) != want || want && state.CipherSuite != suite.ID {
				t.Errorf("TLS 1.2, %s, with a key for %s: %v, want it taken: %t", suite.Name, key, err, want)
			}
			if err == nil {
				tried++
			}
		}
		for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS13: true} {
			old := map[string]uint16{"ECDSA": tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "RSA": tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}[key]
			if state, err := handshake(t, address, version, old); (err == nil) != want || want && state.Version != version {
				t.Errorf("%s with a key for %s: %v, want it taken: %t", tls.VersionName(version), key, err, want)
			}
		}
	}
	if tried != len(taken) {
		t.Errorf("%d suites are taken, not %d", tried, len(taken))
	}
}
