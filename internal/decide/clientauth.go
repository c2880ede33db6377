package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Authenticated is a client that has shown who it is: a confidential one proved
// it, a public one only said so. Authenticate alone makes one that is not empty.
type Authenticated struct {
	client *record.Client
	spend  *record.Spend // its assertion, which counts no second time; nil: it used none
}

// Client returns the client; nil for the zero Authenticated.
func (a Authenticated) Client() *record.Client { return a.client }

// Authenticate decides whether a request comes from the client it names, whose
// row is the state's. All refusals are one error on the wire (RFC 6749 §5.2), so
// that nobody learns which clients exist.
func Authenticate(cred oauth.Credentials, st *record.ClientState, env Env) (Authenticated, *oauth.Error) {
	client := st.Client
	if client == nil || client.ID != cred.ClientID {
		return Authenticated{}, refuseClient(oauth.ReasonClientUnknown, cred)
	}
	method := authMethod(client)
	switch {
	case cred.Method == method:
	case cred.Method == oauth.AuthNone && method.ByCertificate(): // RFC 8705 §2: the request has the client_id, the connection the rest
	case cred.Method == oauth.AuthNone:
		// RFC 6749 §3.2.1: confidential clients MUST authenticate.
		return Authenticated{}, refuseClient(oauth.ReasonClientAuthMissing, cred)
	default:
		// OpenID Connect Core §9: the method registered, not any other that would do.
		return Authenticated{}, refuseClient(oauth.ReasonClientAuthMethodWrong, cred)
	}
	caller := Authenticated{client: client}
	switch method {
	case oauth.AuthNone:
	case oauth.AuthTLS, oauth.AuthSelfSignedTLS:
		if err := certified(method, cred, st, env); err != nil {
			return Authenticated{}, err
		}
	case oauth.AuthPrivateKeyJWT:
		var err *oauth.Error
		if caller.spend, err = provenBy(cred, st, env); err != nil {
			return Authenticated{}, err
		}
	default:
		if !secretMatches(cred.Secret, client.Secrets, env.Now) {
			return Authenticated{}, refuseClient(oauth.ReasonClientSecretWrong, cred)
		}
	}
	if !client.Enabled {
		return Authenticated{}, refuseClient(oauth.ReasonClientDisabled, cred)
	}
	return caller, nil
}

// authenticated makes a decision for the client that the request comes from, and
// adds what its authentication writes. A refusal has that too: an assertion that
// was believed is used, whatever became of the request. Where nothing is committed,
// by trouble of ours, it is not.
func authenticated[A any](
	cred oauth.Credentials, st *record.ClientState, env Env, decision func(*record.Client) Outcome[A],
) Outcome[A] {
	caller, err := Authenticate(cred, st, env)
	if err != nil {
		return refuse[A](err)
	}
	out := decision(caller.client)
	if caller.spend != nil {
		out.Changes = append([]record.Change{*caller.spend}, out.Changes...)
	}
	return out
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

// authenticatedFor is authenticated for a token request, followed by the next step
// of the contract's order of checks: was the client given the grant type.
func authenticatedFor(
	req *oauth.TokenRequest, grantType string, st *record.ClientState, env Env, decision func(*record.Client) Outcome[record.Tokens],
) Outcome[record.Tokens] {
	return authenticated(req.Credentials, st, env, func(client *record.Client) Outcome[record.Tokens] {
		if !client.Allows(grantType) {
			return refuse[record.Tokens](refuseClient(oauth.ReasonGrantNotAllowed, req.Credentials)) // RFC 6749 §5.2, unauthorized_client
		}
		if client.Settings.CertificateBound && req.Credentials.Certificate == nil {
			return refuse[record.Tokens](refuseClient(oauth.ReasonCertificateRequired, req.Credentials)) // RFC 8705 §3.4
		}
		return decision(client)
	})
}
