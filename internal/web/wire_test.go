package web

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

var rewrite = flag.Bool("rewrite", false, "write what the server answers into testdata")

// canary stands in every request that is refused: nothing of it may come back.
const canary = "c4nary"

// verifier is the secret of every code challenge here. RFC 7636 appendix B.
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// TestBytesOnTheWire holds each exchange under testdata to its bytes. A file is
// a conversation with a fresh server:
//
//	! issuer URL   what it runs as, http://localhost:8484 if not said
//	! sign-up      strangers may make accounts
//	! ana          there is a user, ana@example.com
//	! rsa          the key of every algorithm is there
//	! registration MODE N  who may register clients, and how many of a network
//	! initial      {initial} is a token with which one client may register
//	! broken       the database is gone
//	! from ADDR    the next request comes from this address of the loopback
//	> ...          a request; lines of its body are joined
//	< ...          the answer
//	= ...          its line in the log
//
// In a request {name} stands for what an earlier answer gave or the world knows.
// In an answer what changes with every run is <named>, the headers that every
// page and every answer in JSON has are told once, and a page is its title and
// what has an id. Run with -rewrite, then read the difference.
func TestBytesOnTheWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := converse(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// conversation is one file on its way.
type conversation struct {
	*world
	t      *testing.T // also before there is a world
	issuer string
	from   string
	policy []func(*decide.Policy)
	known  map[string]string
	jar    map[string]string
	hidden []string // what must not be in the log
	out    strings.Builder
}

func converse(t *testing.T, script string) string {
	c := &conversation{t: t, issuer: "http://localhost:8484", known: map[string]string{}, jar: map[string]string{}}
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "! "):
			c.directive(strings.Fields(line[2:]))
			c.out.WriteString(line + "\n")
		case strings.HasPrefix(line, ">"):
			start := i
			for i+1 < len(lines) && strings.HasPrefix(lines[i+1], ">") {
				i++
			}
			c.exchange(lines[start : i+1])
		case strings.HasPrefix(line, "<"), strings.HasPrefix(line, "="):
		default:
			c.out.WriteString(line + "\n")
		}
	}
	c.logKeepsSecrets()
	return c.out.String()
}

func (c *conversation) directive(words []string) {
	c.t.Helper()
	switch {
	case words[0] == "issuer" && c.world == nil:
		c.issuer = words[1]
	case words[0] == "registration" && c.world == nil:
		most, _ := strconv.ParseInt(words[2], 10, 64)
		c.policy = append(c.policy, func(p *decide.Policy) {
			p.Registration.Mode, p.Registration.PerNetwork = decide.RegistrationMode(words[1]), most
		})
	case words[0] == "initial":
		c.begin()
		made, err := c.engine.CreateInitialToken(c.t.Context(), engine.InitialTokenForm{Name: "one", TTL: 60, Most: 1})
		if err != nil {
			c.t.Fatal(err)
		}
		c.known["initial"] = made.Token
		c.hide(made.Token)
	case words[0] == "sign-up" && c.world == nil:
		c.policy = append(c.policy, func(p *decide.Policy) { p.SignUp = true })
	case words[0] == "ana":
		c.begin()
		c.addAna()
	case words[0] == "rsa":
		c.begin()
		c.addSigner("https://rsa.example", "RS256")
	case words[0] == "broken":
		c.begin()
		_ = c.store.Close()
	case words[0] == "from":
		c.from = words[1]
	default:
		c.t.Fatalf("what is %q?", words)
	}
}

// begin starts the server when it is first needed.
func (c *conversation) begin() {
	if c.world == nil {
		c.world = newWorld(c.t, c.issuer, c.policy...)
		c.hide(c.setup, password, "ana@example.com")
	}
}

func (c *conversation) hide(secrets ...string) {
	for _, s := range secrets {
		if s != "" {
			c.hidden = append(c.hidden, s)
		}
	}
}

// exchange sends one request over a connection of its own.
func (c *conversation) exchange(script []string) {
	c.t.Helper()
	c.begin()
	var head, body []string
	inBody := false
	for _, line := range script {
		c.out.WriteString(line + "\n")
		line = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
		switch {
		case inBody:
			body = append(body, c.expand(line))
		case line == "":
			inBody = true
		default:
			head = append(head, c.expand(line))
		}
	}
	raw := c.send(complete(head, strings.Join(body, ""), c.host()))
	if strings.Contains(strings.ToLower(raw), canary) {
		c.t.Errorf("%s: the answer echoes the request:\n%s", head[0], raw)
	}
	c.learn(raw, len(c.jar) == 0 || slices.Contains(script, "> Cookie: {jar}"))
	c.out.WriteString(prefixed("<", c.shown(raw)))
	c.out.WriteString(prefixed("=", masked(<-c.log.requests)))
}

func (c *conversation) host() string {
	_, rest, _ := strings.Cut(c.issuer, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// complete adds what every client would send.
func complete(head []string, body, host string) string {
	has := func(name string) bool {
		for _, line := range head[1:] {
			if strings.HasPrefix(line, name+":") {
				return true
			}
		}
		return false
	}
	if !has("Host") {
		head = append(head, "Host: "+host)
	}
	if strings.HasPrefix(head[0], "POST") || strings.HasPrefix(head[0], "PUT") && body != "" {
		if !has("Content-Length") && !has("Transfer-Encoding") {
			head = append(head, "Content-Length: "+strconv.Itoa(len(body)))
		}
		if !has("Content-Type") && body != "" {
			head = append(head, "Content-Type: application/x-www-form-urlencoded")
		}
	}
	return strings.Join(head, "\r\n") + "\r\n\r\n" + body
}

// send returns the answer byte for byte.
func (c *conversation) send(request string) string {
	c.t.Helper()
	conn := c.dial(c.from)
	c.from = ""
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		c.t.Fatal(err)
	}
	var raw bytes.Buffer
	method, _, _ := strings.Cut(request, " ")
	answer, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("%v after %q", err, raw.String())
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		c.t.Fatal(err)
	}
	return raw.String()
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)(?::([^}]*))?\}`)

// expand puts in what the script only names.
func (c *conversation) expand(line string) string {
	return placeholder.ReplaceAllStringFunc(line, func(name string) string {
		parts := placeholder.FindStringSubmatch(name)
		switch parts[1] {
		case "basic":
			id, _, _ := strings.Cut(parts[2], "/")
			return base64.StdEncoding.EncodeToString([]byte(id + ":" + c.secrets[id]))
		case "base":
			return base64.StdEncoding.EncodeToString([]byte(parts[2]))
		case "secret":
			return c.secrets[parts[2]]
		case "setup":
			return c.setup
		case "crlf":
			return "\r\n"
		case "verifier":
			return verifier
		case "challenge":
			return oauth.ChallengeOf(verifier)
		case "long":
			n, _ := strconv.Atoi(parts[2])
			return strings.Repeat("x", n)
		case "jar":
			var pairs []string
			for _, name := range []string{"mintmark_browser", "mintmark_session", "mintmark_language", "__Host-mintmark_browser", "__Host-mintmark_session"} {
				if c.jar[name] != "" {
					pairs = append(pairs, name+"="+c.jar[name])
				}
			}
			return strings.Join(pairs, "; ")
		}
		value, ok := c.known[parts[1]]
		if !ok {
			c.t.Fatalf("nothing is known of %s yet after\n%s", name, c.out.String())
		}
		return value
	})
}

// learned is what an answer gives to later requests, by the name for it.
var learned = map[string]*regexp.Regexp{
	"code":        regexp.MustCompile(`[?&]code=([^&\s]+)`),
	"interaction": regexp.MustCompile(`interaction=([\w-]+)`),
	"form":        regexp.MustCompile(`name="form_token" value="([^"]+)"`),
	"user":        regexp.MustCompile(`name="user" value="([^"]+)"`),
	"access":      regexp.MustCompile(`"access_token":"([^"]+)"`),
	"refresh":     regexp.MustCompile(`"refresh_token":"([^"]+)"`),
	"id_token":    regexp.MustCompile(`"id_token":"([^"]+)"`),
	"etag":        regexp.MustCompile(`(?m)^Etag: (\S+)`),
	"registered":  regexp.MustCompile(`"client_id":"([^"]+)"`),
	"managing":    regexp.MustCompile(`"registration_access_token":"([^"]+)"`),
	"mcs":         regexp.MustCompile(`"client_secret":"([^"]+)"`),
	"sid":         regexp.MustCompile(`name="session" value="([^"]+)"`),
	"style":       regexp.MustCompile(`href="([^"]*/assets/[0-9a-f]+\.css)"`),
}

var setCookie = regexp.MustCompile(`(?m)^Set-Cookie: ([^=]+)=([^;]*);`)

// learn keeps what an answer gives, and its cookies if it went to our browser.
func (c *conversation) learn(raw string, ours bool) {
	for name, pattern := range learned {
		if found := pattern.FindStringSubmatch(raw); found != nil {
			c.known[name] = found[1]
			if name != "etag" && name != "style" && name != "sid" && name != "registered" {
				c.hide(found[1])
			}
		}
	}
	for _, found := range setCookie.FindAllStringSubmatch(raw, -1) {
		if !strings.HasSuffix(found[1], languageCookie) { // nothing to hide
			c.hide(found[2])
		}
		if ours {
			c.jar[found[1]] = found[2]
		}
	}
}

// logKeepsSecrets: nothing that opens anything is in the log, nor an e-mail
// address, nor what was refused.
func (c *conversation) logKeepsSecrets() {
	log := c.log.String()
	for _, secret := range append(c.hidden, canary) {
		if strings.Contains(strings.ToLower(log), strings.ToLower(secret)) {
			c.t.Errorf("the log has %q", secret)
		}
	}
}

func prefixed(mark, text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		b.WriteString(strings.TrimRight(mark+" "+line, " ") + "\n")
	}
	return b.String()
}

// shown is an answer as the file has it.
func (c *conversation) shown(raw string) string {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	length := -1
	for i, line := range lines {
		if name, value, _ := strings.Cut(line, ": "); name == "Content-Length" {
			length, _ = strconv.Atoi(value)
			if masked(body) != body || strings.HasPrefix(body, "<!doctype") || strings.Contains(head, "text/css") {
				lines[i] = "Content-Length: <right>"
			}
		}
	}
	if length >= 0 && length != len(body) && body != "" {
		c.t.Errorf("Content-Length is %d, the body has %d bytes", length, len(body))
	}
	text := strings.Join(collapse(lines), "\n")
	if strings.HasPrefix(body, "<!doctype") {
		body = outline(body)
	}
	return masked(text + "\n\n" + body)
}

// The headers that answers of one kind share.
var shared = map[string][]string{
	"[as every answer in JSON]": {
		"Cache-Control: no-store",
		"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
		"Content-Type: application/json;charset=UTF-8",
		"Pragma: no-cache",
		"Referrer-Policy: no-referrer",
		"X-Content-Type-Options: nosniff",
	},
	"[as every page]": {
		"Cache-Control: no-store",
		"Content-Language: en",
		"Content-Type: text/html; charset=utf-8",
		"Cross-Origin-Opener-Policy: same-origin",
		"Cross-Origin-Resource-Policy: same-origin",
		"Permissions-Policy: accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
		"Referrer-Policy: no-referrer",
		"X-Content-Type-Options: nosniff",
		"X-Frame-Options: DENY",
	},
	"[as every redirect]": {
		"Cache-Control: no-store",
		"Content-Length: 0",
		"Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"Cross-Origin-Opener-Policy: same-origin",
		"Cross-Origin-Resource-Policy: same-origin",
		"Permissions-Policy: accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
		"Referrer-Policy: no-referrer",
		"X-Content-Type-Options: nosniff",
		"X-Frame-Options: DENY",
	},
}

// collapse tells shared headers by their name, if all of them are there. The
// language of a page is told where it is not English.
func collapse(lines []string) []string {
	lines = slices.Clone(lines)
	var language string
	for i, line := range lines {
		if other, ok := strings.CutPrefix(line, "Content-Language: "); ok && other != "en" {
			lines[i], language = "Content-Language: en", line
		}
	}
	present := map[string]bool{}
	for _, line := range lines {
		present[line] = true
	}
	for name, headers := range shared {
		all, in := true, map[string]bool{}
		for _, h := range headers {
			all, in[h] = all && present[h], true
		}
		if !all {
			continue
		}
		short := []string{lines[0], name}
		for _, line := range lines[1:] {
			if !in[line] {
				short = append(short, line)
			}
		}
		if language != "" {
			short = slices.Insert(short, 2, language)
		}
		return short
	}
	return lines
}

var (
	title   = regexp.MustCompile(`<title>([^<]*)</title>`)
	element = regexp.MustCompile(`<(\w+)([^>]*)>([^<]*)`)
	tags    = regexp.MustCompile(`<[^>]*>`)
	problem = regexp.MustCompile(`(?s)<div class="problem"[^>]*>(.*?)</div>`)
)

// outline is a page without its looks.
func outline(page string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[page %q]\n", title.FindStringSubmatch(page)[1])
	if found := problem.FindStringSubmatch(page); found != nil {
		fmt.Fprintf(&b, "problem: %s\n", strings.TrimSpace(tags.ReplaceAllString(found[1], "")))
	}
	for _, found := range element.FindAllStringSubmatch(page, -1) {
		id, name, value := attribute(found[2], "id"), attribute(found[2], "name"), attribute(found[2], "value")
		switch {
		case found[1] == "form":
			fmt.Fprintf(&b, "form %s %s\n", attribute(found[2], "method"), attribute(found[2], "action"))
		case strings.Contains(found[2], `type="hidden"`):
			fmt.Fprintf(&b, "  %s=%s\n", name, value)
		case strings.HasPrefix(id, "error-"):
			fmt.Fprintf(&b, "#%s: %s\n", id, found[3])
		case id != "" && value != "":
			fmt.Fprintf(&b, "  #%s %s=%s\n", id, name, value)
		case id != "" && name != "":
			fmt.Fprintf(&b, "  #%s %s\n", id, name)
		}
	}
	return b.String()
}

func attribute(tag, name string) string {
	found := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if found == nil {
		return ""
	}
	return found[1]
}
