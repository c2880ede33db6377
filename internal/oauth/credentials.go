package oauth

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/mintmark-id/mintmark/internal/clientcert"
)

// AuthMethod is a client authentication method, by its name in IANA's registry (RFC 7591 §2).
type AuthMethod string

// The methods that a client can register.
const (
	AuthBasic AuthMethod = "client_secret_basic"
	AuthPost  AuthMethod = "client_secret_post"
	AuthNone  AuthMethod = "none"
	// AuthPrivateKeyJWT is a JWT that the client signs with a key of its own. OpenID Connect Core §9.
	AuthPrivateKeyJWT AuthMethod = "private_key_jwt"
	// AuthTLS is the certificate of the connection, which an authority vouches for. RFC 8705 §2.1.
	AuthTLS AuthMethod = "tls_client_auth"
	// AuthSelfSignedTLS is the certificate of the connection, which the client registered. RFC 8705 §2.2.
	AuthSelfSignedTLS AuthMethod = "self_signed_tls_client_auth"
)

// ByCertificate reports whether the client says who it is and its connection proves it. RFC 8705 §2.
func (m AuthMethod) ByCertificate() bool { return m == AuthTLS || m == AuthSelfSignedTLS }

// jwtBearer is the one type of client assertion. RFC 7523 §2.2.
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Credentials are what a client says about itself: unproven until decide has looked.
type Credentials struct {
	ClientID  string // "" if only its assertion says who it is (RFC 7521 §4.2)
	Secret    string // of AuthBasic and AuthPost
	Assertion string // of AuthPrivateKeyJWT
	// Method is how the request itself authenticates. Where it is AuthNone the connection may.
	Method AuthMethod
	// Certificate is what the connection showed, whether or not it is meant for this; nil: none. Nothing of the request.
	Certificate *clientcert.Certificate
	// Endpoint is the path that the request came to, which an assertion may name as its audience.
	Endpoint string
}

// ParseCredentials finds the client's one way of authenticating: in the Authorization header ("" if there is none) or in
// the body. RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
func ParseCredentials(authorization string, f Form) (Credentials, *Error) {
	id, secret := f.Get("client_id"), f.Get("client_secret")
	if !isVSCHAR(id) {
		return Credentials{}, Refuse(ReasonParameterMalformed).With("client_id")
	}
	if !isVSCHAR(secret) {
		return Credentials{}, Refuse(ReasonParameterMalformed).With("client_secret")
	}
	switch {
	case f.Get("client_assertion") != "" || f.Get("client_assertion_type") != "":
		return parseAssertion(authorization, f)
	case authorization != "" && secret != "":
		return Credentials{}, Refuse(ReasonClientAuthTwice).With("client_secret")
	case authorization != "":
		c, err := parseBasic(authorization)
		if err == nil && id != "" && id != c.ClientID {
			return Credentials{}, Refuse(ReasonClientIDMismatch).With("client_id")
		}
		return c, err
	case id == "":
		return Credentials{}, Refuse(ReasonClientAuthMissing)
	case secret != "":
		return Credentials{ClientID: id, Secret: secret, Method: AuthPost}, nil
	}
	return Credentials{ClientID: id, Method: AuthNone}, nil
}

// parseAssertion reads RFC 7521 §4.2. Whose it is may stand in the assertion alone.
func parseAssertion(authorization string, f Form) (Credentials, *Error) {
	assertion, kind := f.Get("client_assertion"), f.Get("client_assertion_type")
	switch {
	case authorization != "" || f.Get("client_secret") != "":
		return Credentials{}, Refuse(ReasonClientAuthTwice).With("client_assertion")
	case assertion == "":
		return Credentials{}, Refuse(ReasonParameterMissing).With("client_assertion")
	case kind == "":
		return Credentials{}, Refuse(ReasonParameterMissing).With("client_assertion_type")
	case kind != jwtBearer:
		return Credentials{}, Refuse(ReasonClientAuthMethodWrong) // a kind of assertion that nobody can register
	}
	return Credentials{ClientID: f.Get("client_id"), Assertion: assertion, Method: AuthPrivateKeyJWT}, nil
}

// parseBasic reads RFC 7617 §2 with the twist of RFC 6749 §2.3.1: identifier and secret are form-encoded inside.
func parseBasic(authorization string) (Credentials, *Error) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return Credentials{}, Refuse(ReasonClientAuthMethodWrong)
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil {
		return Credentials{}, Refuse(ReasonClientAuthMalformed).Because(err)
	}
	rawID, rawSecret, colon := strings.Cut(string(pair), ":")
	id, idOK := unescape(rawID)
	secret, secretOK := unescape(rawSecret)
	if !colon || !idOK || !secretOK || id == "" || !isVSCHAR(id) || !isVSCHAR(secret) {
		return Credentials{}, Refuse(ReasonClientAuthMalformed)
	}
	return Credentials{ClientID: id, Secret: secret, Method: AuthBasic}, nil
}

// IsClientID reports whether a text can be a client_id: printable ASCII (RFC 6749 appendix A.1), and not endless.
func IsClientID(s string) bool { return s != "" && len(s) <= 256 && isVSCHAR(s) }

// isVSCHAR: RFC 6749 appendix A.1 and A.2, client_id and client_secret are *VSCHAR, %x20-7E.
func isVSCHAR(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// BasicCredentials is the Authorization header of a client that shows its secret: RFC 6749 §2.3.1, both form-encoded first.
func BasicCredentials(clientID, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID)+":"+url.QueryEscape(secret)))
}
