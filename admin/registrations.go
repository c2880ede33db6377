package admin

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// NewRegistrationToken is an initial access token to create.
type NewRegistrationToken struct {
	// Name says whom it is for.
	Name string `json:"name"`
	// TTL is how long it works, in seconds.
	TTL int64 `json:"ttl"`
	// Uses is how many clients may register with it; zero: as many as they like.
	Uses int64 `json:"uses,omitempty"`
}

// RegistrationToken is an initial access token (RFC 7591 §1.2).
type RegistrationToken struct {
	ID string `json:"id"`
	// Token is in the answer that made it, and never again.
	Token     string    `json:"token,omitempty"`
	Name      string    `json:"name"`
	Uses      int64     `json:"uses,omitempty"`
	Used      int64     `json:"used"`
	CreatedAt time.Time `json:"created_at"`
	EndsAt    time.Time `json:"ends_at"`
}

// CreateRegistrationToken lets whoever holds the token in the answer register clients.
func (c *Client) CreateRegistrationToken(ctx context.Context, token NewRegistrationToken) (RegistrationToken, error) {
	return call[RegistrationToken](ctx, c, http.MethodPost, "registration-tokens", token)
}

// RegistrationTokens lists all initial access tokens, also those that have ended.
func (c *Client) RegistrationTokens(ctx context.Context) iter.Seq2[RegistrationToken, error] {
	return list[RegistrationToken](ctx, c, "registration-tokens", nil)
}

// DeleteRegistrationToken takes one back. The clients that came with it stay.
func (c *Client) DeleteRegistrationToken(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("registration-tokens", id), nil)
	return err
}
