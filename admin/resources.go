package admin

import (
	"context"
	"iter"
	"net/http"
)

// Resource is an API that accepts the server's access tokens.
type Resource struct {
	// Audience is an absolute URI without a fragment (RFC 8707 §2).
	Audience string `json:"audience"`
	ResourceSettings
	Version int64 `json:"version"`
}

// ResourceSettings is what an administrator decides about a resource.
type ResourceSettings struct {
	Name   string   `json:"name,omitempty"`
	Scopes []string `json:"scopes,omitempty"` // those that it gives a meaning
	// AccessTokenTTL in seconds; zero means the server's default.
	AccessTokenTTL int64 `json:"access_token_ttl,omitempty"`
	// Alg signs its access tokens: ES256 (the default), RS256, PS256 or Ed25519.
	Alg string `json:"alg,omitempty"`
	// AccessTokenFormat is jwt (the default) or opaque, as of a client.
	AccessTokenFormat string `json:"access_token_format,omitempty"`
}

// NewResource is a resource to create.
type NewResource struct {
	Audience string `json:"audience"`
	ResourceSettings
}

// ResourceUpdate replaces a resource's settings.
type ResourceUpdate struct {
	ResourceSettings
	// Version is the one that was read; zero replaces whatever is there.
	Version int64 `json:"version,omitempty"`
}

// CreateResource adds a resource, and signing keys if its algorithm has none yet.
func (c *Client) CreateResource(ctx context.Context, resource NewResource) (Resource, error) {
	return call[Resource](ctx, c, http.MethodPost, "resources", resource)
}

// Resources lists all resources, in the order of their audiences.
func (c *Client) Resources(ctx context.Context) iter.Seq2[Resource, error] {
	return list[Resource](ctx, c, "resources", nil)
}

// ShowResource gives one resource.
func (c *Client) ShowResource(ctx context.Context, audience string) (Resource, error) {
	return call[Resource](ctx, c, http.MethodGet, at("resources", audience), nil)
}

// UpdateResource replaces a resource's settings.
func (c *Client) UpdateResource(ctx context.Context, audience string, update ResourceUpdate) (Resource, error) {
	return call[Resource](ctx, c, http.MethodPut, at("resources", audience), update)
}

// DeleteResource removes a resource and ends all tokens for it.
func (c *Client) DeleteResource(ctx context.Context, audience string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("resources", audience), nil)
	return err
}
