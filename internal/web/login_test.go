package web

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// visitor is a browser at the sign-in page.
type visitor struct {
	*world
	cookie string
	token  string
}

func (w *world) atLogin() *visitor {
	w.t.Helper()
	answer := w.do(http.MethodGet, "/login", nil, "")
	cookie, _, _ := strings.Cut(answer.header.Get("Set-Cookie"), ";")
	return &visitor{world: w, cookie: cookie, token: learned["form"].FindStringSubmatch(answer.body)[1]}
}

func (b *visitor) signIn(identifier, password string) reply {
	b.t.Helper()
	return b.do(http.MethodPost, "/login", url.Values{
		pages.FieldToken: {b.token}, pages.FieldIdentifier: {identifier}, pages.FieldPassword: {password},
	}, b.cookie)
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do makes one request.
func (w *world) do(method, path string, form url.Values, cookie string) reply {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Host = w.engine.Issuer().Host()
	if form != nil {
		request.Header.Set("Content-Type", formType)
	}
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// ASVS 6.3.8, OWASP: valid users cannot be deduced from failed sign-ins.
func TestAnUnknownAccountAndAWrongPasswordGetTheSameBytes(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	w.addAna()
	b := w.atLogin()
	wire := func(identifier string) string {
		answer := b.signIn(identifier, "not this one")
		if answer.header.Get("Error-Reference") == "" || !strings.Contains(answer.body, identifier) {
			t.Fatalf("no refusal of %s: %+v", identifier, answer)
		}
		answer.header.Set("Error-Reference", strconv.Itoa(len(answer.header.Get("Error-Reference"))))
		answer.header.Del("Date")
		var raw strings.Builder
		if err := answer.header.Write(&raw); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(fmt.Sprintln(answer.status, raw.String(), answer.body), identifier, "whoever")
	}
	if known, unknown := wire("ana@example.com"), wire("bob@example.com"); known != unknown {
		t.Errorf("known:\n%s\nunknown:\n%s", known, unknown)
	}
}

func TestTooManyAttemptsAreToldWhenToComeBack(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	w.addAna()
	b := w.atLogin()
	const enough = 20 // each one that is let through doubles the wait
	for range enough {
		answer := b.signIn("ana@example.com", "not this one")
		if answer.status == http.StatusUnprocessableEntity {
			continue
		}
		wait, err := strconv.Atoi(answer.header.Get("Retry-After"))
		if answer.status != http.StatusTooManyRequests || err != nil || wait < 1 {
			t.Errorf("%d, Retry-After %q", answer.status, answer.header.Get("Retry-After"))
		}
		if !strings.Contains(answer.body, "Too many attempts. Try again in ") || !strings.Contains(answer.body, `id="login-password"`) {
			t.Errorf("the page says\n%s", answer.body)
		}
		return
	}
	t.Errorf("%d attempts were let through", enough)
}

// RFC 9700 §4.12: a browser that follows a 307 would send the password on.
func TestNoRedirectRepeatsAPost(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	w.addAna()
	answer := w.atLogin().signIn("ana@example.com", password)
	if answer.status != http.StatusSeeOther || answer.header.Get("Location") != "/account" {
		t.Errorf("%d to %q", answer.status, answer.header.Get("Location"))
	}
}

func TestABodyThatIsCutOffIsNotUsed(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	for name, request := range map[string]string{
		"by length": "Content-Length: 50\r\n\r\ngrant_type=client_credentials",
		"in chunks": "Transfer-Encoding: chunked\r\n\r\n1d\r\ngrant_type=client_credentials\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := w.dial("")
			defer conn.Close()
			head := "POST /oauth2/token HTTP/1.1\r\nHost: localhost:8484\r\nContent-Type: " + formType + "\r\n"
			if _, err := io.WriteString(conn, head+request); err != nil {
				t.Fatal(err)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s", answer.Status)
			}
			if line := <-w.log.requests; !strings.Contains(line, "parameter_malformed") {
				t.Errorf("logged %s", line)
			}
		})
	}
}

func TestTheSetupLinkOpensTheSetupPage(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	link, ours := strings.CutPrefix(SetupLink(w.engine.Issuer(), w.setup), "http://localhost:8484")
	if answer := w.do(http.MethodGet, link, nil, ""); !ours || answer.status != http.StatusOK || !strings.Contains(answer.body, `id="setup-password"`) {
		t.Errorf("%s gives %+v", link, answer)
	}
}
