package decide

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// UserClaims is the answer of the userinfo endpoint (OpenID Connect Core
// §5.3.2): claim names and their values, sub always among them.
type UserClaims map[string]any

// UserinfoAnswer is what userinfo tells, and how the client of the token wants it.
type UserinfoAnswer struct {
	Claims   UserClaims
	Alg      string // of the signature; empty: it is plain JSON
	ClientID string // whom a signed answer is for
}

// Userinfo tells the bearer of an access token about its user. The token must be
// alive, meant for us and be one of an OpenID Connect request.
func Userinfo(tok Presented, st *record.TokenState, env Env) Outcome[UserinfoAnswer] {
	if err := bearerFor(oauth.ScopeOpenID, tok, st, env); err != nil { // OpenID Connect Core §5.3
		return refuse[UserinfoAnswer](err)
	}
	if st.User == nil || st.Subject == nil {
		return refuse[UserinfoAnswer](refuseBearer(oauth.ReasonTokenInactive, tok.Access, st))
	}
	return Outcome[UserinfoAnswer]{Answer: UserinfoAnswer{
		Claims:   userClaims(tok.Access, st.User, st.Subject),
		Alg:      st.Subject.Settings.UserinfoSigningAlg,
		ClientID: st.Subject.ID,
	}}
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
	tell := func(names []string) {
		for _, name := range names {
			if value, has := known[name]; has && client.Reads(name) {
				claims[name] = value
			}
		}
	}
	for _, scope := range tok.Scope {
		tell(oauth.AttributesOf(scope))
	}
	tell(tok.Userinfo) // §5.5
	claims["sub"] = tok.Subject
	return claims
}

// claimsOf are the attributes that an ID token tells because they were asked for
// there by name (§5.5). One that the user does not have is no error, "whether they
// are Essential or Voluntary" (§5.5.1).
func claimsOf(names []string, user *record.User, client *record.Client) []record.Claim {
	if len(names) == 0 || user == nil {
		return nil
	}
	var told []record.Claim
	known := attributes(user)
	for _, name := range names {
		if value, has := known[name]; has && client.Reads(name) {
			if text, err := json.Marshal(value); err == nil {
				told = append(told, record.Claim{Name: name, Value: text})
			}
		}
	}
	return told
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
	if address, has := known["address"].(json.RawMessage); has {
		known["address"] = wholeAddress(address)
	}
	if user.Email != nil {
		known["email"], known["email_verified"] = user.Email.Value, user.Email.VerifiedAt != 0
	}
	if user.Phone != nil {
		known["phone_number"], known["phone_number_verified"] = user.Phone.Value, user.Phone.VerifiedAt != 0
	}
	return known
}

// wholeAddress adds the address in one text to one that is known in its parts
// (§5.1.1, formatted: "Full mailing address, formatted for display").
func wholeAddress(stored json.RawMessage) json.RawMessage {
	var parts map[string]string
	if json.Unmarshal(stored, &parts) != nil || parts["formatted"] != "" {
		return stored
	}
	var lines []string
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			lines = append(lines, text)
		}
	}
	add(parts["street_address"])
	add(parts["postal_code"] + " " + parts["locality"])
	add(parts["region"])
	add(parts["country"])
	if len(lines) == 0 {
		return stored
	}
	parts["formatted"] = strings.Join(lines, "\n")
	whole, err := json.Marshal(parts)
	if err != nil {
		return stored
	}
	return whole
}
