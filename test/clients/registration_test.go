//go:build external

package clients

import (
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

// TestOAuth4WebAPIRegistersItself lets a relying party begin with nothing but the
// issuer and an initial access token.
func TestOAuth4WebAPIRegistersItself(t *testing.T) {
	steps := []string{
		"discovery",
		"registration",
		"registration without a token",
		"registration of what is not done here",
		"registration again",
		"code",
		"refresh",
		"userinfo",
		"management",
	}
	s := server.Start(t, "--registration", "token")
	token, err := s.Admin().CreateRegistrationToken(t.Context(), admin.NewRegistrationToken{Name: "tests", TTL: int64(time.Hour / time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		t.Run(method, func(t *testing.T) {
			user := s.NewUser(method + "@example.com")
			relyingParty{
				Issuer: s.Issuer, Method: method, Callback: callback, Sub: user.Sub, Email: user.Email, Initial: token.Token,
				script: "registering-party.mjs",
			}.does(t, person.New(t, s.Issuer, user), steps...)
		})
	}
}
