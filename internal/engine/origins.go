package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// MayRead reports whether scripts of an origin may read what a client is answered:
// those of a public client from where one of its redirect URIs leads. A secret has
// no place in a browser, so a confidential client has no such origin. When the
// client cannot be read nobody may; the request itself says what the trouble is.
func (e *Engine) MayRead(ctx context.Context, clientID, origin string) bool {
	client, err := e.store.Client(ctx, clientID)
	if err != nil || client == nil || !client.Public() {
		return false
	}
	s := &client.Settings
	return oauth.OriginAmong(s.RedirectURIs, origin, s.ApplicationType == applicationNative)
}
