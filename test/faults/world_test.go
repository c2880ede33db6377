package faults_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/server"
	"github.com/mintmark-id/mintmark/verify"
)

// The bounds that are promised, and what is allowed for the rest.
const (
	staleWithin   = 13 * time.Second
	expiredWithin = 60 * time.Second
	beat          = 3 * time.Second

	// patience is for what takes a quarter of a second, on a machine that is busy: how
	// long it takes is for the benchmark to say.
	patience = 10 * time.Second
	// backWithin: a verifier tries again after 7.5 s at the latest.
	backWithin = 13 * time.Second
)

// world is a server with its cast, and Ana's browser.
type world struct {
	*testing.T
	*app.Cast
	server  *server.Server
	browser *app.Browser
}

func newWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	w := &world{T: t, server: server.Start(t, flags...)}
	var err error
	w.Cast, err = app.NewCast(t.Context(), w.server.Process)
	w.must(err)
	t.Cleanup(w.Office.Close)
	w.browser = w.newBrowser(w.Ana)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) await(what string, within time.Duration, holds func() bool) {
	w.Helper()
	w.must(app.Await(w.Context(), what, within, holds))
}

func (w *world) newBrowser(user admin.User) *app.Browser {
	w.Helper()
	b, err := app.NewBrowser(user)
	w.must(err)
	return b
}

// signIn lets the shop in once more, with a grant of its own.
func (w *world) signIn() app.Tokens {
	w.Helper()
	tokens, err := w.Shop.SignIn(w.Context(), w.browser, app.Orders)
	w.must(err)
	return tokens
}

// revoke has the administrator revoke something; who confirms it is not waited for.
func (w *world) revoke(kind string, ids ...string) {
	w.Helper()
	_, err := w.Office.Revoke(w.Context(), admin.Revocation{Kind: kind, IDs: ids, Reason: "a test"}, 0)
	w.must(err)
}

// follow starts a verifier here, and waits until it is live.
func (w *world) follow(options ...verify.Option) *verify.Verifier {
	w.Helper()
	v, err := w.Verifier(w.Context(), options...)
	w.must(err)
	w.Cleanup(func() { _ = v.Close() })
	w.await("a new verifier is live", patience, func() bool { return v.Status().State == verify.Live })
	return v
}

// verdict is what a verifier makes of a token: "good", a reason, or "unavailable".
func (w *world) verdict(v *verify.Verifier, token string) string {
	w.Helper()
	_, err := v.Check(w.Context(), token)
	var refused *verify.RefusedError
	switch {
	case err == nil:
		return "good"
	case errors.As(err, &refused):
		return string(refused.Reason)
	case errors.Is(err, verify.ErrUnavailable):
		return "unavailable"
	}
	w.Fatal(err)
	return ""
}

// expect holds a verifier to its verdict of this moment.
func (w *world) expect(v *verify.Verifier, what, token, want string) {
	w.Helper()
	if got := w.verdict(v, token); got != want {
		w.Fatalf("%s is %s, not %s: %+v", what, got, want, v.Status())
	}
}

// awaitRefusal waits until a verifier has heard of a revocation.
func (w *world) awaitRefusal(v *verify.Verifier, what, token string) {
	w.Helper()
	w.await(what+" is revoked", patience, func() bool { return w.verdict(v, token) == string(verify.Revoked) })
}

// serve puts a handler behind a verifier.
func (w *world) serve(v *verify.Verifier, handler http.HandlerFunc) string {
	api := httptest.NewServer(v.Middleware(handler))
	w.Cleanup(api.Close)
	return api.URL
}

func answerOK(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusOK) }

// reply is what is worth knowing of an answer.
type reply struct {
	status int
	header http.Header
}

// call calls an API with a token.
func (w *world) call(method, address, token string) reply {
	w.Helper()
	return w.ask(method, address, http.Header{"Authorization": {"Bearer " + token}})
}

func (w *world) ask(method, address string, header http.Header) reply {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, address, http.NoBody)
	w.must(err)
	request.Header = header
	answer, err := http.DefaultClient.Do(request)
	w.must(err)
	defer answer.Body.Close()
	return reply{answer.StatusCode, answer.Header}
}

// feedToken reads the feed by hand.
func (w *world) feedToken() string {
	w.Helper()
	token, err := w.APIs.Own(w.Context(), url.Values{"scope": {"revocations:read"}})
	w.must(err)
	return token
}

// position is where the log stands, by a snapshot's first line.
type position struct {
	Log string `json:"log"`
	Seq int64  `json:"seq"`
	LC  int64  `json:"lc"`
	N   int    `json:"n"`
}

func (w *world) position() (p position) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.Issuer+"/revocations/snapshot", http.NoBody)
	w.must(err)
	request.Header.Set("Authorization", "Bearer "+w.feedToken())
	answer, err := http.DefaultClient.Do(request)
	w.must(err)
	defer answer.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(answer.Body)
	w.must(err)
	line, _, _ := bytes.Cut(body.Bytes(), []byte("\n"))
	w.must(json.Unmarshal(line, &p))
	return p
}
