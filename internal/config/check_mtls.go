package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// checkMutualTLS lets nothing be believed that nobody proved, and nothing be offered
// that cannot be reached.
func (c *Config) checkMutualTLS(issuer *url.URL, report func(string, *fault)) {
	own := c.MTLSCert != "" || c.MTLSKey != ""
	cert, _ := c.MTLS()
	switch {
	case c.MTLSListen == "" && own:
		report("mtls_listen", faultf("set it, or leave out mtls_tls_cert and mtls_tls_key", "it is not set, and its certificate is"))
	case c.MTLSCert != "" && c.MTLSKey == "":
		report("mtls_tls_key", faultf("set it, or leave out mtls_tls_cert", "mtls_tls_cert is set and this is not"))
	case c.MTLSCert == "" && c.MTLSKey != "":
		report("mtls_tls_cert", faultf("set it, or leave out mtls_tls_key", "mtls_tls_key is set and this is not"))
	case own:
		report("mtls_tls_cert", keyPair(c.MTLSCert, c.MTLSKey))
	case c.MTLSListen != "" && cert == "":
		report("mtls_listen", faultf("set mtls_tls_cert and mtls_tls_key, or tls_cert and tls_key", "%q speaks TLS, and there is no certificate for it", c.MTLSListen))
	}
	report("mtls_listen", apart(c.MTLSListen, "its connections ask for a certificate, which browsers then ask their users for", "listen", c.Listen))
	report("mtls_listen", apart(c.MTLSListen, "clients call it", "metrics_listen", c.MetricsListen))
	report("mtls_listen", apart(c.MTLSListen, "clients call it", "admin_listen", c.AdminListen))
	if host, _, _ := net.SplitHostPort(c.MTLSListen); c.TestMode && c.MTLSListen != "" && !isLoopback(host) { // parsed before
		report("mtls_listen", faultf("listen on 127.0.0.1, or leave out test_mode", "%q can be reached from outside, and the clock can be moved", c.MTLSListen))
	}
	if c.MTLSProxy && len(c.TrustedProxy) == 0 {
		report("mtls_proxy", faultf("set trusted_proxy to the proxy's address, or leave this out", "there is no trusted proxy whose word would count"))
	}
	report("mtls_origin", c.checkMutualOrigin(issuer))
	if c.MTLSCA != "" {
		report("mtls_ca", c.checkAuthorities())
	}
}

func (c *Config) checkMutualOrigin(issuer *url.URL) *fault {
	const do = "write scheme, host and port as in https://mtls.id.example.com, another address than the issuer's"
	switch {
	case c.MTLSOrigin == "" && c.MTLSListen == "":
		return nil
	case c.MTLSOrigin == "":
		return faultf(do, "it is not set, and clients would not find mtls_listen")
	case !c.TakesCertificates():
		return faultf("set mtls_listen, or mtls_proxy where a proxy ends TLS, or leave it out", "no connection here shows a certificate")
	}
	origin, err := url.Parse(c.MTLSOrigin)
	switch {
	case err != nil || origin.Scheme != "https" || origin.Host == "" || origin.Host != strings.ToLower(origin.Host) || "https://"+origin.Host != c.MTLSOrigin:
		return faultf(do, "%q is no https origin in small letters", c.MTLSOrigin)
	case strings.TrimSuffix(origin.Host, ":443") == strings.TrimSuffix(issuer.Host, ":443"):
		return faultf(do, "%q is the issuer's own, whose pages would ask users for a certificate", c.MTLSOrigin)
	}
	return nil
}

func (c *Config) checkAuthorities() *fault {
	if !c.TakesCertificates() {
		return faultf("set mtls_listen, or mtls_proxy where a proxy ends TLS, or leave it out", "no connection here shows a certificate")
	}
	if f := readable(c.MTLSCA); f != nil {
		return f
	}
	if _, err := c.Authorities(); err != nil {
		return faultf("use a file of PEM certificates", "%s", err)
	}
	return nil
}

// Authorities reads the certificates that vouch for clients; nil if there are to be
// none.
func (c *Config) Authorities() (*x509.CertPool, error) {
	if c.MTLSCA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.MTLSCA)
	if err != nil {
		return nil, fmt.Errorf("reading certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading certificate authorities: %s holds no certificate", c.MTLSCA)
	}
	return pool, nil
}
