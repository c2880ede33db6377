// Package egress is the only way out: every HTTP request that the server makes
// passes here, and every address that it is made to was named by somebody else.
// A client that registers a jwks_uri must not thereby reach what only the server
// can reach (RFC 8725 §3.10, OWASP Server-Side Request Forgery Prevention).
//
// The address is judged when it is dialed, after its name was resolved, so a
// name that resolves to another address the second time gains nothing.
package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	// Deadline is how long a request may take from its first packet to the last
	// byte of the answer. A context that ends earlier ends it earlier.
	Deadline = 5 * time.Second

	maxHeader   = 16 << 10 // bytes of an answer's header
	perHost     = 8        // connections to one host at a time
	idleLeft    = 64       // connections left open, of all hosts
	idleTimeout = 30 * time.Second
)

// Client makes requests. It follows no redirect, sends no cookie, no referrer and
// no credential but the one that it is handed for a call, and asks no proxy of the
// environment.
type Client struct {
	trusted   []netip.Prefix
	deadline  time.Duration
	dialer    *net.Dialer
	transport map[string]*http.Transport // by scheme
}

// New makes a client. In the trusted networks addresses may be of any kind, and
// plain http is spoken; everywhere else an address must be public and the scheme
// https.
func New(trusted []netip.Prefix) *Client {
	c := &Client{trusted: trusted, deadline: Deadline, dialer: &net.Dialer{}}
	c.transport = map[string]*http.Transport{"https": c.newTransport(c.permit), "http": c.newTransport(c.permitPlain)}
	return c
}

// newTransport: a transport by itself neither redirects nor keeps cookies, and
// without compression a small answer cannot become a large one.
func (c *Client) newTransport(permit func(netip.Addr) *Error) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialer := *c.dialer
			dialer.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
				return judge(resolved, permit)
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        perHost,
		MaxIdleConns:           idleLeft,
		IdleConnTimeout:        idleTimeout,
	}
}

// judge is asked for each address that a name resolved to, before it is dialed.
func judge(resolved string, permit func(netip.Addr) *Error) error {
	address, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return fmt.Errorf("reading the resolved address: %w", err)
	}
	if refused := permit(address.Addr()); refused != nil {
		return refused
	}
	return nil
}

// Answer is what came back.
type Answer struct {
	Status int
	Type   string // Content-Type, as it was sent
	Body   []byte
	// Fresh is how long the answer may be used again, as far as it says
	// (RFC 9111 §4.2.1, max-age); negative if it does not say.
	Fresh time.Duration
}

// Get fetches what is at an address. Every status but 200 is an error, as is a
// body of more than limit bytes. Errors are of type *Error.
func (c *Client) Get(ctx context.Context, address, accept string, limit int64) (Answer, error) {
	header := http.Header{"Accept": {accept}}
	answer, err := c.do(ctx, address, &http.Request{Method: http.MethodGet, Header: header}, limit)
	if err == nil && answer.Status != http.StatusOK {
		return Answer{}, &Error{Rule: RuleStatus, Seen: answer.Status}
	}
	return answer, err
}

// Post sends a body, and returns the answer whatever its status is, unless that
// is a redirect. A body of more than limit bytes is an error. Errors are of type
// *Error.
func (c *Client) Post(ctx context.Context, address, contentType string, body []byte, limit int64) (Answer, error) {
	return c.do(ctx, address, &http.Request{
		Method: http.MethodPost, Header: http.Header{"Content-Type": {contentType}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, limit)
}

// Call is a request that shows a credential: its caller knows whose the address is.
type Call struct {
	Address       string
	Authorization string // the header's value
	Accept        string
	Form          string // posted if not empty; else it is a GET
	Limit         int64  // bytes of the answer
}

// Call makes such a request, and returns the answer whatever its status is, unless
// that is a redirect. Errors are of type *Error.
func (c *Client) Call(ctx context.Context, call Call) (Answer, error) {
	request := &http.Request{Method: http.MethodGet, Header: http.Header{"Accept": {call.Accept}, "Authorization": {call.Authorization}}}
	if call.Form != "" {
		request.Method = http.MethodPost
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.ContentLength, request.Body = int64(len(call.Form)), io.NopCloser(strings.NewReader(call.Form))
	}
	return c.do(ctx, call.Address, request, call.Limit)
}

func (c *Client) do(ctx context.Context, address string, request *http.Request, limit int64) (Answer, error) {
	target, err := c.parse(address)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.deadline)
	defer cancel()
	request.URL = target
	request.Header.Set("User-Agent", "mintmark")
	response, err := c.transport[target.Scheme].RoundTrip(request.WithContext(ctx))
	if err != nil {
		return Answer{}, failed(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // nothing more is read from it
	return read(ctx, response, limit)
}

// read takes the answer, and of a body that is too long no more than shows it.
func read(ctx context.Context, response *http.Response, limit int64) (Answer, error) {
	if response.StatusCode/100 == 3 {
		return Answer{}, &Error{Rule: RuleRedirect, Seen: response.StatusCode}
	}
	if response.ContentLength > limit {
		return Answer{}, &Error{Rule: RuleTooLarge}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return Answer{}, failed(ctx, err)
	}
	if int64(len(body)) > limit {
		return Answer{}, &Error{Rule: RuleTooLarge}
	}
	return Answer{
		Status: response.StatusCode, Type: response.Header.Get("Content-Type"), Body: body,
		Fresh: freshness(response.Header),
	}, nil
}

// failed names the rule that a failure broke: ours if the guard refused, else
// what the other side did.
func failed(ctx context.Context, err error) *Error {
	var refused *Error
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Rule: RuleTimeout, Err: withoutAddress(err)}
	}
	return &Error{Rule: RuleUnreachable, Err: withoutAddress(err)}
}

// withoutAddress drops the URL that net/http puts before its errors.
func withoutAddress(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
