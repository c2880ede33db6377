package oauth

import "testing"

func TestWhereAnAccessTokenIsFound(t *testing.T) {
	for _, c := range []struct {
		authorization, body, query string
		token                      string
		reason                     Reason
	}{
		{authorization: "Bearer mF_9.B5f-4.1JqM", token: "mF_9.B5f-4.1JqM"}, // RFC 6750 §2.1
		{authorization: "bearer abc==", token: "abc=="},                     // RFC 9110 §11.1: scheme in any case
		{body: "access_token=mF_9.B5f-4.1JqM", token: "mF_9.B5f-4.1JqM"},    // RFC 6750 §2.2
		{reason: ReasonTokenMissing},
		{authorization: "Basic YTpi", reason: ReasonTokenMissing},
		{authorization: "Bearerabc", reason: ReasonTokenMissing},
		{authorization: "Bearer", reason: ReasonTokenMalformed},
		{authorization: "Bearer ", reason: ReasonTokenMalformed},
		{authorization: "Bearer ===", reason: ReasonTokenMalformed},
		{authorization: "Bearer a b", reason: ReasonTokenMalformed},
		{authorization: "Bearer a,b", reason: ReasonTokenMalformed},
		{authorization: `Bearer "a"`, reason: ReasonTokenMalformed},
		{authorization: "Bearer a=b", reason: ReasonTokenMalformed},
		{body: "access_token=a%20b", reason: ReasonTokenMalformed},
		{authorization: "Bearer a", body: "access_token=a", reason: ReasonTokenPresentedTwice}, // RFC 6750 §2
		{query: "access_token=a", reason: ReasonTokenInQuery},                                  // RFC 9700 §4.3.2
		{authorization: "Bearer a", query: "access_token=a", reason: ReasonTokenInQuery},
		{body: "access_token=a&access_token=b", reason: ReasonParameterRepeated},
		{query: "access_token=a&access_token=b", reason: ReasonParameterRepeated},
	} {
		body, _ := ParseForm(c.body)
		query, _ := ParseForm(c.query)
		token, err := BearerToken(c.authorization, body, query)
		if token != c.token || (err == nil) != (c.reason == "") || err != nil && err.Reason != c.reason {
			t.Errorf("%q %q %q: %q, %v", c.authorization, c.body, c.query, token, err)
		}
	}
}

// RFC 6750 §3.
func TestChallenges(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Refuse(ReasonTokenMissing).BearerChallenge("https://id.example", nil), `Bearer realm="https://id.example"`},
		{
			Refuse(ReasonTokenExpired).BearerChallenge("r", nil),
			`Bearer realm="r", error="invalid_token", error_description="The access token is invalid, expired or revoked"`,
		},
		{
			Refuse(ReasonTokenScopeInsufficient).BearerChallenge("r", Scopes{"a", "b"}),
			`Bearer realm="r", error="insufficient_scope", error_description="The access token does not have the scope that is needed", scope="a b"`,
		},
		{BasicChallenge("a\"b\\c\r\nd\u00e9"), `Basic realm="a\"b\\c??d??"`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}
