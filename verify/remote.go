package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The issuer's endpoints, below its own address.
const (
	pathToken      = "/oauth2/token"
	pathIntrospect = "/oauth2/introspect"
	pathKeys       = "/.well-known/jwks.json"
	pathHeadKeys   = "/revocations/jwks.json"
	pathSnapshot   = "/revocations/snapshot"
	pathStream     = "/revocations/stream"
	pathPoll       = "/revocations/poll"
	pathReceipt    = "/revocations/receipt"

	feedScope  = "revocations:read"
	maxAnswer  = 1 << 20 // bytes of a document or an answer about one token
	askTimeout = 5 * time.Second
)

// errGone is the answer 410: the cursor is of another log, or too old.
var errGone = errors.New("the feed does not know the cursor")

// remote talks to the issuer in the verifier's own name.
type remote struct {
	issuer     string
	id, secret string
	client     *http.Client

	mu    sync.Mutex
	token string // for the feed
	until time.Time
}

// do sends a request to a path of the issuer. A refusal is an error and its body
// is closed.
func (r *remote) do(req *http.Request) (*http.Response, error) {
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the issuer: %w", err)
	}
	switch {
	case res.StatusCode/100 == 2:
		return res, nil
	case res.StatusCode == http.StatusGone:
		err = errGone
	default:
		err = fmt.Errorf("asking the issuer: %s answers %d", req.URL.Path, res.StatusCode)
	}
	_ = res.Body.Close()
	return nil, err
}

// feed asks something of the feed, with an access token. A token that is refused
// is thrown away, so that the next attempt takes a fresh one.
func (r *remote) feed(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.issuer+path, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the feed: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return r.authorized(req)
}

func (r *remote) authorized(req *http.Request) (*http.Response, error) {
	token, err := r.feedToken(req.Context())
	if err != nil {
		return nil, fmt.Errorf("getting a token for the feed: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the feed: %w", err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusGone:
		return nil, errGone
	case http.StatusUnauthorized:
		r.forget(token)
	}
	return nil, fmt.Errorf("asking the feed: %s answers %d", req.URL.Path, res.StatusCode)
}

func (r *remote) forget(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.token == token {
		r.token = ""
	}
}

// feedToken is an access token for the feed, renewed when two thirds of its life
// are over (RFC 6749 §4.4).
func (r *remote) feedToken(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.token != "" && time.Now().Before(r.until) {
		return r.token, nil
	}
	body, err := r.form(ctx, pathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {feedScope}})
	if err != nil {
		return "", err
	}
	var answer struct {
		Token     string `json:"access_token"`
		ExpiresIn int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
		return "", errors.New("the token endpoint's answer has no access token")
	}
	r.token = answer.Token
	r.until = time.Now().Add(time.Duration(min(max(answer.ExpiresIn, 3), 86400)) * time.Second * 2 / 3)
	return r.token, nil
}

// form posts a form as the client, within the time that any question may take.
func (r *remote) form(ctx context.Context, path string, form url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("asking the issuer: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
	req.SetBasicAuth(url.QueryEscape(r.id), url.QueryEscape(r.secret))
	return r.whole(req)
}

// document fetches a public document, and how long it may be kept.
func (r *remote) document(ctx context.Context, path string) ([]byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.issuer+path, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("asking the issuer: %w", err)
	}
	res, err := r.do(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := readAll(res.Body, maxAnswer)
	return body, maxAge(res.Header.Get("Cache-Control")), err
}

func (r *remote) whole(req *http.Request) ([]byte, error) {
	res, err := r.do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	return readAll(res.Body, maxAnswer)
}

func readAll(in io.Reader, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(body)) > most {
		err = errors.New("too long")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the issuer's answer: %w", err)
	}
	return body, nil
}

// maxAge is the max-age of a Cache-Control header (RFC 9111 §5.2.2.1), 0 if it
// has none.
func maxAge(header string) time.Duration {
	for directive := range strings.SplitSeq(header, ",") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			if age, err := time.ParseDuration(value + "s"); err == nil {
				return age
			}
		}
	}
	return 0
}
