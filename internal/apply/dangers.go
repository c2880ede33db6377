package apply

import (
	"fmt"
	"slices"

	"github.com/mintmark-id/mintmark/admin"
)

// longestUsual is how long an access token lives at most, in seconds, where nobody
// is asked whether it is meant.
const longestUsual = 3600

// dangers are what the server allows and is not done without being told.
func dangers(after any) []string {
	switch after := after.(type) {
	case admin.RegisteredClient:
		return ofClient(&after)
	case admin.Resource:
		return tooLong(after.AccessTokenTTL)
	}
	return nil
}

func ofClient(c *admin.RegisteredClient) []string {
	found := tooLong(c.AccessTokenTTL)
	if c.PKCE == "optional" && slices.Contains(c.GrantTypes, "authorization_code") {
		found = append(found, "pkce is optional: a code that is stolen on its way can be used (RFC 9700 §2.1.1)")
	}
	if c.RotateRefresh != nil && !*c.RotateRefresh && c.TokenEndpointAuthMethod == "none" {
		found = append(found, "rotate_refresh is false and the client is public: a stolen refresh token is never noticed (RFC 9700 §4.14.2)")
	}
	return found
}

func tooLong(ttl int64) []string {
	if ttl <= longestUsual {
		return nil
	}
	return []string{fmt.Sprintf("access_token_ttl is %d seconds, more than an hour: an API that does not follow the revocation log accepts a stolen token for so long", ttl)}
}
