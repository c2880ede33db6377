package admin

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// NewAdminToken is an admin token to create.
type NewAdminToken struct {
	// Name ([a-z0-9-]{3,64}) stands for the token in the audit trail.
	Name string `json:"name"`
	// Scopes are nouns with :read or :write, such as clients:read.
	Scopes []string `json:"scopes"`
	// TTL is how long it works, in seconds.
	TTL int64 `json:"ttl"`
}

// AdminToken is a token with which the API is used from elsewhere.
type AdminToken struct {
	Name string `json:"name"`
	// Token is in the answer that made it, and never again.
	Token     string    `json:"token,omitempty"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	EndsAt    time.Time `json:"ends_at"`
	UsedAt    time.Time `json:"used_at,omitzero"` // to the minute; zero: never
}

// CreateAdminToken lets whoever holds the token in the answer administer from
// elsewhere. Like all that concerns these tokens it is done at the server's own
// socket alone (Dial): no token makes another.
func (c *Client) CreateAdminToken(ctx context.Context, token NewAdminToken) (AdminToken, error) {
	return call[AdminToken](ctx, c, http.MethodPost, "admin-tokens", token)
}

// AdminTokens lists all admin tokens, also those that have ended.
func (c *Client) AdminTokens(ctx context.Context) iter.Seq2[AdminToken, error] {
	return list[AdminToken](ctx, c, "admin-tokens", nil)
}

// DeleteAdminToken takes one back: it is of no use from then on.
func (c *Client) DeleteAdminToken(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("admin-tokens", name), nil)
	return err
}
