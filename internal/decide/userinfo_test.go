package decide

import (
	"encoding/json"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

func newUserinfo(scope ...string) *tokenCase {
	c := newAccess(tokenClient())
	c.tok.Access.Scope = scope
	c.st.Client = nil // nobody authenticates but the token
	c.st.User = &record.User{
		ID: "ana", Status: record.UserActive,
		Claims: json.RawMessage(`{"name":"Ana","nickname":null,"website":"","address":{"locality":"Porto"},"email":"old@example.org","sub":"forged","tier":"gold"}`),
		Email:  &record.Identifier{Kind: record.IdentifierEmail, Value: "ana@example.org", VerifiedAt: 1},
		Phone:  &record.Identifier{Kind: record.IdentifierPhone, Value: "+351210000000"},
	}
	return c
}

// OpenID Connect Core §5.3.2, §5.4.
func TestUserinfoTellsWhatTheScopeAsksForAndTheClientMayRead(t *testing.T) {
	cases := []struct {
		name   string
		scope  []string
		change func(c *tokenCase)
		want   string
	}{
		{"sub alone", []string{"openid"}, nil, `{"sub":"ana"}`},
		{"§5.3.2: a claim without a value is left out", []string{"openid", "profile"}, nil, `{"sub":"ana","name":"Ana"}`},
		{"§5.1: the e-mail address is the identifier, not what was imported", []string{"openid", "email"}, nil, `{"sub":"ana","email":"ana@example.org","email_verified":true}`},
		{"§5.1: a number that was not verified", []string{"openid", "phone"}, nil, `{"sub":"ana","phone_number":"+351210000000","phone_number_verified":false}`},
		{"§5.1.1: the address is an object, and one text too", []string{"openid", "address"}, nil, `{"sub":"ana","address":{"locality":"Porto","formatted":"Porto"}}`},
		{
			"§5.1.1: the text is made of the parts",
			[]string{"openid", "address"},
			func(c *tokenCase) {
				c.st.User.Claims = []byte(`{"address":{"street_address":"Rua das Flores 1\n2.º","postal_code":"4050-262","locality":"Porto","country":"Portugal"}}`)
			},
			`{"sub":"ana","address":{"street_address":"Rua das Flores 1\n2.º","postal_code":"4050-262","locality":"Porto","country":"Portugal","formatted":"Rua das Flores 1\n2.º\n4050-262 Porto\nPortugal"}}`,
		},
		{
			"§5.1.1: a text that is there stays",
			[]string{"openid", "address"},
			func(c *tokenCase) {
				c.st.User.Claims = []byte(`{"address":{"formatted":"At home","locality":"Porto"}}`)
			},
			`{"sub":"ana","address":{"formatted":"At home","locality":"Porto"}}`,
		},
		{
			"§5.5: what was asked for by name",
			[]string{"openid"},
			func(c *tokenCase) { c.tok.Access.Userinfo = []string{"email", "name", "website"} },
			`{"sub":"ana","email":"ana@example.org","name":"Ana"}`,
		},
		{
			"§5.5: what was asked for by name and was taken from the client since",
			[]string{"openid"},
			func(c *tokenCase) {
				c.tok.Access.Userinfo = []string{"email", "name"}
				c.st.Subject.Settings.ReadAttributes = []string{"name"}
			},
			`{"sub":"ana","name":"Ana"}`,
		},
		{"a scope of an API says nothing about the user", []string{"openid", "tier", "orders:read"}, nil, `{"sub":"ana"}`},
		{
			"a user without e-mail address and claims",
			[]string{"openid", "email", "profile"},
			func(c *tokenCase) { c.st.User.Email, c.st.User.Claims = nil, nil },
			`{"sub":"ana"}`,
		},
		{
			"§5.1: an e-mail address that is no identifier is not told",
			[]string{"openid", "email"},
			func(c *tokenCase) { c.st.User.Email = nil },
			`{"sub":"ana"}`,
		},
		{
			"an attribute that was taken from the client since",
			[]string{"openid", "email", "profile"},
			func(c *tokenCase) { c.st.Subject.Settings.ReadAttributes = []string{"email"} },
			`{"sub":"ana","email":"ana@example.org"}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newUserinfo(c.scope...)
			if c.change != nil {
				c.change(x)
			}
			out := Userinfo(x.tok, &x.st, x.env)
			wantRefusal(t, out.Err, "", "")
			wantJSON(t, c.want, out.Answer.Claims)
		})
	}
}

// RFC 6750 §3.1: whatever is wrong with the token, it is the token.
func TestUserinfoRefusesATokenThatIsDeadOrForOthers(t *testing.T) {
	cases := []struct {
		name   string
		change func(c *tokenCase)
		reason oauth.Reason
		code   oauth.Code
	}{
		{"forged", func(c *tokenCase) { c.tok = Presented{Reason: oauth.ReasonTokenSignature} }, oauth.ReasonTokenSignature, oauth.InvalidToken},
		{"a refresh token", func(c *tokenCase) { c.tok = newPresentedRefresh(tokenClient(), 5).tok }, oauth.ReasonTokenWrongType, oauth.InvalidToken},
		{"expired", func(c *tokenCase) { c.tok.Access.ExpiresAt = tokenNow / second }, oauth.ReasonTokenExpired, oauth.InvalidToken},
		{"RFC 6749 §4.1.2: its code was used twice", func(c *tokenCase) { c.st.Parents.GrantEndedAt = 1 }, oauth.ReasonGrantEnded, oauth.InvalidToken},
		{"signed out", func(c *tokenCase) { c.st.Parents.SessionEndedAt = 1 }, oauth.ReasonSessionEnded, oauth.InvalidToken},
		{"user disabled", func(c *tokenCase) { c.st.Parents.UserStatus = record.UserDisabled }, oauth.ReasonUserDisabled, oauth.InvalidToken},
		{"client disabled", func(c *tokenCase) { c.st.Parents.ClientEnabled = false }, oauth.ReasonClientDisabled, oauth.InvalidToken},
		{"key compromised", func(c *tokenCase) { c.st.Parents.KeyStatus = record.KeyCompromised }, oauth.ReasonKeyCompromised, oauth.InvalidToken},
		{"revoked", func(c *tokenCase) { c.st.Parents.JTIRevoked = true }, oauth.ReasonJTIRevoked, oauth.InvalidToken},
		{"RFC 9068 §4: for an API", func(c *tokenCase) { c.tok.Access.Audience = []string{tokenAPI} }, oauth.ReasonTokenAudience, oauth.InvalidToken},
		{"OpenID Connect Core §5.3: without openid", func(c *tokenCase) { c.tok.Access.Scope = []string{"email"} }, oauth.ReasonTokenScopeInsufficient, oauth.InsufficientScope},
		{"of nobody", func(c *tokenCase) { c.st.User = nil }, oauth.ReasonTokenInactive, oauth.InvalidToken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newUserinfo("openid", "email")
			c.change(x)
			out := Userinfo(x.tok, &x.st, x.env)
			wantRefusal(t, out.Err, c.reason, c.code)
			if out.Answer.Claims != nil {
				t.Errorf("refused, yet told %v", out.Answer)
			}
			if want := map[oauth.Code]int{oauth.InvalidToken: 401, oauth.InsufficientScope: 403}[c.code]; out.Err.Status() != want {
				t.Errorf("status %d, want %d", out.Err.Status(), want)
			}
		})
	}
}
