package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
)

// victim is what is revoked, and how.
type victim struct {
	endsGrant bool // and not the access token alone
	socket    bool // by an administrator
	request   func(context.Context, *app.Cast, app.Tokens) (*http.Request, error)
}

// victims have entries and rows of different kinds: gid, jti and sub.
var victims = []victim{
	{endsGrant: true, request: func(ctx context.Context, c *app.Cast, t app.Tokens) (*http.Request, error) {
		return c.Shop.Request(ctx, "/oauth2/revoke", url.Values{"token": {t.Refresh}})
	}},
	{request: func(ctx context.Context, c *app.Cast, t app.Tokens) (*http.Request, error) {
		return c.Shop.Request(ctx, "/oauth2/revoke", url.Values{"token": {t.Access}})
	}},
	{endsGrant: true, socket: true, request: func(ctx context.Context, c *app.Cast, _ app.Tokens) (*http.Request, error) {
		body, err := json.Marshal(admin.Revocation{Kind: "user", IDs: []string{c.Ana.Sub}, Reason: "the server will be killed"})
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://mintmark/admin/v1/revocations", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/json")
		return request, nil
	}},
}
