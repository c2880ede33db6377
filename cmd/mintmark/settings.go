package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/config"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// settingsGiven are the settings as flags, beside --data and --config. Package
// config reads them by name (see settingFlags) and says what they are (see
// settingHelp).
type settingsGiven struct {
	Listen         string   `placeholder:"HOST:PORT" help:"${listen}"`
	Issuer         string   `placeholder:"URL" help:"${issuer}"`
	Database       string   `placeholder:"PATH|URL" help:"${database}"`
	TLSCert        string   `name:"tls-cert" placeholder:"FILE" help:"${tls_cert}"`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" help:"${tls_key}"`
	TrustedProxy   []string `placeholder:"CIDR" help:"${trusted_proxy}"`
	TrustedNetwork []string `placeholder:"CIDR" help:"${trusted_network}"`
	KekFile        string   `placeholder:"FILE" help:"${kek_file}"`

	PasswordPolicy string `placeholder:"NAME" help:"${password_policy}"`
	SignUp         string `placeholder:"WORD" help:"${sign_up}"`
	Language       string `placeholder:"TAG" help:"${language}"`

	Registration      string `placeholder:"WHO" help:"${registration}"`
	RegistrationLimit string `placeholder:"N" help:"${registration_limit}"`
	RegistrationKeep  string `placeholder:"D" help:"${registration_keep}"`
	AdvertiseImplicit bool   `help:"${advertise_implicit}"`

	LifetimesAccessTTL       string `name:"lifetimes-access-ttl" placeholder:"D" help:"${lifetimes_access_ttl}"`
	LifetimesIDTTL           string `name:"lifetimes-id-ttl" placeholder:"D" help:"${lifetimes_id_ttl}"`
	LifetimesCodeTTL         string `name:"lifetimes-code-ttl" placeholder:"D" help:"${lifetimes_code_ttl}"`
	LifetimesRefreshIdle     string `placeholder:"D" help:"${lifetimes_refresh_idle}"`
	LifetimesRefreshAbsolute string `placeholder:"D" help:"${lifetimes_refresh_absolute}"`
	LifetimesRetryWindow     string `placeholder:"D" help:"${lifetimes_retry_window}"`
	LifetimesSessionIdle     string `placeholder:"D" help:"${lifetimes_session_idle}"`
	LifetimesSessionAbsolute string `placeholder:"D" help:"${lifetimes_session_absolute}"`

	AdminListen  string `placeholder:"HOST:PORT" help:"${admin_listen}"`
	AdminTLSCert string `name:"admin-tls-cert" placeholder:"FILE" help:"${admin_tls_cert}"`
	AdminTLSKey  string `name:"admin-tls-key" placeholder:"FILE" help:"${admin_tls_key}"`

	MTLSListen  string `name:"mtls-listen" placeholder:"HOST:PORT" help:"${mtls_listen}"`
	MTLSOrigin  string `name:"mtls-origin" placeholder:"URL" help:"${mtls_origin}"`
	MTLSTLSCert string `name:"mtls-tls-cert" placeholder:"FILE" help:"${mtls_tls_cert}"`
	MTLSTLSKey  string `name:"mtls-tls-key" placeholder:"FILE" help:"${mtls_tls_key}"`
	MTLSCA      string `name:"mtls-ca" placeholder:"FILE" help:"${mtls_ca}"`
	MTLSProxy   bool   `name:"mtls-proxy" help:"${mtls_proxy}"`

	MetricsListen string `placeholder:"HOST:PORT" help:"${metrics_listen}"`

	Drain string `placeholder:"D" help:"${drain}"`

	LogLevel  string `placeholder:"L" help:"${log_level}"`
	LogFormat string `placeholder:"F" help:"${log_format}"`

	TestMode bool `help:"${test_mode}"`
}

// settingHelp is the help of the settings' flags: it stands once, in package config.
func settingHelp() kong.Vars {
	help := kong.Vars{}
	for _, s := range config.Settings() {
		help[strings.ReplaceAll(s.Name, ".", "_")] = s.Help()
	}
	help["admin_scopes"] = strings.Join(record.AdminScopes(), ", ")
	return help
}

// settingFlags gathers the flags that were given and are settings.
func settingFlags(chosen *kong.Context) map[string][]string {
	given := map[string][]string{}
	for _, step := range chosen.Path {
		if step.Flag == nil {
			continue
		}
		for _, name := range config.Names() {
			if config.Flag(name) != step.Flag.Name {
				continue
			}
			switch value := chosen.FlagValue(step.Flag).(type) {
			case string:
				given[name] = []string{value}
			case []string:
				given[name] = value
			case bool:
				given[name] = []string{strconv.FormatBool(value)}
			}
		}
	}
	return given
}

// settings reads all settings and holds them to the rules of other rooms too.
func (i *invocation) settings() (*config.Config, config.Problems) {
	c, problems := config.Load(config.Sources{Flags: i.flags, Environ: i.environ, File: i.file})
	report := func(name string, err error, do string) {
		if err != nil && !problems.Has(name) {
			problems = append(problems, config.Problem{Setting: name, Source: c.Source(name), Wrong: err.Error(), Do: do})
		}
	}
	if c.Source("issuer") != "default" { // the default one may still wait for its port
		_, err := oauth.ParseIssuer(c.Issuer)
		report("issuer", err, "write the address that browsers will use, as in https://id.example.com")
	}
	if c.KEK != "" {
		_, err := secret.ParseKEK([]byte(c.KEK))
		report("kek", err, "make one with: openssl rand -base64 32")
	} else if c.Source("kek_file") != "default" && !problems.Has("kek_file") {
		_, err := readKEK(c)
		report("kek_file", err, "make one with: openssl rand -base64 32")
	}
	return c, problems
}

// effective is settings without problems; else it prints all of them.
func (i *invocation) effective() (*config.Config, error) {
	c, problems := i.settings()
	if len(problems) > 0 {
		i.printProblems(problems)
		return nil, usageError{errSaid}
	}
	return c, nil
}

func (i *invocation) printProblems(problems config.Problems) {
	verb := "1 problem with the settings"
	if len(problems) > 1 {
		verb = fmt.Sprintf("%d problems with the settings", len(problems))
	}
	fmt.Fprintf(i.err, "mintmark: %s\n", verb)
	for _, p := range problems {
		fmt.Fprintf(i.err, "  %s\n", p)
	}
}

// server connects to the running server, for the commands that ask for it: by the socket in its data directory, which of
// all settings alone counts here, or from elsewhere.
func (i *invocation) server() (client *admin.Client, err error) {
	if i.elsewhere+i.tokenFile != "" {
		i.dialed, err = i.remote()
		return i.dialed, err
	}
	c, problems := config.Load(config.Sources{Flags: i.flags, Environ: i.environ, File: i.file})
	if mine := slices.DeleteFunc(problems, func(p config.Problem) bool {
		return p.Setting != "data" && p.Setting != "config"
	}); len(mine) > 0 {
		i.printProblems(mine)
		return nil, usageError{errSaid}
	}
	i.where = c.Socket()
	i.await()
	i.dialed = admin.Dial(i.where)
	return i.dialed, nil
}

// grace is how long a server that was started a moment ago may take to answer.
const grace = time.Second

// await lets "mintmark serve &" and the next line of a script meet. Whether there
// is a server the first request will tell.
func (i *invocation) await() {
	var dialer net.Dialer
	for began := time.Now(); time.Since(began) < grace && i.ctx.Err() == nil; time.Sleep(grace / 50) {
		if conn, err := dialer.DialContext(i.ctx, "unix", i.where); err == nil {
			_ = conn.Close() // it was only to see
			return
		}
	}
}
