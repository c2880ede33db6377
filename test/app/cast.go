package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/server"
	"github.com/mintmark-id/mintmark/verify"
)

// Orders is the API of a cast.
const Orders = "https://orders.example"

// Cast is who has to do with a revocation: somebody who signs in to an
// application, with which they call an API.
type Cast struct {
	Issuer string
	Office *admin.Client // its administration; close it
	Shop   *App          // a person's application, which asks for no consent
	APIs   *App          // what APIs are to the server: it introspects, and reads the feed
	Ana    admin.User
}

// NewCast puts a cast on an empty server.
func NewCast(ctx context.Context, p *server.Process) (*Cast, error) {
	c := &Cast{Issuer: p.Issuer, Office: p.Admin()}
	if err := c.settle(ctx); err != nil {
		c.Office.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cast) settle(ctx context.Context) (err error) {
	if _, err := c.Office.CreateResource(ctx, admin.NewResource{Audience: Orders}); err != nil {
		return fmt.Errorf("making the API: %w", err)
	}
	c.Shop, err = Register(ctx, c.Office, c.Issuer, admin.NewClient{ClientID: "shop", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scope: "openid", Resources: []string{Orders}, FirstParty: true,
	}})
	if err != nil {
		return err
	}
	c.APIs, err = Register(ctx, c.Office, c.Issuer, admin.NewClient{ClientID: "apis", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"client_credentials"}, Scope: "revocations:read", Resources: []string{Orders},
	}})
	if err != nil {
		return err
	}
	c.Ana, err = c.NewUser(ctx, "ana@example.com")
	return err
}

// NewUser makes somebody who can sign in.
func (c *Cast) NewUser(ctx context.Context, email string) (admin.User, error) {
	user, err := c.Office.CreateUser(ctx, admin.NewUser{UserProfile: admin.UserProfile{Email: email, EmailVerified: true}})
	if err != nil {
		return admin.User{}, fmt.Errorf("making a user: %w", err)
	}
	return user, nil
}

// Verifier follows the server's log for the API. It logs nothing, unless told to.
func (c *Cast) Verifier(ctx context.Context, options ...verify.Option) (*verify.Verifier, error) {
	return verify.New(ctx, c.Issuer, Orders, append([]verify.Option{
		verify.WithClient(c.APIs.ID, c.APIs.Secret), verify.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
}

// Await waits until something holds, at most so long, and else says what did not.
func Await(ctx context.Context, what string, within time.Duration, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-ctx.Done():
			if holds() {
				return nil
			}
			return fmt.Errorf("after %s still not: %s", within, what)
		}
	}
	return nil
}
