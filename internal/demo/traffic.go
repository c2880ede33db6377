package demo

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// traffic is the one way from the API's verifier to the server, and counts what
// goes there.
type traffic struct {
	*http.Transport
	tokens atomic.Uint64 // questions about a token: what a call would cost elsewhere
	keys   atomic.Uint64 // fetches of the published keys, for all calls together
	feed   atomic.Uint64 // the revocation log, receipts for it, and the token to read it with
}

func newTraffic() *traffic { return &traffic{Transport: &http.Transport{}} }

// client has no timeout: the feed is one long answer.
func (t *traffic) client() *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip counts a request and sends it.
func (t *traffic) RoundTrip(r *http.Request) (*http.Response, error) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, oauth.PathIntrospect) && aboutAToken(r):
		t.tokens.Add(1)
	case strings.Contains(path, "/.well-known/"):
		t.keys.Add(1)
	default:
		t.feed.Add(1)
	}
	return t.Transport.RoundTrip(r)
}

// aboutAToken tells a question about a token from the one that the verifier asks once,
// when it starts, to hear whether it might.
func aboutAToken(r *http.Request) bool {
	body, err := r.GetBody()
	if err != nil {
		return true
	}
	form, err := io.ReadAll(body)
	values, malformed := url.ParseQuery(string(form))
	return err != nil || malformed != nil || strings.Count(values.Get("token"), ".") == 2
}
