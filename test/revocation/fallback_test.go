package revocation_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/verify"
)

// book is a log that is read while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A verifier that falls back on introspection asks as its client. If that was not
// given the API's resource, the server tells it nothing of the API's tokens (RFC 7662
// §4). That makes no token bad: it is 503, not 401, and the verifier says at its
// start what its client lacks.
func TestAVerifierThatMayNotIntrospectRefusesNoTokenForIt(t *testing.T) {
	w := newWorld(t)
	w.register("careless", admin.ClientMetadata{GrantTypes: []string{oauth.GrantClientCredentials}, Scope: oauth.ScopeReadRevocations})
	token := w.apps["robot"].own(orders).access
	for _, c := range []struct {
		client string
		status int
		says   bool
	}{
		{"apis", http.StatusOK, false},
		{"careless", http.StatusServiceUnavailable, true},
	} {
		var said book
		v, err := verify.New(t.Context(), w.server.Issuer, orders, verify.WithClient(c.client, w.apps[c.client].secret),
			verify.WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
		w.must(err)
		t.Cleanup(func() { _ = v.Close() })
		// Nothing is ever so fresh, so each call is one that has the server asked.
		handler := v.RequireFresh(time.Nanosecond)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		api := httptest.NewServer(handler)
		t.Cleanup(api.Close)
		w.await("the verifier is live", func() bool { return v.Status().State == verify.Live })
		if answer := w.get(api.URL, token); answer.status != c.status {
			t.Errorf("%s: a good token is answered with %d %s", c.client, answer.status, answer.body)
		}
		const lacks = "this client may not introspect tokens for this audience"
		if c.says {
			w.await("the verifier says what its client lacks", func() bool { return strings.Contains(said.String(), lacks) })
		} else if strings.Contains(said.String(), lacks) {
			t.Errorf("%s: the log says\n%s", c.client, said.String())
		}
	}
	w.server.CLI("revoke", "client", "robot", "--reason", "test", "--wait", "9s")
	// The log itself still reaches both, and refuses.
	a := w.protect("careless-1", orders, verify.Strict)
	w.await("it refuses", func() bool { return a.refuses(token) })
}
