package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"
)

// check holds the settings against each other and against the disk. A setting
// that has a problem already is not judged again.
func (c *Config) check(known Problems) Problems {
	var found Problems
	report := func(name string, f *fault) {
		if f != nil && !known.Has(name) && !found.Has(name) {
			found = append(found, Problem{Setting: name, Source: c.Source(name), Wrong: f.wrong, Do: f.do})
		}
	}
	issuer, wrong := c.issuerURL()
	report("issuer", wrong)
	if wrong == nil && !known.Has("issuer", "listen", "tls_cert", "tls_key", "trusted_proxy") {
		c.checkListener(issuer, report)
	}
	if wrong == nil && !known.Has("issuer", "listen", "test_mode") && c.TestMode {
		report("test_mode", c.nobodyElse(issuer))
	}
	if !known.Has("listen", "metrics_listen") {
		report("metrics_listen", apart(c.MetricsListen, "metrics are not for the public", "listen", c.Listen))
	}
	if !known.Has("listen", "metrics_listen", "admin_listen", "tls_cert", "tls_key") {
		c.checkAdministration(report)
	}
	if wrong == nil && !known.Has("listen", "mtls_listen", "mtls_origin", "mtls_tls_cert", "mtls_tls_key", "tls_cert", "tls_key", "trusted_proxy") {
		c.checkMutualTLS(issuer, report)
	}
	report("data", directory(c.Data))
	if c.Source("kek_file") != byDefault {
		report("kek_file", readable(c.KEKFile))
		if c.KEK != "" {
			report("kek", faultf("keep one of them", "the key is given twice, here and by kek_file"))
		}
	}
	l := &c.Lifetimes
	if !known.Has("lifetimes.refresh_idle", "lifetimes.refresh_absolute") {
		report("lifetimes.refresh_idle", within(l.RefreshIdle, l.RefreshAbsolute, "lifetimes.refresh_absolute"))
	}
	if !known.Has("lifetimes.session_idle", "lifetimes.session_absolute") {
		report("lifetimes.session_idle", within(l.SessionIdle, l.SessionAbsolute, "lifetimes.session_absolute"))
	}
	return found
}

func within(idle, absolute time.Duration, name string) *fault {
	if idle <= absolute {
		return nil
	}
	return faultf("lower it, or raise "+name, "%s is longer than %s, %s", FormatDuration(idle), name, FormatDuration(absolute))
}

// issuerURL judges what goes wrong most; the rest of the rules is oauth's.
func (c *Config) issuerURL() (*url.URL, *fault) {
	const do = "write the address that browsers will use, as in https://id.example.com"
	issuer, err := url.Parse(c.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http":
		return nil, faultf(do, "%q is no https address", c.Issuer)
	case issuer.Scheme == "http" && !isLoopback(issuer.Hostname()):
		return nil, faultf(do, "%q is plain http, which is for loopback only", c.Issuer)
	}
	return issuer, nil
}

// checkListener lets nobody in over a way that does not fit the issuer.
func (c *Config) checkListener(issuer *url.URL, report func(string, *fault)) {
	hasTLS := c.TLSCert != "" || c.TLSKey != ""
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		report("tls_key", faultf("set it, or leave out tls_cert", "tls_cert is set and this is not"))
	case c.TLSCert == "" && c.TLSKey != "":
		report("tls_cert", faultf("set it, or leave out tls_key", "tls_key is set and this is not"))
	case hasTLS:
		report("tls_cert", keyPair(c.TLSCert, c.TLSKey))
	}
	switch {
	case issuer.Scheme == "https" && !hasTLS && len(c.TrustedProxy) == 0:
		report("issuer", faultf("set tls_cert and tls_key, or trusted_proxy if a proxy in front of the server ends TLS", "%q is https, and nothing here speaks it", c.Issuer))
	case issuer.Scheme == "http" && hasTLS:
		report("issuer", faultf("set the issuer to an https address, or leave out tls_cert and tls_key", "%q is plain http, and the server would speak TLS", c.Issuer))
	}
	host, _, _ := net.SplitHostPort(c.Listen) // parsed before
	if issuer.Scheme == "http" && !isLoopback(host) {
		report("listen", faultf("listen on 127.0.0.1, or set an https issuer", "%q can be reached from outside, and the issuer is plain http", c.Listen))
	}
}

// nobodyElse holds a server whose clock can be moved to this machine: its name and
// where it listens.
func (c *Config) nobodyElse(issuer *url.URL) *fault {
	const do = "leave it out, or set an issuer on loopback and listen there"
	host, _, _ := net.SplitHostPort(c.Listen) // parsed before
	switch {
	case !isLoopback(issuer.Hostname()):
		return faultf(do, "the clock could be moved, and %q is an issuer that others may rely on", c.Issuer)
	case !isLoopback(host):
		return faultf(do, "the clock could be moved, and %q can be reached from outside", c.Listen)
	}
	return nil
}

// checkAdministration lets no admin token travel in the clear.
func (c *Config) checkAdministration(report func(string, *fault)) {
	own := c.AdminTLSCert != "" || c.AdminTLSKey != ""
	switch {
	case c.AdminListen == "" && own:
		report("admin_listen", faultf("set it, or leave out admin_tls_cert and admin_tls_key", "it is not set, and its certificate is"))
	case c.AdminTLSCert != "" && c.AdminTLSKey == "":
		report("admin_tls_key", faultf("set it, or leave out admin_tls_cert", "admin_tls_cert is set and this is not"))
	case c.AdminTLSCert == "" && c.AdminTLSKey != "":
		report("admin_tls_cert", faultf("set it, or leave out admin_tls_key", "admin_tls_key is set and this is not"))
	case own:
		report("admin_tls_cert", keyPair(c.AdminTLSCert, c.AdminTLSKey))
	}
	host, _, _ := net.SplitHostPort(c.AdminListen) // parsed before
	if cert, _ := c.AdminTLS(); c.AdminListen != "" && cert == "" && !isLoopback(host) {
		report("admin_listen", faultf("set admin_tls_cert and admin_tls_key, or listen on 127.0.0.1", "%q can be reached from outside, and admin tokens would travel in the clear", c.AdminListen))
	}
	report("admin_listen", apart(c.AdminListen, "the administration has one of its own", "listen", c.Listen))
	report("admin_listen", apart(c.AdminListen, "the administration has one of its own", "metrics_listen", c.MetricsListen))
}

// apart keeps a listener off the port of another, whatever addresses they have.
func apart(address, why, name, other string) *fault {
	_, taken, _ := net.SplitHostPort(other) // parsed before, like the first
	_, port, _ := net.SplitHostPort(address)
	if address == "" || port == "0" || port != taken {
		return nil
	}
	return faultf("choose another port", "%q is the port of %s, and %s", address, name, why)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func keyPair(cert, key string) *fault {
	for _, path := range []string{cert, key} {
		if f := readable(path); f != nil {
			return f
		}
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		return faultf("use a PEM certificate chain and its private key", "%s and %s: %s", cert, key, err)
	}
	return nil
}

func readable(path string) *fault {
	if _, err := os.ReadFile(path); err != nil {
		return faultf("name a file that this user can read", "reading %s: %s", path, cause(err))
	}
	return nil
}

// directory accepts one that is not there yet.
func directory(path string) *fault {
	found, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return faultf("name a directory of this user's", "looking at %s: %s", path, cause(err))
	case !found.IsDir():
		return faultf("name a directory", "%s is a file", path)
	}
	return nil
}
