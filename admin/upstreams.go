package admin

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// UpstreamSettings is what an administrator says about an upstream: an OpenID Provider
// that people may sign in with here.
type UpstreamSettings struct {
	// Name stands on the button of the sign-in page.
	Name string `json:"name"`
	// Issuer must be exactly the one that its discovery document and its ID tokens say.
	Issuer string `json:"issuer"`
	// ClientID is what it calls this server.
	ClientID string `json:"client_id"`
	// Scopes that it is asked for; empty: openid, email and profile.
	Scopes []string `json:"scopes,omitempty"`
	// Algs that its ID tokens may be signed with: ES256, RS256, PS256, Ed25519, EdDSA;
	// empty: those that it says of itself.
	Algs []string `json:"algs,omitempty"`
	// SignUp lets whoever has an account there make one here, if the server lets
	// strangers make accounts at all (the setting sign_up).
	SignUp bool `json:"sign_up,omitempty"`
}

// NewUpstream is an upstream to create.
type NewUpstream struct {
	// ID ([a-z0-9-]{3,64}) is part of the redirect URI.
	ID string `json:"id"`
	UpstreamSettings
	// ClientSecret is what this server shows there (client_secret_basic). It is kept
	// sealed, and in no answer.
	ClientSecret string `json:"client_secret"`
}

// Upstream is an upstream as the server has it.
type Upstream struct {
	ID string `json:"id"`
	UpstreamSettings
	// RedirectURI is the one to register there.
	RedirectURI string `json:"redirect_uri"`
	// Linked is how many users sign in with an account of its issuer.
	Linked    int64     `json:"linked"`
	CreatedAt time.Time `json:"created_at"`
	Version   int64     `json:"version"`
}

// UpstreamUpdate replaces what is said about an upstream.
type UpstreamUpdate struct {
	UpstreamSettings
	// ClientSecret; empty: the one that is there stays. Another issuer needs it anew.
	ClientSecret string `json:"client_secret,omitempty"`
	// Version is the one that was read; zero replaces whatever is there.
	Version int64 `json:"version,omitempty"`
}

// CreateUpstream lets people sign in with an OpenID Provider.
func (c *Client) CreateUpstream(ctx context.Context, upstream NewUpstream) (Upstream, error) {
	return call[Upstream](ctx, c, http.MethodPost, "upstreams", upstream)
}

// Upstreams lists all upstreams, in the order of their ids.
func (c *Client) Upstreams(ctx context.Context) iter.Seq2[Upstream, error] {
	return list[Upstream](ctx, c, "upstreams", nil)
}

// ShowUpstream gives one upstream.
func (c *Client) ShowUpstream(ctx context.Context, id string) (Upstream, error) {
	return call[Upstream](ctx, c, http.MethodGet, at("upstreams", id), nil)
}

// UpdateUpstream replaces what is said about an upstream.
func (c *Client) UpdateUpstream(ctx context.Context, id string, update UpstreamUpdate) (Upstream, error) {
	return call[Upstream](ctx, c, http.MethodPut, at("upstreams", id), update)
}

// DeleteUpstream removes an upstream. Nobody signs in with it from then on; sessions
// that came of it go on, and accounts stay linked to its issuer.
func (c *Client) DeleteUpstream(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("upstreams", id), nil)
	return err
}
