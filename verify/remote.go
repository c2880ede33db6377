package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
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
	token string    // for the feed
	renew time.Time // when a fresh one is due
	ends  time.Time // when this one does
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
		err = &answerError{req.URL.Path, res.StatusCode, errorIn(res.Body), comeBack(res.Header)}
	}
	_ = res.Body.Close()
	return nil, err
}

// answerError is a refusal of the issuer's.
type answerError struct {
	path   string
	status int
	code   string // such as " invalid_client", or empty
	wait   time.Duration
}

// comeBack is how long an issuer that has too much to do wants to be left alone, if
// it says so in milliseconds: Retry-After has none (RFC 9110 §10.2.3). We never stay
// away longer than we would by ourselves.
func comeBack(h http.Header) time.Duration {
	ms, err := strconv.ParseUint(h.Get("Retry-After-Ms"), 10, 32)
	if err != nil {
		return 0
	}
	return min(longPause, time.Duration(ms)*time.Millisecond)
}

func (e *answerError) Error() string {
	return fmt.Sprintf("asking the issuer: %s answers %d%s", e.path, e.status, e.code)
}

func refusedWith(err error, status int) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == status
}

// errorIn is the error code in the body of a refusal (RFC 6749 §5.2), after a
// space; empty where there is none that a line of a log can show.
func errorIn(body io.Reader) string {
	text, err := readAll(body, 4<<10)
	if err != nil {
		return ""
	}
	var refusal struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &refusal) != nil || refusal.Error == "" || len(refusal.Error) > 64 ||
		strings.ContainsFunc(refusal.Error, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		return ""
	}
	return " " + refusal.Error
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
	res, err := r.do(req)
	if err != nil && refusedWith(err, http.StatusUnauthorized) {
		r.forget(token)
	}
	return res, err
}

func (r *remote) forget(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.token == token {
		r.token = ""
	}
}

// feedToken is an access token for the feed, renewed when two thirds of its life
// are over (RFC 6749 §4.4). Until its end it serves on if no other can be had.
func (r *remote) feedToken(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.token != "" && now.Before(r.renew) {
		return r.token, nil
	}
	fresh, life, err := r.askToken(ctx)
	switch {
	case err == nil:
		r.token, r.renew, r.ends = fresh, now.Add(life*2/3), now.Add(life)
	case r.token != "" && now.Before(r.ends) && !refusedWith(err, http.StatusUnauthorized):
		r.renew = now.Add(longPause)
	default:
		return "", err
	}
	return r.token, nil
}

func (r *remote) askToken(ctx context.Context) (token string, life time.Duration, err error) {
	body, err := r.form(ctx, pathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {feedScope}})
	if refusedWith(err, http.StatusUnauthorized) { // RFC 6749 §5.2: invalid_client
		err = fmt.Errorf("the issuer refuses the client %q: is it disabled, or was its secret changed? %w", r.id, err)
	}
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		Token     string `json:"access_token"`
		ExpiresIn int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
		return "", 0, errors.New("the token endpoint's answer has no access token")
	}
	return answer.Token, time.Duration(min(max(answer.ExpiresIn, 3), 86400)) * time.Second, nil
}

// renewed waits until there is a fresher token for the feed than the one given, and
// reports whether there is before ctx ends.
func (r *remote) renewed(ctx context.Context, token string) bool {
	for ctx.Err() == nil {
		r.mu.Lock()
		due := time.Until(r.renew)
		r.mu.Unlock()
		sleep(ctx, due)
		if fresh, err := r.feedToken(ctx); err == nil && fresh != token {
			return true
		} else if err != nil {
			sleep(ctx, longPause)
		}
	}
	return false
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
