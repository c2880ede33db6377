package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one row of the table below. set takes the values that were given;
// one value may hold several, separated by commas, where a list is wanted.
type setting struct {
	name   string
	preset string // the default
	set    func(values []string) *fault
	secret bool // from the environment only
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
	l := &c.Lifetimes
	return []setting{
		{name: "listen", preset: "127.0.0.1:8484", set: address(&c.Listen)},
		{name: "issuer", preset: "http://localhost:8484", set: text(&c.Issuer)},
		{name: "data", preset: "./mintmark-data", set: text(&c.Data)},
		{name: "database", set: database(&c.Database)},
		{name: "tls_cert", set: text(&c.TLSCert)},
		{name: "tls_key", set: text(&c.TLSKey)},
		{name: "trusted_proxy", set: networks(&c.TrustedProxy)},
		{name: "kek", set: text(&c.KEK), secret: true},
		{name: "kek_file", set: text(&c.KEKFile)},
		{name: "password.policy", preset: "default", set: oneOf(&c.PasswordPolicy, "default", "nist")},
		{name: "lifetimes.access_ttl", preset: "15m", set: lifetime(&l.AccessTTL, time.Second, longest)},
		{name: "lifetimes.id_ttl", preset: "1h", set: lifetime(&l.IDTTL, time.Second, longest)},
		// RFC 6749 §4.1.2 recommends ten minutes at most; contract.md allows one.
		{name: "lifetimes.code_ttl", preset: "60s", set: lifetime(&l.CodeTTL, time.Second, time.Minute)},
		{name: "lifetimes.refresh_idle", preset: "30d", set: lifetime(&l.RefreshIdle, time.Second, farthest)},
		{name: "lifetimes.refresh_absolute", preset: "90d", set: lifetime(&l.RefreshAbsolute, time.Second, farthest)},
		{name: "lifetimes.retry_window", preset: "30s", set: lifetime(&l.RetryWindow, 0, 5*time.Minute)},
		{name: "lifetimes.session_idle", preset: "12h", set: lifetime(&l.SessionIdle, time.Second, 365*day)},
		{name: "lifetimes.session_absolute", preset: "30d", set: lifetime(&l.SessionAbsolute, time.Second, 365*day)},
		{name: "log.level", preset: "info", set: oneOf(&c.LogLevel, "debug", "info", "warn", "error")},
		{name: "log.format", preset: "auto", set: oneOf(&c.LogFormat, "auto", "json", "text")},
	}
}

// show is a value for people.
func (s setting) show(values []string) string {
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

func text(into *string) func([]string) *fault {
	return single(func(value string) *fault {
		*into = value
		return nil
	})
}

func oneOf(into *string, allowed ...string) func([]string) *fault {
	return single(func(value string) *fault {
		if !slices.Contains(allowed, value) {
			return faultf("use "+strings.Join(allowed, ", "), "%q is no choice here", value)
		}
		*into = value
		return nil
	})
}

func address(into *string) func([]string) *fault {
	return single(func(value string) *fault {
		const do = "write host:port, as in 127.0.0.1:8484; port 0 takes a free one"
		host, port, err := net.SplitHostPort(value)
		if err != nil {
			return faultf(do, "%q is no address", value)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return faultf(do, "%q is no port", port)
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
			return faultf(do, "%q is no IP address of this machine", host)
		}
		*into = value
		return nil
	})
}

func database(into *string) func([]string) *fault {
	return single(func(value string) *fault {
		scheme, _, isURL := strings.Cut(value, "://")
		switch {
		case scheme == "postgres" || scheme == "postgresql":
			return faultf("give the path of a SQLite file, or leave it out", "PostgreSQL is not in this release")
		case isURL:
			return faultf("give the path of a SQLite file, or leave it out", "%q names no database that this release knows", scheme)
		}
		*into = strings.TrimPrefix(value, "sqlite:")
		return nil
	})
}

func networks(into *[]netip.Prefix) func([]string) *fault {
	return func(values []string) *fault {
		const do = "write networks, as in 10.0.0.0/8, or single addresses"
		for value := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			network, err := netip.ParsePrefix(value)
			if err != nil {
				single, bad := netip.ParseAddr(value)
				if bad != nil {
					return faultf(do, "%q is no network", value)
				}
				network = netip.PrefixFrom(single, single.BitLen())
			}
			if network.Bits() == 0 {
				return faultf("name the proxy's own address", "%s lets anybody say who they are", value)
			}
			*into = append(*into, network.Masked())
		}
		return nil
	}
}

func lifetime(into *time.Duration, least, most time.Duration) func([]string) *fault {
	return single(func(value string) *fault {
		d, err := ParseDuration(value)
		if err != nil {
			return faultf("write a number and a unit, as in 30s, 15m, 12h or 30d", "%q is no duration", value)
		}
		if d < least || d > most || d%time.Second != 0 {
			return faultf("use whole seconds from "+FormatDuration(least)+" to "+FormatDuration(most), "%s is out of bounds", value)
		}
		*into = d
		return nil
	})
}
