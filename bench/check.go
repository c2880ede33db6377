package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/verify"
)

// Names of what is raced; the others are the libraries.
const (
	bareES256  = "bare ES256"
	bareSeen   = "bare look-up"
	seenBefore = "seen before"
	firstSight = "first sight"
	asking     = "introspection"
)

// measureCheck races the middleware and a token's first sight against the least that they could do, and against what a
// Go team would use instead. The token is one that the server made for a user, signed anew by an issuer whose log has
// 100,000 entries; the verifier follows that.
func measureCheck(ctx context.Context, b *bench) ([]finding, error) {
	c, err := b.newChecks(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	contenders, err := c.contenders(ctx, b.tenants)
	if err != nil {
		return nil, err
	}
	costs, err := race(ctx, 3*b.rounds, b.duration/8, contenders) // short, so that what is compared stands close together
	if err != nil {
		return nil, err
	}
	return append(c.ours(costs), theirs(costs)...), nil
}

// checks is what the experiment works with.
type checks struct {
	issuer   *issuer
	verifier *verify.Verifier
	others   *others
	claims   []byte // of the server's token, but for issuer and audience, which are the issuer's
	id       []byte // its jti: each new token has another one in its place
	made     uint64 // tokens so far
	asked    int64  // requests to the issuer while known tokens came
	calls    int    // of known tokens
}

func (b *bench) newChecks(ctx context.Context) (c *checks, err error) {
	c = &checks{}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.issuer, err = newIssuer(manyEntries); err != nil {
		return c, err
	}
	if c.verifier, err = c.issuer.verifier(ctx); err != nil {
		return c, err
	}
	if err := c.copyClaims(ctx, b.tenants); err != nil {
		return c, err
	}
	token, err := c.token()
	if err != nil {
		return c, err
	}
	c.others, err = openOthers(ctx, b.directory, scene{token, c.issuer.url, c.issuer.url, c.issuer.tokenKey.Public()})
	return c, err
}

func (c *checks) close() {
	if c.others != nil {
		c.others.close()
	}
	if c.verifier != nil {
		_ = c.verifier.Close() // it never fails
	}
	if c.issuer != nil {
		_ = c.issuer.Close() // the figures are taken
	}
}

// copyClaims takes the claims of a user's token with a session.
func (c *checks) copyClaims(ctx context.Context, t *tenants) error {
	tokens, err := t.grant(ctx, 0, onlineScope)
	if err != nil {
		return err
	}
	parts := strings.Split(tokens.Access, ".")
	if len(parts) != 3 {
		return errors.New("the server's access token is no JWS")
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return fmt.Errorf("reading the server's access token: %w", err)
	}
	c.claims = bytes.ReplaceAll(claims, []byte(t.issuer), []byte(c.issuer.url))
	if c.id = member(claims, "jti"); len(c.id) < 16 {
		return errors.New("the server's access token has no jti")
	}
	return nil
}

// token is a token that was not there before.
func (c *checks) token() (string, error) {
	c.made++
	id := fmt.Appendf(nil, "%0*d", len(c.id), c.made)
	return jose.Sign(c.issuer.tokenKey, "at+jwt", bytes.Replace(c.claims, c.id, id, 1))
}

func (c *checks) contenders(ctx context.Context, t *tenants) ([]contender, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	bare, err := c.bare(token)
	if err != nil {
		return nil, err
	}
	introspection, err := askEachTime(ctx, t)
	if err != nil {
		return nil, err
	}
	all := []contender{bare, lookUp(token), c.known(token), c.unknown(ctx), introspection}
	for _, library := range libraries() {
		all = append(all, c.others.contender(library))
	}
	return all, nil
}

// bare hashes and verifies, with everything else done before.
func (c *checks) bare(token string) (contender, error) {
	end := strings.LastIndexByte(token, '.')
	input := []byte(token[:end])
	raw, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil || len(raw) != 64 {
		return contender{}, errors.New("the token has no ES256 signature")
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		return contender{}, err
	}
	key := &c.issuer.signer.PublicKey
	return here(bareES256, func() error {
		digest := sha256.Sum256(input)
		if !ecdsa.VerifyASN1(key, digest[:], der) {
			return errors.New("a good signature does not verify")
		}
		return nil
	}), nil
}

type floorKey struct{}

// nowhere is a writer of answers that are thrown away.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// handle calls a handler with the token, as a server would.
func handle(name string, handler http.Handler, token string) contender {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	w := &nowhere{http.Header{}}
	return here(name, func() error {
		handler.ServeHTTP(w, request)
		return nil
	})
}

// lookUp is the floor of a token seen before: the token is found in a map, and what was found goes on in the context.
func lookUp(token string) contender {
	var mu sync.RWMutex
	known, claims := map[string]*verify.Claims{token: {}}, 0
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { claims++ })
	return handle(bareSeen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.RLock()
		found := known[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		mu.RUnlock()
		if found != nil {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), floorKey{}, found)))
		}
	}), token)
}

// known is the middleware around a handler that counts, and a token that it has seen. It also counts what the issuer is
// asked meanwhile, which must be nothing.
func (c *checks) known(token string) contender {
	served := 0
	handler := c.verifier.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	inner := handle(seenBefore, handler, token)
	return contender{name: seenBefore, run: func(n int) (charge, error) {
		before, asked := served, c.issuer.requests.Load()
		spent, err := inner.run(n)
		if err == nil && served-before != n {
			err = fmt.Errorf("the middleware let %d of %d calls through", served-before, n)
		}
		c.asked += c.issuer.requests.Load() - asked
		c.calls += n
		return spent, err
	}}
}

// unknown checks tokens that were made just before.
func (c *checks) unknown(ctx context.Context) contender {
	var tokens []string
	next := 0
	step := here(firstSight, func() error {
		_, err := c.verifier.Check(ctx, tokens[next])
		next++
		return err
	})
	step.stock = func(n int) error {
		tokens, next = make([]string, n), 0
		for i := range tokens {
			var err error
			if tokens[i], err = c.token(); err != nil {
				return err
			}
		}
		return nil
	}
	return step
}

// askEachTime introspects a user's token at the real server for every call, on a kept-alive connection. Both sides count.
func askEachTime(ctx context.Context, t *tenants) (contender, error) {
	tokens, err := t.apiGrant(ctx, 0)
	if err != nil {
		return contender{}, err
	}
	form := url.Values{"token": {tokens.Access}}.Encode()
	step := here(asking, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.issuer+"/oauth2/introspect", strings.NewReader(form))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(url.QueryEscape(t.api.ID), url.QueryEscape(t.api.Secret)) // RFC 6749 §2.3.1
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil && !bytes.Contains(body, []byte(`"active":true`)) {
			err = fmt.Errorf("introspection answers %s %.300q", response.Status, body)
		}
		return err
	})
	return contender{name: asking, run: func(n int) (charge, error) {
		before, err := cpuTime(t.pid())
		if err != nil {
			return charge{}, err
		}
		spent, err := step.run(n)
		if err != nil {
			return charge{}, err
		}
		after, err := cpuTime(t.pid())
		spent.cpu += after - before
		return spent, err
	}}, nil
}

// ours are the figures of the verifier.
func (c *checks) ours(costs map[string][]cost) []finding {
	seen, first, floor := typicalCost(costs[seenBefore]), typicalCost(costs[firstSight]), typicalCost(costs[bareES256])
	times := timesFloor(costs[bareES256], costs[firstSight])
	return []finding{
		{
			"check", "authenticated call in the middleware, token seen before",
			fmt.Sprintf("%s, %.1f allocations; floor: look-up and context %s", nanoseconds(seen.ns), seen.allocs, nanoseconds(typicalCost(costs[bareSeen]).ns)),
			"1 µs, 2 allocations", seen.ns <= 1000 && int(seen.allocs) <= 2,
		},
		{
			"check", "requests of the verifier to the issuer during these calls",
			fmt.Sprintf("%d in %d calls", c.asked, c.calls), "none", c.asked == 0,
		},
		{
			"check", "a token at first sight, revocation check included",
			fmt.Sprintf("%s, %.2f x (%.2f to %.2f), %.1f allocations; floor: bare ES256 %s",
				nanoseconds(first.ns), median(times), slices.Min(times), slices.Max(times), first.allocs, nanoseconds(floor.ns)),
			"1.1 x, 25 allocations", median(times) <= 1.1 && int(first.allocs) <= 25,
		},
	}
}

// theirs are the figures of the others, and the verdict on the headline: an API call that is checked for revocation
// costs less than the others' check without it.
func theirs(costs map[string][]cost) []finding {
	var findings []finding
	least := typicalCost(costs[libraries()[0]])
	by := libraries()[0]
	for _, library := range libraries() {
		c := typicalCost(costs[library])
		if c.ns < least.ns {
			least, by = c, library
		}
		findings = append(findings, noted("check", library+", each call, without a revocation check",
			fmt.Sprintf("%s, %.2f x bare ES256, %.0f allocations", nanoseconds(c.ns), median(timesFloor(costs[bareES256], costs[library])), c.allocs)))
	}
	seen, first := typicalCost(costs[seenBefore]), typicalCost(costs[firstSight])
	return append(findings,
		noted("check", "introspection at the server for each call, both sides", nanoseconds(typicalCost(costs[asking]).ns)),
		finding{
			"check", "a call checked for revocation, beside the cheapest of the others without it",
			fmt.Sprintf("%s (first sight %s); %s %s", nanoseconds(seen.ns), nanoseconds(first.ns), by, nanoseconds(least.ns)),
			"less than theirs", seen.ns < least.ns,
		})
}
