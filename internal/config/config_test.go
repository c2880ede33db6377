package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written makes a file in a directory of the test's own.
func written(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate makes a key pair in PEM files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}))),
		written(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sealed})))
}

// flags makes sources of name, value, name, value.
func flags(pairs ...string) Sources {
	given := map[string][]string{}
	for pair := range slices.Chunk(pairs, 2) {
		given[pair[0]] = append(given[pair[0]], pair[1])
	}
	return Sources{Flags: given}
}

func TestWithoutAnySettingTheContractsDefaultsHold(t *testing.T) {
	c, problems := Load(Sources{})
	if problems != nil {
		t.Fatal(problems)
	}
	c.effective = nil
	want := &Config{
		Listen: "127.0.0.1:8484", Issuer: "http://localhost:8484", Data: "./mintmark-data",
		Database: "mintmark-data/mintmark.db", KEKFile: "mintmark-data/kek", PasswordPolicy: "default", SignUp: "off", Language: "en",
		Registration: "off", RegistrationLimit: 60, RegistrationKeep: 7 * 24 * time.Hour,
		Lifetimes: Lifetimes{
			AccessTTL: 15 * time.Minute, IDTTL: time.Hour, CodeTTL: time.Minute,
			RefreshIdle: 30 * 24 * time.Hour, RefreshAbsolute: 90 * 24 * time.Hour, RetryWindow: 30 * time.Second,
			SessionIdle: 12 * time.Hour, SessionAbsolute: 30 * 24 * time.Hour,
		},
		LogLevel: "info", LogFormat: "auto",
	}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
	if c.Socket() != "mintmark-data/admin.sock" {
		t.Errorf("socket %s", c.Socket())
	}
}

func TestFlagsWinOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	path := written(t, "mintmark.toml", "listen = \"127.0.0.1:1\"\ndata = 'from-file'\n\n[log]\nlevel = \"debug\"\n")
	from := flags("listen", "127.0.0.1:3")
	from.Environ = []string{"MINTMARK_LISTEN=127.0.0.1:2", "MINTMARK_DATA=from-environment", "MINTMARK_CONFIG=" + path, "HOME=/nowhere"}
	c, problems := Load(from)
	if problems != nil {
		t.Fatal(problems)
	}
	if c.Listen != "127.0.0.1:3" || c.Data != "from-environment" || c.LogLevel != "debug" {
		t.Errorf("%+v", c)
	}
	for name, source := range map[string]string{
		"listen": "--listen", "data": "MINTMARK_DATA", "log.level": "mintmark.toml:5", "issuer": "default", "nothing": "",
	} {
		if got := c.Source(name); got != source {
			t.Errorf("%s is from %q, not %q", name, got, source)
		}
	}
}

func TestTheFileOfTheFlagWinsOverTheOneOfTheEnvironment(t *testing.T) {
	c, problems := Load(Sources{
		File:    written(t, "a.toml", `data = "a"`),
		Environ: []string{"MINTMARK_CONFIG=" + written(t, "b.toml", `data = "b"`)},
	})
	if problems != nil || c.Data != "a" {
		t.Errorf("%q, %v", c.Data, problems)
	}
}

func TestEverySettingCanComeFromTheFileAndTheEnvironment(t *testing.T) {
	for _, name := range Names() {
		sample := "sample"
		switch {
		case strings.HasPrefix(name, "lifetimes."):
			sample = "29s"
		case name == "listen":
			sample = "127.0.0.1:2"
		case name == "trusted_proxy", name == "trusted_network":
			sample = "10.0.0.0/8"
		case name == "log.level":
			sample = "warn"
		case name == "log.format":
			sample = "json"
		case name == "password.policy":
			sample = "nist"
		case name == "registration":
			sample = "token"
		case name == "registration_limit":
			sample = "7"
		case name == "registration_keep":
			sample = "2h"
		case name == "test_mode":
			sample = "true"
		}
		for source, from := range map[string]Sources{
			"a.toml:1":        {File: written(t, "a.toml", name+` = "`+sample+`"`)},
			variable(name):    {Environ: []string{variable(name) + "=" + sample}},
			"--" + Flag(name): flags(name, sample),
		} {
			c, _ := Load(from)
			i := slices.IndexFunc(c.Effective(), func(e Effective) bool { return e.Name == name })
			if got := c.Effective()[i]; got.Value != sample || got.Source != source {
				t.Errorf("%s from %s: %+v", name, source, got)
			}
		}
	}
}

func TestListsRepeatOrTakeCommas(t *testing.T) {
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("fd00::/8")}
	for name, from := range map[string]Sources{
		"flags": flags("trusted_proxy", "10.1.2.3/8,192.0.2.1", "trusted_proxy", "fd00::/8"),
		"array": {File: written(t, "a.toml", `trusted_proxy = ["10.1.2.3/8", "192.0.2.1", "fd00::/8"]`)},
		"text":  {Environ: []string{"MINTMARK_TRUSTED_PROXY=10.1.2.3/8, 192.0.2.1,fd00::/8"}},
	} {
		c, problems := Load(from)
		if problems != nil || !slices.Equal(c.TrustedProxy, want) {
			t.Errorf("%s: %v, %v", name, c.TrustedProxy, problems)
		}
	}
}

func TestAnIssuerThatNobodyChoseFollowsThePort(t *testing.T) {
	c, problems := Load(flags("listen", "127.0.0.1:0"))
	if problems != nil || c.Issuer != "http://localhost:0" {
		t.Fatalf("%s, %v", c.Issuer, problems)
	}
	c.FollowPort("127.0.0.1:4711")
	if shown := c.Effective()[1]; c.Issuer != "http://localhost:4711" || shown.Value != c.Issuer {
		t.Errorf("%s, shown as %+v", c.Issuer, shown)
	}
	c, _ = Load(flags("issuer", "http://localhost:8484", "listen", "127.0.0.1:0"))
	if c.FollowPort("127.0.0.1:4711"); c.Issuer != "http://localhost:8484" {
		t.Errorf("a chosen one became %s", c.Issuer)
	}
}

func TestTheKeyItselfIsNeverShown(t *testing.T) {
	c, problems := Load(Sources{Environ: []string{"MINTMARK_KEK=c2VjcmV0"}})
	if problems != nil || c.KEK != "c2VjcmV0" {
		t.Fatalf("%q, %v", c.KEK, problems)
	}
	for _, e := range c.Effective() {
		if strings.Contains(e.Value, "c2Vj") {
			t.Errorf("%+v", e)
		}
	}
	if slices.Contains(Names(), "kek") {
		t.Error("a flag would show the key to everybody who can list processes")
	}
}

func TestATrustedProxyOrCertificatesMakeAnHTTPSIssuerWhole(t *testing.T) {
	cert, key := certificate(t)
	for name, from := range map[string]Sources{
		"certificates": flags("issuer", "https://id.example.com", "tls_cert", cert, "tls_key", key, "listen", ":443"),
		"proxy":        flags("issuer", "https://id.example.com/tenant", "trusted_proxy", "10.0.0.7", "listen", "0.0.0.0:8484"),
		"loopback":     flags("issuer", "http://[::1]:8484", "listen", "[::1]:0"),

		"administration with a certificate of its own": flags("admin_listen", ":8485", "admin_tls_cert", cert, "admin_tls_key", key),
		"administration with that of the issuer":       flags("issuer", "https://id.example.com", "tls_cert", cert, "tls_key", key, "listen", ":443", "admin_listen", ":8485"),
		"administration on loopback":                   flags("admin_listen", "[::1]:8485"),
		"a clock that can be moved, over https":        flags("issuer", "https://localhost:8484", "tls_cert", cert, "tls_key", key, "test_mode", "true"),

		"certificates of clients, with a certificate of its own": flags("mtls_listen", ":8443", "mtls_origin", "https://mtls.id.example.com:8443", "mtls_tls_cert", cert, "mtls_tls_key", key, "mtls_ca", cert),
		"certificates of clients, with that of the issuer": flags("issuer", "https://id.example.com", "tls_cert", cert, "tls_key", key, "listen", ":443",
			"mtls_listen", ":8443", "mtls_origin", "https://id.example.com:8443"),
		"certificates of clients from a proxy":            flags("issuer", "https://id.example.com", "trusted_proxy", "10.0.0.7", "mtls_proxy", "true"),
		"certificates of clients from a proxy, elsewhere": flags("issuer", "https://id.example.com", "trusted_proxy", "10.0.0.7", "mtls_proxy", "true", "mtls_origin", "https://mtls.id.example.com", "mtls_ca", cert),
	} {
		if _, problems := Load(from); problems != nil {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// problemTable: what is given, and parts of the one problem that it makes.
var problemTable = []struct {
	name string
	from func(t *testing.T) Sources
	want []string
}{
	{"no port", given("listen", "127.0.0.1"), []string{`listen (--listen): "127.0.0.1" is no address`, "host:port"}},
	{"port too high", given("listen", "127.0.0.1:65536"), []string{`"65536" is no port`}},
	{"a name to listen on", given("listen", "id.example.com:80"), []string{`"id.example.com" is no IP address`}},
	{"given twice", given("data", "a", "data", "b"), []string{"data (--data): there are 2 values"}},
	{"empty", given("data", ""), []string{"data (--data): it is empty"}},
	{"http elsewhere", given("issuer", "http://id.example.com"), []string{"issuer (--issuer):", "plain http", "https://id.example.com"}},
	{"no address", given("issuer", "id.example.com"), []string{`"id.example.com" is no https address`}},
	{"another scheme", given("issuer", "ftp://localhost"), []string{`is no https address`}},
	{"not parsed", given("issuer", "http://[::1"), []string{`is no https address`}},
	{"https alone", given("issuer", "https://id.example.com"), []string{"issuer (--issuer):", "nothing here speaks it", "tls_cert and tls_key, or trusted_proxy"}},
	{"http in the open", given("listen", "0.0.0.0:8484"), []string{"listen (--listen):", "can be reached from outside"}},
	{"http on all", given("listen", ":8484"), []string{"can be reached from outside"}},
	{"key alone", given("issuer", "https://a.example", "tls_key", "k"), []string{"tls_cert (default):", "tls_key is set"}},
	{"certificate alone", given("issuer", "https://a.example", "tls_cert", "c"), []string{"tls_key (default):", "tls_cert is set"}},
	{"no such files", given("issuer", "https://a.example", "tls_cert", "/nowhere/c", "tls_key", "/nowhere/k"), []string{"tls_cert (--tls-cert): reading /nowhere/c: no such file"}},
	{"no address of PostgreSQL", given("database", "postgres://ana:geheim%zz@db/mintmark"), []string{"database (--database): it is no address of a database", "postgres://user@host"}},
	{"another database", given("database", "mysql://db/mintmark"), []string{"\"mysql\" names no database that this release knows", "postgres://"}},
	{"another database", given("database", "mysql://db"), []string{`"mysql" names no database`}},
	{"everybody's proxy", given("trusted_proxy", "0.0.0.0/0"), []string{"trusted_proxy (--trusted-proxy):", "anybody"}},
	{"everybody's network", given("trusted_network", "::/0"), []string{"trusted_network (--trusted-network):", "whatever it can reach"}},
	{"no network", given("trusted_proxy", "10.0.0.0/8,proxy"), []string{`"proxy" is no network`}},
	{"registration by the few", given("registration", "some"), []string{`registration (--registration): "some" is no choice`, "off, token, open"}},
	{"none at all an hour", given("registration_limit", "0"), []string{`registration_limit (--registration-limit): "0" is no such number`, "from 1 to 1000000"}},
	{"another policy", given("password.policy", "none"), []string{`password.policy (--password-policy): "none" is no choice`, "default, nist"}},
	{"no duration", given("lifetimes.access_ttl", "15"), []string{`lifetimes.access_ttl (--lifetimes-access-ttl): "15" is no duration`}},
	{"beyond the longest", given("lifetimes.access_ttl", "25h"), []string{"25h is out of bounds", "from 1s to 1d"}},
	{"a code of two minutes", given("lifetimes.code_ttl", "2m"), []string{"2m is out of bounds", "to 1m"}},
	{"parts of a second", given("lifetimes.id_ttl", "1500ms"), []string{"whole seconds"}},
	{"negative", given("lifetimes.retry_window", "-1s"), []string{"out of bounds"}},
	{"idle beyond absolute", given("lifetimes.refresh_idle", "91d"), []string{"lifetimes.refresh_idle", "91d is longer than lifetimes.refresh_absolute, 90d"}},
	{"session likewise", given("lifetimes.session_absolute", "1h"), []string{"lifetimes.session_idle (default): 12h is longer"}},
	{"no such key file", given("kek_file", "/nowhere/kek"), []string{"kek_file (--kek-file): reading /nowhere/kek"}},
	{"level", given("log.level", "loud"), []string{`log.level (--log-level): "loud" is no choice`}},
	{"a test mode of sorts", given("test_mode", "maybe"), []string{`test_mode (--test-mode): "maybe" is no choice`, "true, false"}},
	{"a clock that can be moved in production", given("test_mode", "true", "issuer", "https://id.example", "trusted_proxy", "10.0.0.7"), []string{"test_mode (--test-mode):", "others may rely on", "issuer on loopback"}},
	{"a clock that can be moved from outside", given("test_mode", "true", "issuer", "https://localhost:8484", "listen", "0.0.0.0:8484", "trusted_proxy", "10.0.0.7"), []string{"test_mode (--test-mode):", `"0.0.0.0:8484" can be reached from outside`}},
	{"data is a file", func(t *testing.T) Sources { return flags("data", written(t, "data", "")) }, []string{"is a file; name a directory"}},
	{"below a file", func(t *testing.T) Sources { return flags("data", written(t, "data", "")+"/below") }, []string{"data (--data): looking at"}},
	{"no key pair", func(t *testing.T) Sources {
		cert, _ := certificate(t)
		_, key := certificate(t)
		return flags("issuer", "https://a.example", "tls_cert", cert, "tls_key", key)
	}, []string{"tls_cert (--tls-cert):", "private key does not match"}},
	{"TLS without https", func(t *testing.T) Sources {
		cert, key := certificate(t)
		return flags("tls_cert", cert, "tls_key", key)
	}, []string{"issuer (default):", "the server would speak TLS"}},
	{"tokens in the clear", given("admin_listen", "0.0.0.0:8485"), []string{"admin_listen (--admin-listen):", "can be reached from outside", "set admin_tls_cert and admin_tls_key"}},
	{"tokens in the clear behind a proxy", given("admin_listen", ":8485", "issuer", "https://a.example", "trusted_proxy", "10.0.0.7"), []string{"admin_listen (--admin-listen):", "in the clear"}},
	{"administration where the public is", given("admin_listen", "127.0.0.1:8484"), []string{"admin_listen (--admin-listen):", "is the port of listen"}},
	{"administration where metrics are", given("admin_listen", "127.0.0.1:9464", "metrics_listen", "127.0.0.1:9464"), []string{"admin_listen (--admin-listen):", "is the port of metrics_listen"}},
	{"a certificate of no listener", given("admin_tls_cert", "c", "admin_tls_key", "k"), []string{"admin_listen (default): it is not set"}},
	{"half a pair", given("admin_listen", "127.0.0.1:0", "admin_tls_cert", "c"), []string{"admin_tls_key (default): admin_tls_cert is set"}},
	{"the other half", given("admin_listen", "127.0.0.1:0", "admin_tls_key", "k"), []string{"admin_tls_cert (default): admin_tls_key is set"}},
	{"a pair that is not there", given("admin_listen", ":0", "admin_tls_cert", "/nowhere/c", "admin_tls_key", "/nowhere/k"), []string{"admin_tls_cert (--admin-tls-cert): reading /nowhere/c"}},
	{"certificates of clients without TLS", given("mtls_listen", ":8443", "mtls_origin", "https://a.example"), []string{"mtls_listen (--mtls-listen):", "there is no certificate for it", "mtls_tls_cert and mtls_tls_key"}},
	{"certificates of clients from outside, in test mode", withPair("mtls_listen", ":8443", "mtls_origin", "https://a.example", "test_mode", "true"), []string{"mtls_listen (--mtls-listen):", "the clock can be moved"}},
	{"certificates of clients that none would find", withPair("mtls_listen", ":8443"), []string{"mtls_origin (default): it is not set", "would not find mtls_listen"}},
	{"half a pair for them", given("mtls_listen", ":8443", "mtls_origin", "https://a.example", "mtls_tls_cert", "c"), []string{"mtls_tls_key (default): mtls_tls_cert is set"}},
	{"the other half for them", given("mtls_listen", ":8443", "mtls_origin", "https://a.example", "mtls_tls_key", "k"), []string{"mtls_tls_cert (default): mtls_tls_key is set"}},
	{"a pair for them and no listener", given("mtls_tls_cert", "c", "mtls_tls_key", "k"), []string{"mtls_listen (default): it is not set"}},
	{"certificates of clients where browsers go", withPair("mtls_listen", "127.0.0.1:8484", "mtls_origin", "https://a.example"), []string{"mtls_listen (--mtls-listen):", "is the port of listen", "browsers"}},
	{"an origin with a path", withPair("mtls_listen", ":8443", "mtls_origin", "https://a.example/"), []string{"mtls_origin (--mtls-origin):", "is no https origin"}},
	{"an origin in the clear", withPair("mtls_listen", ":8443", "mtls_origin", "http://a.example"), []string{"is no https origin"}},
	{"an origin in capitals", withPair("mtls_listen", ":8443", "mtls_origin", "https://A.example"), []string{"in small letters"}},
	{
		"the issuer's own origin",
		given("issuer", "https://id.example", "trusted_proxy", "10.0.0.7", "mtls_proxy", "true", "mtls_origin", "https://id.example:443"),
		[]string{"mtls_origin (--mtls-origin):", "is the issuer's own"},
	},
	{"an origin without certificates", given("mtls_origin", "https://a.example"), []string{"mtls_origin (--mtls-origin): no connection here shows a certificate"}},
	{"authorities without certificates", given("mtls_ca", "/nowhere/ca"), []string{"mtls_ca (--mtls-ca): no connection here shows a certificate"}},
	{"no such authorities", withPair("mtls_listen", ":8443", "mtls_origin", "https://a.example", "mtls_ca", "/nowhere/ca"), []string{"mtls_ca (--mtls-ca): reading /nowhere/ca"}},
	{"authorities that are none", func(t *testing.T) Sources {
		return withPair("mtls_listen", ":8443", "mtls_origin", "https://a.example", "mtls_ca", written(t, "ca.pem", "nobody"))(t)
	}, []string{"mtls_ca (--mtls-ca):", "holds no certificate"}},
	{"certificates from nobody's proxy", given("mtls_proxy", "true"), []string{"mtls_proxy (--mtls-proxy): there is no trusted proxy"}},
	{"the key twice", func(t *testing.T) Sources {
		return Sources{Environ: []string{"MINTMARK_KEK=x", "MINTMARK_KEK_FILE=" + written(t, "kek", "x")}}
	}, []string{"kek (MINTMARK_KEK): the key is given twice"}},
	{"a variable misspelt", environ("MINTMARK_TRUSTED_PROXIES=10.0.0.1"), []string{"MINTMARK_TRUSTED_PROXIES (environment): there is no such setting; did you mean MINTMARK_TRUSTED_PROXY?"}},
	{"a strange variable", environ("MINTMARK_COFFEE=1"), []string{"MINTMARK_COFFEE (environment): there is no such setting", "config check"}},
	{"a key misspelt", inFile("\nlisten='127.0.0.1:1'\n\nisuer = 'x'"), []string{"isuer (a.toml:4): there is no such setting; did you mean issuer?"}},
	{"a strange table", inFile("[web]\nport = 1\n[web.more]\na = 1"), []string{"web (a.toml:1): there is no such setting"}},
	{"a strange key in a table", inFile("[log]\n\ncolour = 'red'"), []string{"log.colour (a.toml:3): there is no such setting"}},
	{"tables in a row", inFile("[[log]]\nlevel = 'info'"), []string{"log (a.toml:1): there is no such setting"}},
	{"a number", inFile("\ndata = 7"), []string{"data (a.toml:2): it is not text; put it in quotes"}},
	{"a list of numbers", inFile("trusted_proxy = [1]"), []string{"trusted_proxy (a.toml:1): it is not text"}},
	{"a table for a value", inFile("[data]\npath = 'x'"), []string{"data (a.toml:1): it is not text"}},
	{"the key in the file", inFile("kek = 'x'"), []string{"kek (a.toml:1): the key itself does not belong into this file; use kek_file or MINTMARK_KEK"}},
	{"no TOML", inFile("data = 'x'\nlisten"), []string{"config (a.toml:2):", "mend the TOML"}},
	{"no such file", func(*testing.T) Sources { return Sources{File: "/nowhere/a.toml"} }, []string{"config (--config): reading /nowhere/a.toml: no such file"}},
	{"no such file either", environ("MINTMARK_CONFIG=/nowhere/a.toml"), []string{"config (MINTMARK_CONFIG): reading /nowhere/a.toml"}},
	{"bad value in the file", inFile("[lifetimes]\naccess_ttl = 'soon'"), []string{`lifetimes.access_ttl (a.toml:2): "soon" is no duration`}},
}

func given(pairs ...string) func(*testing.T) Sources {
	return func(*testing.T) Sources { return flags(pairs...) }
}

// withPair is given with a key pair for the connections that may show a certificate.
func withPair(pairs ...string) func(*testing.T) Sources {
	return func(t *testing.T) Sources {
		cert, key := certificate(t)
		return flags(append(pairs, "mtls_tls_cert", cert, "mtls_tls_key", key)...)
	}
}

func environ(pairs ...string) func(*testing.T) Sources {
	return func(*testing.T) Sources { return Sources{Environ: pairs} }
}

func inFile(content string) func(*testing.T) Sources {
	return func(t *testing.T) Sources {
		t.Helper()
		return Sources{File: written(t, "a.toml", content)}
	}
}

func TestEachProblemNamesItsSettingItsSourceAndAWayOut(t *testing.T) {
	for _, c := range problemTable {
		t.Run(c.name, func(t *testing.T) {
			_, problems := Load(c.from(t))
			if len(problems) != 1 {
				t.Fatalf("%d problems:\n%v", len(problems), problems)
			}
			for _, part := range c.want {
				if got := problems.Error(); !strings.Contains(got, part) {
					t.Errorf("%q is not in\n%s", part, got)
				}
			}
			if p := problems[0]; p.Setting == "" || p.Source == "" || p.Wrong == "" || p.Do == "" {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestAllProblemsAreFoundAtOnce(t *testing.T) {
	from := flags("listen", "nowhere", "issuer", "http://id.example.com", "log.level", "loud")
	from.Environ = []string{"MINTMARK_COFFEE=1", "MINTMARK_DATABASE=mysql://x"}
	from.File = written(t, "a.toml", "tea = 1\n[lifetimes]\ncode_ttl = '1h'\n")
	_, problems := Load(from)
	for _, name := range []string{"listen", "issuer", "log.level", "MINTMARK_COFFEE", "database", "tea", "lifetimes.code_ttl"} {
		if !problems.Has(name) {
			t.Errorf("nothing about %s in\n%v", name, problems)
		}
	}
	if len(problems) != 7 {
		t.Errorf("%d problems:\n%v", len(problems), problems)
	}
}

func TestVariablesOfTheWorkshopAreNoSettings(t *testing.T) {
	if _, problems := Load(Sources{Environ: []string{"MINTMARK_BINARY=/x", "MINTMARK_TOOLS=/y"}}); problems != nil {
		t.Error(problems)
	}
}

func TestDurationsHaveDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "0s": 0, "3650d": 3650 * day,
	} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := ParseDuration(FormatDuration(got)); err != nil || again != got {
			t.Errorf("%s is written %s", text, FormatDuration(got))
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "1d-1h", "1dx", "99999d", "30", "soon"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
