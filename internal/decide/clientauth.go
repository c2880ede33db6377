package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Authenticated is a client that has shown who it is: a confidential one proved
// it, a public one only said so. Authenticate alone makes one that is not empty.
type Authenticated struct{ client *record.Client }

// Client returns the client; nil for the zero Authenticated.
func (a Authenticated) Client() *record.Client { return a.client }

// Authenticate decides whether a request comes from the client it names. client
// is the row with that client_id, nil if there is none. All refusals are one
// error on the wire (RFC 6749 §5.2), so that nobody learns which clients exist.
func Authenticate(cred oauth.Credentials, client *record.Client, now int64) (Authenticated, *oauth.Error) {
	if client == nil || client.ID != cred.ClientID {
		return Authenticated{}, refuseClient(oauth.ReasonClientUnknown, cred)
	}
	registered := authMethod(client)
	switch {
	case cred.Method == registered:
	case cred.Method == oauth.AuthNone:
		// RFC 6749 §3.2.1: confidential clients MUST authenticate.
		return Authenticated{}, refuseClient(oauth.ReasonClientAuthMissing, cred)
	default:
		// OpenID Connect Core §9: the method registered, not any other that would do.
		return Authenticated{}, refuseClient(oauth.ReasonClientAuthMethodWrong, cred)
	}
	if registered != oauth.AuthNone && !secretMatches(cred.Secret, client.Secrets, now) {
		return Authenticated{}, refuseClient(oauth.ReasonClientSecretWrong, cred)
	}
	if !client.Enabled {
		return Authenticated{}, refuseClient(oauth.ReasonClientDisabled, cred)
	}
	return Authenticated{client: client}, nil
}

// authMethod is the method the client registered. RFC 7591 §2: "If unspecified
// or omitted, the default is client_secret_basic".
func authMethod(client *record.Client) oauth.AuthMethod {
	if client.Settings.TokenEndpointAuthMethod == "" {
		return oauth.AuthBasic
	}
	return oauth.AuthMethod(client.Settings.TokenEndpointAuthMethod)
}

// secretMatches compares with every live secret, whichever matches: the time
// taken says nothing about which one it was or where it differed.
func secretMatches(presented string, stored []record.ClientSecret, now int64) bool {
	found := false
	for _, s := range stored {
		live := s.EndsAt == 0 || now < s.EndsAt
		if secret.Matches(presented, s.Hash) && live {
			found = true
		}
	}
	return found
}

func refuseClient(reason oauth.Reason, cred oauth.Credentials) *oauth.Error {
	return oauth.Refuse(reason).About(oauth.Detail{Client: cred.ClientID})
}

// authenticateFor is Authenticate followed by the next step of the contract's
// order of checks: was the client given the grant type.
func authenticateFor(req *oauth.TokenRequest, client *record.Client, grantType string, now int64) (*record.Client, *oauth.Error) {
	caller, err := Authenticate(req.Credentials, client, now)
	if err != nil {
		return nil, err
	}
	if !caller.Client().Allows(grantType) {
		return nil, refuseClient(oauth.ReasonGrantNotAllowed, req.Credentials) // RFC 6749 §5.2, unauthorized_client
	}
	return caller.Client(), nil
}
