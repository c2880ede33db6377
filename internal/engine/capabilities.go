package engine

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// certificateMethods are the methods of authentication by certificate that this
// server can keep to.
func (e *Engine) certificateMethods() (methods []oauth.AuthMethod) {
	if e.policy.Mutual.On {
		methods = append(methods, oauth.AuthSelfSignedTLS)
	}
	if e.policy.Mutual.On && e.policy.Mutual.Authorities != nil {
		methods = append(methods, oauth.AuthTLS)
	}
	return methods
}

// Capabilities are what the metadata documents say of this server beyond what is
// fixed.
func (e *Engine) Capabilities() oauth.Capabilities {
	scopes := oauth.StandardScopes()
	claims := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}
	for _, scope := range scopes {
		claims = append(claims, oauth.AttributesOf(scope)...)
	}
	slices.Sort(claims)
	methods := []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost, oauth.AuthPrivateKeyJWT, oauth.AuthNone}
	return oauth.Capabilities{
		Scopes:        scopes,
		Claims:        slices.Compact(claims),
		ACRValues:     decide.ACRValues(),
		GrantTypes:    []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials},
		AuthMethods:   append(methods, e.certificateMethods()...),
		MutualTLS:     e.policy.Mutual.On,
		MutualOrigin:  e.policy.Mutual.Origin,
		IDTokenAlgs:   signingAlgs(), // OpenID Connect Discovery §3: RS256 MUST be included
		AssertionAlgs: decide.SigningAlgs(),
		RequestAlgs:   decide.SigningAlgs(), // none is for who registers it, and offered to nobody
		FormPost:      true,
		Registration:  e.RegistrationIsOn(),
	}
}
