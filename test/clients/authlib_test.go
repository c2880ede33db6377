//go:build external

package clients

import (
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// TestAuthlibSignsItsUserInAndProtectsAnAPI runs an application on Flask.
func TestAuthlibSignsItsUserInAndProtectsAnAPI(t *testing.T) {
	const api = "https://api.example.com"
	const public = "prompt=none for a client that anybody could be"
	everybody := []string{
		"prompt=none says that nobody is signed in",
		"code with PKCE, state and nonce",
		"prompt=none",
		public,
		"userinfo",
		"an API takes the access token by RFC 9068, and no ID token",
		"refresh",
		"introspection",
		"client_credentials",
		"the keys turn under a client that keeps them",
		"logout",
		"offline access goes on",
		"revocation",
	}
	notPublic := []string{"prompt=none", "introspection", "client_credentials"} // RFC 8252 §8.6, RFC 7662 §2.1, RFC 6749 §4.4
	s := server.Start(t)
	s.NewResource(api, "--scope", "orders:read")
	for _, c := range []struct{ method, alg string }{
		{"client_secret_basic", "ES256"},
		{"private_key_jwt", "RS256"},
		{"none", "ES256"},
	} {
		t.Run(c.method, func(t *testing.T) {
			grants, without := "authorization_code,refresh_token,client_credentials", []string{public}
			if c.method == "none" {
				grants, without = "authorization_code,refresh_token", notPublic
			}
			steps := slices.DeleteFunc(slices.Clone(everybody), func(step string) bool { return slices.Contains(without, step) })
			flags := []string{
				"--grant", grants, "--auth-method", c.method, "--id-token-alg", c.alg,
				"--redirect-uri", callback, "--post-logout-redirect-uri", goodbye,
				"--scope", "openid,profile,email,offline_access,orders:read", "--resource", api,
			}
			var key map[string]string
			if c.method == "private_key_jwt" {
				var set string
				key, set = ownKey(t)
				flags = append(flags, "--jwks", set)
			}
			client := s.NewClient("Flask app", flags...)
			user := s.NewUser(c.method + "@example.com")
			relyingParty{
				Issuer: s.Issuer, ClientID: client.ClientID, ClientSecret: client.ClientSecret, PrivateJWK: key,
				Method: c.method, Alg: c.alg, Callback: callback, Goodbye: goodbye, API: api, Sub: user.Sub, Email: user.Email,
				script: "authlib-app.py", rotate: func() { s.CLI("key", "rotate") },
			}.does(t, person.New(t, s.Issuer, user), steps...)
		})
	}
}
