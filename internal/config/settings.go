package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one row of the table below.
type setting struct {
	name      string
	about     string // what it is, without the full stop
	preset    string // the default
	otherwise string // the default in words, where it follows from other settings
	secret    bool   // from the environment only
	value
}

// value is what a setting may be, in words, and what takes it: the values that
// were given, of which one may hold several, separated by commas, where a list is
// wanted.
type value struct {
	takes string
	set   func(values []string) *fault
}

// fault is what is wrong with a value, and what to do.
type fault struct{ wrong, do string }

func faultf(do, wrong string, args ...any) *fault {
	return &fault{wrong: fmt.Sprintf(wrong, args...), do: do}
}

const (
	day      = 24 * time.Hour
	longest  = day        // what no access or ID token outlives
	farthest = 3650 * day // what nothing outlives
)

// settings is the table of all settings. The names are those of the file.
func (c *Config) settings() []setting {
	return slices.Concat(c.settingsOfServer(), c.settingsOfTokens(), c.settingsOfCertificates(), c.settingsOfRunning())
}

func (c *Config) settingsOfServer() []setting {
	return []setting{
		{name: "listen", preset: "127.0.0.1:8484", value: address(&c.Listen), about: "Address to listen on"},
		{
			name: "issuer", preset: "http://localhost:8484", otherwise: "http://localhost and the port", value: text(&c.Issuer, "an https address; plain http on loopback"),
			about: "Address that users and clients see",
		},
		{name: "data", preset: "./mintmark-data", value: text(&c.Data, "a path"), about: "Data directory of the server"},
		{name: "database", otherwise: "mintmark.db in the data directory", value: database(&c.Database), about: "SQLite file, or the PostgreSQL database that several servers share"},
		{name: "tls_cert", value: text(&c.TLSCert, "a path"), about: "PEM certificate chain; read again when it changes"},
		{name: "tls_key", value: text(&c.TLSKey, "a path"), about: "PEM private key of the certificate"},
		{
			name: "trusted_proxy", value: networks(&c.TrustedProxy, "name the proxy's own address", "lets anybody say who they are"),
			about: "Proxies whose forwarded headers are believed",
		},
		{
			name: "trusted_network", value: networks(&c.TrustedNetwork, "name the networks that your clients' own servers are in", "lets every client make the server call whatever it can reach"),
			about: "Networks, private ones too, in which the server calls addresses that clients name",
		},
		{
			name: "kek", secret: true, value: text(&c.KEK, "32 bytes in base64 or hex"),
			about: "Key-encryption key itself, where there is to be no file of it",
		},
		{name: "kek_file", otherwise: "kek in the data directory", value: text(&c.KEKFile, "a path"), about: "File of the key-encryption key"},
		{name: "password.policy", preset: "default", value: oneOf(&c.PasswordPolicy, "default", "nist"), about: "Rules for new passwords: default asks for 8 characters, nist for 15"},
		{
			name: "sign_up", preset: "off", value: oneOf(&c.SignUp, "off", "unverified"),
			about: "Whether anybody may make an account; unverified: yes, and nobody sees whether the e-mail address is theirs",
		},
		{
			name: "language", preset: "en", value: oneOf(&c.Language, "en", "de"),
			about: "Language of the pages for whoever asks for none that they have",
		},
		{
			name: "registration", preset: "off", value: oneOf(&c.Registration, "off", "token", "open"),
			about: "Who may register clients over the network: off, nobody; token, whoever has a registration token; open, everybody",
		},
		{
			name: "registration_limit", preset: "60", value: number(&c.RegistrationLimit, 1, 1_000_000),
			about: "How many clients one network may register in an hour without a token",
		},
		{
			name: "registration_keep", preset: "7d", value: lifetime(&c.RegistrationKeep, time.Hour, 365*day),
			about: "How long a client that registered itself is kept when nobody lets it in",
		},
		{
			name: "advertise_implicit", preset: "false", value: yesOrNo(&c.AdvertiseImplicit),
			about: "Name the implicit grant in the metadata, which is refused all the same: only for a test that looks for the words",
		},
	}
}

func (c *Config) settingsOfTokens() []setting {
	l := &c.Lifetimes
	return []setting{
		{name: "lifetimes.access_ttl", preset: "15m", value: lifetime(&l.AccessTTL, time.Second, longest), about: "Lifetime of access tokens"},
		{name: "lifetimes.id_ttl", preset: "1h", value: lifetime(&l.IDTTL, time.Second, longest), about: "Lifetime of ID tokens"},
		// RFC 6749 §4.1.2 recommends ten minutes at most; contract.md allows one.
		{name: "lifetimes.code_ttl", preset: "60s", value: lifetime(&l.CodeTTL, time.Second, time.Minute), about: "Lifetime of authorization codes"},
		{name: "lifetimes.refresh_idle", preset: "30d", value: lifetime(&l.RefreshIdle, time.Second, farthest), about: "How long an unused refresh token lives"},
		{name: "lifetimes.refresh_absolute", preset: "90d", value: lifetime(&l.RefreshAbsolute, time.Second, farthest), about: "How long a grant lives"},
		{
			name: "lifetimes.retry_window", preset: "30s", value: lifetime(&l.RetryWindow, 0, 5*time.Minute),
			about: "How long a rotated refresh token still gets its successor",
		},
		{name: "lifetimes.session_idle", preset: "12h", value: lifetime(&l.SessionIdle, time.Second, 365*day), about: "How long an unused sign-in lives"},
		{name: "lifetimes.session_absolute", preset: "30d", value: lifetime(&l.SessionAbsolute, time.Second, 365*day), about: "How long a sign-in lives"},
	}
}

func (c *Config) settingsOfRunning() []setting {
	return []setting{
		{
			name: "admin_listen", value: address(&c.AdminListen),
			about: "Address of a listener for the administration API, for whoever has an admin token; without it the API is on the administration socket only",
		},
		{name: "admin_tls_cert", otherwise: "that of tls_cert", value: text(&c.AdminTLSCert, "a path"), about: "PEM certificate chain of that listener"},
		{name: "admin_tls_key", otherwise: "that of tls_key", value: text(&c.AdminTLSKey, "a path"), about: "PEM private key of that certificate"},
		{name: "metrics_listen", value: address(&c.MetricsListen), about: "Address of a listener for /metrics alone; without it they are on the administration socket only"},
		{
			name: "drain", otherwise: FormatDuration(drainOfSeveral) + " with PostgreSQL, else 0s", value: lifetime(&c.Drain, 0, 10*time.Minute),
			about: "How long a server that is told to stop (SIGTERM) says at /readyz that it is not ready, and serves all the same",
		},
		{name: "log.level", preset: "info", value: oneOf(&c.LogLevel, "debug", "info", "warn", "error"), about: "Least level of what is logged: debug, info, warn or error"},
		{name: "log.format", preset: "auto", value: oneOf(&c.LogFormat, "auto", "json", "text"), about: "Form of the log: json, text, or auto, which is text at a terminal"},
		{
			name: "test_mode", preset: "false", value: yesOrNo(&c.TestMode),
			about: "Let the admin API move the server's clock, to test what expires; for an issuer on loopback only",
		},
	}
}

// settingsOfCertificates are about connections that may show a client's certificate.
func (c *Config) settingsOfCertificates() []setting {
	return []setting{
		{
			name: "mtls_listen", value: address(&c.MTLSListen),
			about: "Address of a listener whose connections may show a client's certificate (mutual TLS)",
		},
		{
			name: "mtls_origin", value: text(&c.MTLSOrigin, "scheme, host and port"),
			about: "Where clients reach the connections that may show a certificate, as in https://mtls.id.example.com",
		},
		{name: "mtls_tls_cert", otherwise: "that of tls_cert", value: text(&c.MTLSCert, "a path"), about: "PEM certificate chain of the server on that listener"},
		{name: "mtls_tls_key", otherwise: "that of tls_key", value: text(&c.MTLSKey, "a path"), about: "PEM private key of that certificate"},
		{
			name: "mtls_ca", value: text(&c.MTLSCA, "a path"),
			about: "PEM certificates of the authorities that vouch for clients of tls_client_auth; read once, at the start",
		},
		{
			name: "mtls_proxy", preset: "false", value: yesOrNo(&c.MTLSProxy),
			about: "Believe what a trusted proxy says of a client's certificate, in Client-Cert (RFC 9440): only if it removes what the client sent under that name",
		},
	}
}

// show is a value for people.
func (s setting) show(values []string) string {
	if s.name == "database" {
		return "" // it may hold a password: Load shows it without
	}
	if s.secret && len(values) > 0 {
		return "(hidden)"
	}
	return strings.Join(values, ",")
}

// Names lists the settings that can be given as flags.
func Names() []string {
	var names []string
	for _, s := range (&Config{}).settings() {
		if !s.secret {
			names = append(names, s.name)
		}
	}
	return names
}

// Setting says of a setting what people read about it.
type Setting struct {
	Name     string // as in the file; a dot separates table and key
	Flag     string // without the dashes before it; empty: it is no flag
	Variable string // in the environment
	Takes    string // which values, in words
	Default  string // or where it comes from; empty: there is none
	About    string // what it is, without the full stop
}

// Settings lists all settings, in the order of the table.
func Settings() []Setting {
	var all []Setting
	for _, s := range (&Config{}).settings() {
		shown := Setting{Name: s.name, Flag: Flag(s.name), Variable: variable(s.name), Takes: s.takes, Default: s.preset, About: s.about}
		if s.secret {
			shown.Flag = ""
		}
		if s.otherwise != "" {
			shown.Default = s.otherwise
		}
		all = append(all, shown)
	}
	return all
}

// Help is what the setting is and its default, as a sentence.
func (s Setting) Help() string {
	if s.Default == "" {
		return s.About + "."
	}
	return s.About + " (default " + s.Default + ")."
}

// Flag is the name of a setting's flag, without the dashes before it.
func Flag(name string) string { return strings.NewReplacer("_", "-", ".", "-").Replace(name) }

// variable is the name of a setting in the environment.
func variable(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// single takes the one value of a setting that is no list; none leaves it alone.
func single(read func(value string) *fault) func([]string) *fault {
	return func(values []string) *fault {
		switch {
		case len(values) == 0:
			return nil
		case len(values) > 1:
			return faultf("give it once", "there are %d values", len(values))
		case values[0] == "":
			return faultf("give it a value or leave it out", "it is empty")
		}
		return read(values[0])
	}
}

func text(into *string, takes string) value {
	return value{takes, single(func(given string) *fault {
		*into = given
		return nil
	})}
}

func oneOf(into *string, allowed ...string) value {
	choices := strings.Join(allowed, ", ")
	return value{choices, single(func(given string) *fault {
		if !slices.Contains(allowed, given) {
			return faultf("use "+choices, "%q is no choice here", given)
		}
		*into = given
		return nil
	})}
}

func yesOrNo(into *bool) value {
	var given string
	choice := oneOf(&given, "true", "false")
	return value{choice.takes, func(values []string) *fault {
		if f := choice.set(values); f != nil {
			return f
		}
		*into = given == "true"
		return nil
	}}
}

func number(into *int64, least, most int64) value {
	bounds := fmt.Sprintf("a number from %d to %d", least, most)
	return value{bounds, single(func(given string) *fault {
		n, err := strconv.ParseInt(given, 10, 64)
		if err != nil || n < least || n > most {
			return faultf("use "+bounds, "%q is no such number", given)
		}
		*into = n
		return nil
	})}
}

func address(into *string) value {
	return value{"host:port", single(func(given string) *fault {
		const do = "write host:port, as in 127.0.0.1:8484; port 0 takes a free one"
		host, port, err := net.SplitHostPort(given)
		if err != nil {
			return faultf(do, "%q is no address", given)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return faultf(do, "%q is no port", port)
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
			return faultf(do, "%q is no IP address of this machine", host)
		}
		*into = given
		return nil
	})}
}

func database(into *string) value {
	return value{"a path, or postgres://user@host/name", single(func(given string) *fault {
		scheme, _, isURL := strings.Cut(given, "://")
		switch {
		case isPostgres(given):
			if at, err := url.Parse(given); err != nil || at.Fragment != "" {
				return faultf("write postgres://user@host:5432/name, with whatever is special in a password in %XX", "it is no address of a database") // which may hold a password
			}
		case isURL:
			return faultf("give the path of a SQLite file or an address that begins with postgres://, or leave it out", "%q names no database that this release knows", scheme)
		}
		*into = strings.TrimPrefix(given, "sqlite:")
		return nil
	})}
}

func isPostgres(given string) bool {
	return strings.HasPrefix(given, "postgres://") || strings.HasPrefix(given, "postgresql://")
}

// networks takes any but the one that everybody is in.
func networks(into *[]netip.Prefix, instead, everybody string) value {
	return value{"networks or addresses, separated by commas", func(values []string) *fault {
		const do = "write networks, as in 10.0.0.0/8, or single addresses"
		for given := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if given = strings.TrimSpace(given); given == "" {
				continue
			}
			network, err := netip.ParsePrefix(given)
			if err != nil {
				single, bad := netip.ParseAddr(given)
				if bad != nil {
					return faultf(do, "%q is no network", given)
				}
				network = netip.PrefixFrom(single, single.BitLen())
			}
			if network.Bits() == 0 {
				return faultf(instead, "%s %s", given, everybody)
			}
			*into = append(*into, network.Masked())
		}
		return nil
	}}
}

func lifetime(into *time.Duration, least, most time.Duration) value {
	bounds := "whole seconds from " + FormatDuration(least) + " to " + FormatDuration(most)
	return value{bounds, single(func(given string) *fault {
		d, err := ParseDuration(given)
		if err != nil {
			return faultf("write a number and a unit, as in 30s, 15m, 12h or 30d", "%q is no duration", given)
		}
		if d < least || d > most || d%time.Second != 0 {
			return faultf("use "+bounds, "%s is out of bounds", given)
		}
		*into = d
		return nil
	})}
}
