package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config is every setting of a server. Load makes one.
type Config struct {
	Listen       string // host:port
	Issuer       string
	Data         string         // directory
	Database     string         // path of the SQLite file, or URL of a PostgreSQL database; default mintmark.db in Data
	TLSCert      string         // path of a PEM file; empty: no TLS
	TLSKey       string         // path of a PEM file
	TrustedProxy []netip.Prefix // peers whose forwarded headers are believed
	// TrustedNetwork are the networks in which addresses that clients name may be
	// called though they are not public, and over plain http.
	TrustedNetwork []netip.Prefix

	// KEK is the key-encryption key as MINTMARK_KEK has it; empty: it is in KEKFile.
	KEK     string
	KEKFile string // path; default kek in Data, which serve makes when it is missing

	AdminListen  string // host:port of a listener for the administration API; empty: there is none
	AdminTLSCert string // path of a PEM file; empty: TLSCert
	AdminTLSKey  string // path of a PEM file; empty: TLSKey

	// Of connections that may show a client's certificate.
	MTLSListen string // host:port of a listener for them; empty: there is none
	MTLSOrigin string // scheme, host and port under which clients reach them; empty: the issuer's own
	MTLSCert   string // path of a PEM file; empty: TLSCert
	MTLSKey    string // path of a PEM file; empty: TLSKey
	MTLSCA     string // path of a PEM file of authorities that vouch for clients; empty: there are none
	MTLSProxy  bool   // proxies hand certificates on, in Client-Cert

	MetricsListen  string // host:port of a listener for metrics alone; empty: there is none
	PasswordPolicy string // "default" or "nist"
	SignUp         string // "off" or "unverified"
	Language       string // of the pages, for whoever asks for none that they have

	Registration      string        // of clients by themselves: "off", "token" or "open"
	RegistrationLimit int64         // clients of one network an hour, where nobody shows a token
	RegistrationKeep  time.Duration // until one is forgotten that nobody lets in
	AdvertiseImplicit bool          // name the implicit grant in the metadata, which is refused all the same

	Drain     time.Duration // how long a server that is told to stop is not ready and still serves
	Lifetimes Lifetimes
	LogLevel  string // "debug", "info", "warn" or "error"
	LogFormat string // "json", "text", or "auto": text for people at a terminal, else JSON
	TestMode  bool   // the clock can be moved

	effective []Effective
}

// Lifetimes are how long things last unless a client or resource says otherwise.
// All are whole seconds.
type Lifetimes struct {
	AccessTTL       time.Duration
	IDTTL           time.Duration
	CodeTTL         time.Duration
	RefreshIdle     time.Duration
	RefreshAbsolute time.Duration
	RetryWindow     time.Duration
	SessionIdle     time.Duration
	SessionAbsolute time.Duration
}

// Effective is a setting as it stands, and where it came from.
type Effective struct {
	Name   string // as in the file; a dot separates table and key
	Value  string // secrets are hidden
	Source string // "--listen", "MINTMARK_LISTEN", "mintmark.toml:3" or "default"
}

const byDefault = "default"

// drainOfSeveral is the default of Drain where others may take over: two askings of a
// balancer that asks every other second, and one to spare.
const drainOfSeveral = 5 * time.Second

// Effective lists all settings with their sources.
func (c *Config) Effective() []Effective { return c.effective }

// Source says where a setting came from.
func (c *Config) Source(name string) string {
	i := slices.IndexFunc(c.effective, func(e Effective) bool { return e.Name == name })
	if i < 0 {
		return ""
	}
	return c.effective[i].Source
}

// Problem is one thing that is wrong with the settings.
type Problem struct {
	Setting string
	Source  string
	Wrong   string // what is wrong, with the value
	Do      string // what to do about it
}

// String is the problem in one line.
func (p Problem) String() string {
	return p.Setting + " (" + p.Source + "): " + p.Wrong + "; " + p.Do
}

// Problems are all that is wrong, and an error if there are any.
type Problems []Problem

// Error is one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Has reports whether something is wrong with one of the settings.
func (p Problems) Has(names ...string) bool {
	return slices.ContainsFunc(p, func(p Problem) bool { return slices.Contains(names, p.Setting) })
}

// Load reads all settings from all sources. Where there are problems, what is
// without one is still set.
func Load(from Sources) (*Config, Problems) {
	c := &Config{}
	given, problems := from.read()
	for _, s := range c.settings() {
		value, ok := given[s.name]
		if !ok {
			value = origin{source: byDefault}
			if s.preset != "" {
				value.text = []string{s.preset}
			}
		}
		c.effective = append(c.effective, Effective{Name: s.name, Value: s.show(value.text), Source: value.source})
		if err := s.set(value.text); err != nil {
			problems = append(problems, Problem{Setting: s.name, Source: value.source, Wrong: err.wrong, Do: err.do})
		}
	}
	c.place()
	c.show("database", c.DatabaseName())
	return c, append(problems, c.check(problems)...)
}

// place puts what was not placed elsewhere into the data directory, and lets an
// issuer that nobody chose follow the port.
func (c *Config) place() {
	c.FollowPort(c.Listen)
	if c.Database == "" {
		c.Database = filepath.Join(c.Data, "mintmark.db")
	}
	if c.KEKFile == "" {
		c.KEKFile = filepath.Join(c.Data, "kek")
		if c.KEK == "" {
			c.show("kek_file", c.KEKFile)
		}
	}
	if c.Source("drain") == byDefault {
		if c.OnPostgres() {
			c.Drain = drainOfSeveral
		}
		c.show("drain", FormatDuration(c.Drain))
	}
}

// OnPostgres reports whether the database is a PostgreSQL server's.
func (c *Config) OnPostgres() bool { return isPostgres(c.Database) }

// DatabaseName is the database for people: its password is hidden.
func (c *Config) DatabaseName() string {
	if at, err := url.Parse(c.Database); err == nil && c.OnPostgres() {
		return at.Redacted()
	}
	return c.Database
}

// show puts a value that follows from others into the list of settings.
func (c *Config) show(name, value string) {
	for i := range c.effective {
		if c.effective[i].Name == name {
			c.effective[i].Value = value
		}
	}
}

// FollowPort gives an issuer that nobody chose the port of an address: of the one
// that was asked for, and once it is known of the one that port 0 became.
func (c *Config) FollowPort(address string) {
	if _, port, err := net.SplitHostPort(address); err == nil && c.Source("issuer") == byDefault {
		c.Issuer = "http://localhost:" + port
		c.show("issuer", c.Issuer)
	}
}

// AdminTLS names the certificate and key of the administration listener; empty: it
// speaks plain http.
func (c *Config) AdminTLS() (cert, key string) {
	if c.AdminTLSCert != "" {
		return c.AdminTLSCert, c.AdminTLSKey
	}
	return c.TLSCert, c.TLSKey
}

// MTLS names the certificate and key of the listener for connections that may show a
// client's certificate.
func (c *Config) MTLS() (cert, key string) {
	if c.MTLSCert != "" {
		return c.MTLSCert, c.MTLSKey
	}
	return c.TLSCert, c.TLSKey
}

// TakesCertificates reports whether clients can show one.
func (c *Config) TakesCertificates() bool { return c.MTLSListen != "" || c.MTLSProxy }

// Socket is the path of the administration socket.
func (c *Config) Socket() string { return filepath.Join(c.Data, "admin.sock") }
