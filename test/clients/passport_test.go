//go:build external

package clients

import (
	"testing"

	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// TestAnApplicationOnPassportSignsItsUserIn: passport-openidconnect sends no PKCE
// challenge, so its client is set free of it (RFC 9700 §2.1.1 lets a nonce stand in).
func TestAnApplicationOnPassportSignsItsUserIn(t *testing.T) {
	s := server.Start(t)
	client := s.NewClient("Express app", "--grant", "authorization_code,refresh_token",
		"--auth-method", "client_secret_post", "--pkce", "optional",
		"--redirect-uri", callback, "--post-logout-redirect-uri", goodbye, "--scope", "openid,profile,email")
	user := s.NewUser("ana@example.com", "--verified", "--name", "Ana Sousa", "--given-name", "Ana", "--family-name", "Sousa")
	relyingParty{
		Issuer: s.Issuer, ClientID: client.ClientID, ClientSecret: client.ClientSecret, Method: "client_secret_post",
		Callback: callback, Goodbye: goodbye, Sub: user.Sub, Email: user.Email, script: "passport.mjs",
	}.does(t, person.New(t, s.Issuer, user),
		"prompt=none says that nobody is signed in",
		"sign-in",
		"a sign-in that must be fresh",
		"a silent one",
		"a code that was used",
		"logout",
	)
}
