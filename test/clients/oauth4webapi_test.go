//go:build external

package clients

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// goodbye is where a logout leads; like callback, nothing listens there.
const goodbye = "http://127.0.0.1:9/goodbye"

// relyingParty is what testdata/relying-party.mjs is told about itself.
type relyingParty struct {
	Issuer       string            `json:"issuer"`
	ClientID     string            `json:"client_id"`
	ClientSecret string            `json:"client_secret,omitempty"`
	PrivateJWK   map[string]string `json:"private_jwk,omitempty"`
	Method       string            `json:"method"`
	Alg          string            `json:"alg"`
	Callback     string            `json:"callback"`
	Goodbye      string            `json:"goodbye"`
	API          string            `json:"api"`
	Sub          string            `json:"sub"`
	Email        string            `json:"email"`
	Initial      string            `json:"initial_access_token,omitempty"`

	Certificate *shown `json:"certificate,omitempty"` // that it shows on its connections
	Another     *shown `json:"another,omitempty"`
	Thumbprint  string `json:"thumbprint,omitempty"` // of the first
	CA          string `json:"ca,omitempty"`         // who vouches for the server

	script string // empty: relying-party.mjs
	rotate func() // lets the next keys sign; nil: the script does not ask for it
}

// TestOAuth4WebAPIDoesAllThatItCan runs the relying party under Node, and holds
// it to having done every step.
func TestOAuth4WebAPIDoesAllThatItCan(t *testing.T) {
	const api = "https://api.example.com"
	everybody := []string{
		"discovery",
		"code with PKCE, state, iss and nonce",
		"userinfo",
		"an API takes the access token by RFC 9068",
		"an API takes the access token with jose",
		"refresh",
		"introspection",
		"logout with id_token_hint",
		"prompt=none says that nobody is signed in",
		"revocation of an access token",
		"revocation of a refresh token",
		"a code that was used",
		"a wrong verifier",
		"client_credentials",
		"a wrong secret",
	}
	notPublic := []string{"introspection", "client_credentials", "a wrong secret"} // RFC 7662 §2.1, RFC 6749 §4.4

	s := server.Start(t)
	s.NewResource(api, "--scope", "orders:read")
	for _, c := range []struct{ method, alg string }{
		{"client_secret_basic", "ES256"},
		{"client_secret_post", "RS256"},
		{"private_key_jwt", "RS256"},
		{"none", "ES256"},
	} {
		t.Run(c.method, func(t *testing.T) {
			grants, steps := "authorization_code,refresh_token,client_credentials", everybody
			if c.method == "none" {
				grants = "authorization_code,refresh_token"
				steps = slices.DeleteFunc(slices.Clone(everybody), func(step string) bool { return slices.Contains(notPublic, step) })
			}
			flags := []string{
				"--grant", grants, "--auth-method", c.method, "--id-token-alg", c.alg,
				"--redirect-uri", callback, "--post-logout-redirect-uri", goodbye,
				"--scope", "openid,profile,email,orders:read", "--resource", api,
			}
			var key map[string]string
			if c.method == "private_key_jwt" {
				var set string
				key, set = ownKey(t)
				flags = append(flags, "--jwks", set, "--require-signed-request-object")
			}
			client := s.NewClient("JavaScript app", flags...)
			user := s.NewUser(c.method + "@example.com")
			relyingParty{
				Issuer: s.Issuer, ClientID: client.ClientID, ClientSecret: client.ClientSecret, PrivateJWK: key,
				Method: c.method, Alg: c.alg, Callback: callback, Goodbye: goodbye, API: api, Sub: user.Sub, Email: user.Email,
			}.does(t, person.New(t, s.Issuer, user), steps...)
		})
	}
}

// ownKey is a private key of a client's own, and a file with the set of its public
// half.
func ownKey(t *testing.T) (private map[string]string, set string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	public := map[string]string{"kty": "EC", "crv": "P-256", "kid": "own", "x": encode(point[1:33]), "y": encode(point[33:])}
	text, err := json.Marshal(map[string]any{"keys": []any{public}})
	if err != nil {
		t.Fatal(err)
	}
	set = filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(set, text, 0o600); err != nil {
		t.Fatal(err)
	}
	private = maps.Clone(public)
	private["d"] = encode(scalar)
	return private, set
}

// does holds the script to the steps that it has to do.
func (r relyingParty) does(t *testing.T, p *person.Person, steps ...string) {
	t.Helper()
	if done := r.run(t, p); !slices.Equal(done, steps) {
		t.Errorf("done:\n%s\nexpected:\n%s", strings.Join(done, "\n"), strings.Join(steps, "\n"))
	}
}

// run runs the script with a person in front of its browser, and gives the steps
// that it has done.
func (r relyingParty) run(t *testing.T, p *person.Person) (done []string) {
	t.Helper()
	told, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var problems bytes.Buffer
	script := r.script
	if script == "" {
		script = "relying-party.mjs"
	}
	program := "node"
	if strings.HasSuffix(script, ".py") {
		program = filepath.Join(".venv", "bin", "python")
	}
	process := exec.CommandContext(t.Context(), program, script)
	process.Dir = "testdata"
	process.Env = append(process.Environ(), "MINTMARK_CLIENT="+string(told))
	process.Stderr = &problems
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	done = r.browse(t, p, out, in)
	if err := process.Wait(); err != nil {
		t.Errorf("the relying party failed after the steps %q: %v\n%s", done, err, problems.String())
	}
	return done
}

// browse is the browser of a script, and its operator, until the script ends.
func (r relyingParty) browse(t *testing.T, p *person.Person, asked io.Reader, answer io.Writer) (done []string) {
	t.Helper()
	for lines := bufio.NewScanner(asked); lines.Scan(); {
		switch word, rest, _ := strings.Cut(lines.Text(), " "); word {
		case "open":
			if _, err := fmt.Fprintln(answer, p.Open(rest)); err != nil {
				t.Errorf("answering the script: %v", err)
			}
		case "rotate":
			r.rotate()
			if _, err := fmt.Fprintln(answer, "rotated"); err != nil {
				t.Errorf("answering the script: %v", err)
			}
		case "done":
			done = append(done, rest)
		default:
			t.Errorf("the script said %q", lines.Text())
		}
	}
	return done
}
