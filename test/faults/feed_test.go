package faults_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A request to the feed without a token is 401, with one that lacks the scope 403
// naming it, and with a cursor that is none 400; a cursor of another log, or ahead of
// this one, is 410, which sends a verifier for a snapshot.
func TestTheFeedSaysWhatARequestLacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here := w.position()
	reader := w.feedToken()
	scopeless, err := w.service("robot").Own(t.Context(), nil)
	w.must(err)
	forOrders, err := w.APIs.Own(t.Context(), url.Values{"scope": {"revocations:read"}, "resource": {"https://orders.example"}})
	w.must(err)
	ofAUser := w.signIn().Access

	for _, c := range []struct {
		name, path, token string
		status            int
		says              string // in the challenge, or else in the body
	}{
		{"no token", "snapshot", "", 401, `Bearer`},
		{"no token", "stream", "", 401, `Bearer`},
		{"no token", "poll", "", 401, `Bearer`},
		{"rubbish", "snapshot", "rubbish", 401, `error="invalid_token"`},
		{"no scope", "snapshot", scopeless, 403, `scope="revocations:read"`},
		{"no scope", "stream?cursor=x", scopeless, 403, `scope="revocations:read"`},
		{"for an API", "snapshot", forOrders, 401, `error="invalid_token"`},
		{"of a user", "snapshot", ofAUser, 403, `scope="revocations:read"`},
		{"no cursor", "stream", reader, 400, "cursor"},
		{"a malformed cursor", "stream?cursor=x", reader, 400, "cursor"},
		{"a malformed cursor", "poll?cursor=" + here.Log + ".-1", reader, 400, "cursor"},
		{"of another log", "stream?cursor=AAAAAAAAAAAAAAAA.1", reader, 410, "snapshot"},
		{"ahead of the log", "poll?cursor=" + here.Log + ".999999", reader, 410, "snapshot"},
	} {
		t.Run(c.name+" at "+c.path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Issuer+"/revocations/"+c.path, http.NoBody)
			w.must(err)
			if c.token != "" {
				request.Header.Set("Authorization", "Bearer "+c.token)
			}
			answer, err := http.DefaultClient.Do(request)
			w.must(err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			w.must(err)
			if said := answer.Header.Get("WWW-Authenticate") + string(body); answer.StatusCode != c.status || !strings.Contains(said, c.says) {
				t.Errorf("%s: %s", answer.Status, said)
			}
			if len(body) > 0 && !json.Valid(body) {
				t.Errorf("it answers with %q", body)
			}
		})
	}
}
