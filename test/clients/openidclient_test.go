//go:build external

package clients

import (
	"slices"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// TestOpenIDClientRegistersItselfAndDoesAllThatItCan: with a key of its own it also
// sends request objects, has pairwise subjects, and hears of logouts.
func TestOpenIDClientRegistersItselfAndDoesAllThatItCan(t *testing.T) {
	everything := []string{
		"discovery and registration",
		"code with PKCE, state, nonce and max_age",
		"userinfo",
		"refresh",
		"introspection",
		"a request object by reference",
		"an authorization request without a request object",
		"prompt=login with an id_token_hint",
		"the keys turn under a client that keeps them",
		"revocation",
		"logout",
		"the logout token",
		"nobody is signed in any more",
	}
	forKeys := []string{"a request object by reference", "an authorization request without a request object", "the logout token"}
	s := server.Start(t, "--registration", "token", "--trusted-network", "127.0.0.1")
	token, err := s.Admin().CreateRegistrationToken(t.Context(), admin.NewRegistrationToken{Name: "tests", TTL: int64(time.Hour / time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, alg string
		without     []string
	}{
		{"private_key_jwt", "PS256", nil},
		{"client_secret_basic", "RS256", forKeys},
		{"client_secret_post", "ES256", forKeys},
		{"none", "Ed25519", append(forKeys, "introspection")},
	} {
		t.Run(c.method, func(t *testing.T) {
			steps := slices.DeleteFunc(slices.Clone(everything), func(step string) bool { return slices.Contains(c.without, step) })
			user := s.NewUser(c.method + "@example.com")
			relyingParty{
				Issuer: s.Issuer, Method: c.method, Alg: c.alg, Callback: callback, Goodbye: goodbye,
				Sub: user.Sub, Email: user.Email, Initial: token.Token, script: "openid-client.mjs", rotate: func() { s.CLI("key", "rotate") },
			}.does(t, person.New(t, s.Issuer, user), steps...)
		})
	}
}
