package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

const (
	maxAnswer   = 256 << 10 // bytes of an answer that are read
	callTimeout = 10 * time.Second
	keysAge     = 5 * time.Minute // how long fetched keys are used, as the server's Cache-Control says
	keysPause   = 2 * time.Second // a token that names a strange key cannot make us fetch more often
)

// provider is the server as others see it: metadata and keys, fetched when they
// are first needed. The application and the API have one each.
type provider struct {
	issuer string
	http   *http.Client

	mu       sync.Mutex // one fetch at a time
	metadata *oauth.Metadata
	keys     jose.KeySet
	keysAt   time.Time
}

func newProvider(issuer string) *provider {
	return &provider{issuer: issuer, http: &http.Client{
		Timeout: callTimeout,
		// A token endpoint does not redirect; a secret must not follow one that does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// discover fetches the metadata once.
func (p *provider) discover(ctx context.Context) (*oauth.Metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.discovered(ctx)
}

func (p *provider) discovered(ctx context.Context) (*oauth.Metadata, error) {
	if p.metadata != nil {
		return p.metadata, nil
	}
	body, err := p.get(ctx, p.issuer+"/.well-known/openid-configuration")
	if err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	var metadata oauth.Metadata
	if err := json.Unmarshal(body, &metadata); err != nil {
		return nil, fmt.Errorf("reading metadata: %w", err)
	}
	// OpenID Connect Discovery §4.3: "MUST be identical to the Issuer URL that was used".
	if metadata.Issuer != p.issuer {
		return nil, fmt.Errorf("the metadata at %s is of another issuer", p.issuer)
	}
	p.metadata = &metadata
	return p.metadata, nil
}

// verify checks a signature with the published keys. They are fetched again when
// they are old, and when a token names a key that is not among them: it may be
// newer than our copy.
func (p *provider) verify(ctx context.Context, token *jose.Compact, allowed ...jose.Algorithm) (string, error) {
	keys, err := p.keySet(ctx, keysAge)
	if err != nil {
		return "", err
	}
	payload, err := token.Verify(keys, allowed...)
	if !errors.Is(err, jose.ErrUnknownKey) {
		return payload, err
	}
	if keys, err = p.keySet(ctx, keysPause); err != nil {
		return "", err
	}
	return token.Verify(keys, allowed...)
}

// keySet gives keys that are no older than an age.
func (p *provider) keySet(ctx context.Context, oldest time.Duration) (jose.KeySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys != nil && time.Since(p.keysAt) < oldest {
		return p.keys, nil
	}
	metadata, err := p.discovered(ctx)
	if err != nil {
		return nil, err
	}
	body, err := p.get(ctx, metadata.JWKSURI)
	if err != nil {
		return nil, fmt.Errorf("fetching keys: %w", err)
	}
	keys, err := jose.ParseKeySet(body)
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	p.keys, p.keysAt = keys, time.Now()
	return keys, nil
}

// isRefusal tells a signature that is no good from keys that cannot be had.
func isRefusal(err error) bool {
	return errors.Is(err, jose.ErrSignature) || errors.Is(err, jose.ErrUnknownKey) || errors.Is(err, jose.ErrAlgorithm)
}

func (p *provider) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	status, body, err := p.do(r)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the answer has status %d", status)
	}
	return body, err
}

// do sends a request and reads its answer.
func (p *provider) do(r *http.Request) (status int, body []byte, err error) {
	answer, err := p.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = readAnswer(answer.Body)
	return answer.StatusCode, body, err
}

func readAnswer(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	return body, nil
}
