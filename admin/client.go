package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Root is the path that everything of the API lies below.
const Root = "/admin/v1/"

// ErrNotReached means that no server answered at the socket or the address.
var ErrNotReached = errors.New("no Mintmark server answers")

// Client speaks to the administration API of one server. It is safe for
// concurrent use.
type Client struct {
	where string // the server is, for people
	base  string // address that everything of the server lies below
	token string // shown with each request; empty: at the socket nobody asks for one
	dry   bool   // what would change something is only tried
	once  string // key by which what makes something is done once
	http  *http.Client
}

// Dial gives a client for the server behind a Unix socket. It connects with the
// first request.
func Dial(socketPath string) *Client {
	var dialer net.Dialer
	return &Client{where: socketPath, base: "http://mintmark", http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socketPath)
		},
	}}}
}

// Option changes how a server elsewhere is reached.
type Option func(*Client)

// WithTransport has requests go another way than by http.DefaultTransport: through a
// proxy, or to a server whose certificate is from an authority of your own.
func WithTransport(transport http.RoundTripper) Option {
	return func(c *Client) { c.http.Transport = transport }
}

// New gives a client for a server elsewhere, by the address of its administration
// listener (https://id.example.com:8485) and an admin token. It connects with the
// first request, and follows no redirect: the token is for that server alone. Plain
// http is for a server on this machine.
func New(server, token string, options ...Option) (*Client, error) {
	at, err := url.Parse(server)
	switch {
	case err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http":
		return nil, errors.New("the server is an https address, as in https://id.example.com:8485")
	case at.User != nil || at.RawQuery != "" || at.Fragment != "" || strings.Trim(at.Path, "/") != "":
		return nil, errors.New("the server's address has a host and a port, and nothing else")
	case at.Scheme == "http" && !isLoopback(at.Hostname()):
		return nil, errors.New("the server's address is plain http, which is for this machine only: a token would travel in the clear")
	case token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("an admin token is one word, as mintmark admin-token create prints it")
	}
	base := at.Scheme + "://" + at.Host
	c := &Client{where: base, base: base, token: token, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, option := range options {
		option(c)
	}
	return c, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// DryRun gives a client of the same server whose creates and updates are tried and
// not done: the answer says what would be there, and a secret in it is none. Acts
// that cannot be tried are refused.
func (c *Client) DryRun() *Client {
	tries := *c
	tries.dry = true
	return &tries
}

// Once gives a client of the same server whose acts that make something (clients,
// resources, users, tokens, secrets, passwords) are done once for this key, however
// often they are asked for within a day: the second answer is the first one, with its
// secret. So whoever did not hear an answer asks again. The key is chosen at random
// for each act, 16 to 128 visible characters, as a UUID is; an empty one is none.
// Another act with the same key is refused (ProblemReused), and so are acts that make
// nothing.
func (c *Client) Once(key string) *Client {
	keyed := *c
	keyed.once = key
	return &keyed
}

// Close ends the connections that are kept for the next request.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// page is one part of a list. Next is empty on the last one; else it is the
// query parameter "after" of the following part.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// at joins path segments, escaped.
func at(segments ...string) string {
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}

// call makes one request; in is its body, nil for none.
func call[A any](ctx context.Context, c *Client, method, path string, in any) (A, error) {
	var answer A
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return answer, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	if c.dry && method != http.MethodGet {
		path += "?dry_run=true"
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+Root+path, body)
	if err != nil {
		return answer, fmt.Errorf("making the request: %w", err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.once != "" && method != http.MethodGet {
		req.Header.Set("Idempotency-Key", `"`+c.once+`"`)
	}
	response, err := c.do(req)
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNoContent {
		return answer, nil
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("reading the answer: %w", err)
	}
	return answer, nil
}

// do sends a request, and gives an answer that is no refusal.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrNotReached, c.where, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = response.Body.Close() }()
		return nil, problemOf(response)
	}
	return response, nil
}

// list goes through a list, a page at a time. It ends after an error.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ask := url.Values{}
		for name, values := range query {
			if len(values) == 1 && values[0] != "" {
				ask.Set(name, values[0])
			}
		}
		for {
			part, err := call[page[T]](ctx, c, http.MethodGet, path+"?"+ask.Encode(), nil)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range part.Items {
				if !yield(item, nil) {
					return
				}
			}
			if part.Next == "" {
				return
			}
			ask.Set("after", part.Next)
		}
	}
}
