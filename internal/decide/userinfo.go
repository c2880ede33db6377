package decide

import (
	"encoding/json"
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// UserClaims is the answer of the userinfo endpoint (OpenID Connect Core
// §5.3.2): claim names and their values, sub always among them.
type UserClaims map[string]any

// Userinfo tells the bearer of an access token about its user. The token must be
// alive, meant for us and be one of an OpenID Connect request.
func Userinfo(tok Presented, st *record.TokenState, env Env) Outcome[UserClaims] {
	if err := bearerFor(oauth.ScopeOpenID, tok, st, env); err != nil { // OpenID Connect Core §5.3
		return refuse[UserClaims](err)
	}
	if st.User == nil || st.Subject == nil {
		return refuse[UserClaims](refuseBearer(oauth.ReasonTokenInactive, tok.Access, st))
	}
	return Outcome[UserClaims]{Answer: userClaims(tok.Access, st.User, st.Subject)}
}

// refuseBearer refuses an access token. RFC 6750 §3.1: whatever made it worthless,
// at a resource the answer is invalid_token.
func refuseBearer(reason oauth.Reason, tok *record.VerifiedToken, st *record.TokenState) *oauth.Error {
	err := oauth.Refuse(oauth.ReasonTokenInactive).About(oauth.Detail{
		Client: tok.ClientID, GID: tok.GID, KID: tok.KID, Expected: st.LC, Seen: tok.RVS,
	})
	err.Reason = reason
	return err
}

// userClaims are the claims behind the token's scopes (OpenID Connect Core §5.4)
// that the client may read and that the user has.
func userClaims(tok *record.VerifiedToken, user *record.User, client *record.Client) UserClaims {
	known := attributes(user)
	claims := UserClaims{}
	for _, scope := range tok.Scope {
		for _, name := range oauth.AttributesOf(scope) {
			if value, has := known[name]; has && client.Reads(name) {
				claims[name] = value
			}
		}
	}
	claims["sub"] = tok.Subject
	return claims
}

// attributes is everything known of a user, by claim name. E-mail address and
// telephone number come from the identifiers alone, so that what is said to be
// verified is what was verified (OpenID Connect Core §5.1). A claim that is null
// or the empty string is left out (§5.3.2).
func attributes(user *record.User) UserClaims {
	known := UserClaims{}
	var stored map[string]json.RawMessage
	if json.Unmarshal(user.Claims, &stored) == nil {
		for name, value := range stored {
			if text := string(value); text != "null" && text != `""` {
				known[name] = value
			}
		}
	}
	for _, name := range slices.Concat(oauth.AttributesOf(oauth.ScopeEmail), oauth.AttributesOf(oauth.ScopePhone)) {
		delete(known, name)
	}
	if user.Email != nil {
		known["email"], known["email_verified"] = user.Email.Value, user.Email.VerifiedAt != 0
	}
	if user.Phone != nil {
		known["phone_number"], known["phone_number_verified"] = user.Phone.Value, user.Phone.VerifiedAt != 0
	}
	return known
}
