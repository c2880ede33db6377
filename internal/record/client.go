package record

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// TokenProfile names how a client's tokens look: claim names, envelopes,
// lifetimes and transport. What a token may do never depends on it.
type TokenProfile string

// StandardProfile renders RFC 9068 access tokens and OpenID Connect ID tokens.
const StandardProfile TokenProfile = "standard"

// SecurityProfile names what a client must do: which of the stricter rules of
// OAuth it is held to.
type SecurityProfile string

// OIDCProfile is plain OpenID Connect with the rules of RFC 9700.
const OIDCProfile SecurityProfile = "oidc"

// PKCEMode says whether a client may leave out the code challenge.
type PKCEMode string

// The modes of PKCE. A challenge that was sent is always enforced; a public
// client is always PKCERequired, whatever its settings say.
const (
	PKCERequired PKCEMode = "required"
	PKCEOptional PKCEMode = "optional"
)

// ClientSettings is what an administrator decided about a client. The JSON
// names are those of RFC 7591 §2 where it has one.
type ClientSettings struct {
	RedirectURIs            []string        `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs  []string        `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes              []string        `json:"grant_types"`
	TokenEndpointAuthMethod string          `json:"token_endpoint_auth_method"`
	ApplicationType         string          `json:"application_type,omitempty"` // "web" or "native"
	Scope                   string          `json:"scope,omitempty"`            // space-separated allow-list
	Resources               []string        `json:"resources,omitempty"`        // audiences it may ask for
	DefaultResource         string          `json:"default_resource,omitempty"` // when it asks for none
	TokenProfile            TokenProfile    `json:"token_profile"`
	SecurityProfile         SecurityProfile `json:"security_profile"`
	PKCE                    PKCEMode        `json:"pkce"`
	// ResponseModes are those in which it takes the authorization response; nil means
	// all that the server has (ASVS 10.4.12).
	ResponseModes []string `json:"response_modes,omitempty"`
	// DefaultMaxAge in seconds stands in for a max_age that a request does not have.
	DefaultMaxAge *int64 `json:"default_max_age,omitempty"`
	// RequireAuthTime is kept for who reads the metadata: every ID token has auth_time.
	RequireAuthTime bool `json:"require_auth_time,omitempty"`
	// TokenEndpointAuthSigningAlg is what its assertions are signed with; empty: any
	// of decide.SigningAlgs that the key has.
	TokenEndpointAuthSigningAlg string `json:"token_endpoint_auth_signing_alg,omitempty"`
	// JWKS are its public keys themselves, JWKSURI is where they are; one of the two.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// The one name by which its certificate is known, of a client that authenticates
	// with tls_client_auth (RFC 8705 §2.1.2).
	TLSSubjectDN string `json:"tls_client_auth_subject_dn,omitempty"`
	TLSDNS       string `json:"tls_client_auth_san_dns,omitempty"`
	TLSURI       string `json:"tls_client_auth_san_uri,omitempty"`
	TLSIP        string `json:"tls_client_auth_san_ip,omitempty"`
	TLSEmail     string `json:"tls_client_auth_san_email,omitempty"`
	// CertificateBound binds its access tokens to the certificate of the connection on
	// which it gets them (RFC 8705 §3.4).
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	// RequestURIs are where it keeps request objects; RequestObjectSigningAlg is what
	// it signs them with, "none" if it does not; empty: any of decide.SigningAlgs.
	RequestURIs             []string `json:"request_uris,omitempty"`
	RequestObjectSigningAlg string   `json:"request_object_signing_alg,omitempty"`
	// RequireSignedRequestObject refuses all requests but signed request objects.
	RequireSignedRequestObject bool `json:"require_signed_request_object,omitempty"`
	// SubjectType is public (the default) or pairwise: OpenID Connect Core §8.
	SubjectType SubjectType `json:"subject_type,omitempty"`
	// SectorIdentifierURI names the sector of a pairwise client, and lists its redirect
	// URIs among those of others (§8.1).
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`
	// FirstParty skips the consent page: the operator's own application.
	FirstParty bool `json:"first_party,omitempty"`
	// ReadAttributes are the user attributes that the client may read. A scope is
	// granted only if all attributes behind it are here. Nil means all of them.
	ReadAttributes []string `json:"read_attributes,omitzero"`
	LogoURI        string   `json:"logo_uri,omitempty"`
	ClientURI      string   `json:"client_uri,omitempty"`
	PolicyURI      string   `json:"policy_uri,omitempty"`
	TosURI         string   `json:"tos_uri,omitempty"`
	// Lifetimes in seconds; zero means the server's default.
	AccessTTL          int64 `json:"access_token_ttl,omitempty"`
	IDTTL              int64 `json:"id_token_ttl,omitempty"`
	RefreshIdleTTL     int64 `json:"refresh_idle_ttl,omitempty"`
	RefreshAbsoluteTTL int64 `json:"refresh_absolute_ttl,omitempty"`
	// RetryWindow in seconds, 0-300: how long the predecessor of a rotated
	// refresh token still gets the same successor. Nil means 30.
	RetryWindow *int64 `json:"retry_window,omitempty"`
	// RotateRefresh overrides who rotates: nil means public clients do and
	// confidential ones do not. A public client without a bound key always does.
	RotateRefresh     *bool  `json:"rotate_refresh,omitempty"`
	IDTokenSigningAlg string `json:"id_token_signed_response_alg,omitempty"`
	// UserinfoSigningAlg makes its userinfo answers signed; empty means plain JSON.
	UserinfoSigningAlg string `json:"userinfo_signed_response_alg,omitempty"`
	// InitiateLoginURI is where a user goes who wants to begin at the server (OpenID
	// Connect Core §4).
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	// Who to ask about it, and which software it says it is.
	Contacts        []string `json:"contacts,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`
	// Localized are fields for people in other languages, by their names with the
	// language: client_name#de (RFC 7591 §2.2).
	Localized map[string]string `json:"localized,omitempty"`
	// AccessFormat is how its access tokens look; empty means a JWT. A resource may
	// ask for opaque ones too.
	AccessFormat AccessFormat `json:"access_token_format,omitempty"`
	// BackchannelLogoutURI is where it hears of logouts (OpenID Connect Back-Channel
	// Logout 1.0 §2.2). Every logout token has a sid, so that the client requires one
	// is only kept.
	BackchannelLogoutURI             string `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSessionRequired bool   `json:"backchannel_logout_session_required,omitempty"`
}

// SubjectType says by what sub a client knows a user.
type SubjectType string

// A public sub is the same for all; a pairwise one is the clients' of one sector.
const (
	SubjectPublic   SubjectType = "public"
	SubjectPairwise SubjectType = "pairwise"
)

// Sectors are the hosts that could be the sector of a client: that of its
// sector_identifier_uri, else those of its redirect URIs (§8.1). Which one it is
// can be said if there is one.
func (s *ClientSettings) Sectors() []string {
	if s.SectorIdentifierURI != "" {
		return hostsOf([]string{s.SectorIdentifierURI})
	}
	return s.RedirectHosts()
}

// RedirectHosts are the hosts of the client's redirect URIs, each once; "" is that of
// an application's own scheme.
func (s *ClientSettings) RedirectHosts() []string { return hostsOf(s.RedirectURIs) }

func hostsOf(uris []string) []string {
	var hosts []string
	for _, uri := range uris {
		host := ""
		if u, err := url.Parse(uri); err == nil {
			host = strings.ToLower(u.Hostname())
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// Sector is the sector within which the client's subjects are its own; "" for a
// client with public ones.
func (s *ClientSettings) Sector() string {
	if s.SubjectType != SubjectPairwise {
		return ""
	}
	if hosts := s.Sectors(); len(hosts) == 1 {
		return hosts[0]
	}
	return ""
}

// AccessFormat says whether an access token can be read by whoever holds it.
type AccessFormat string

// A JWT is checked by each API itself; an opaque token is sealed, and nobody but
// the server knows what it says.
const (
	AccessJWT    AccessFormat = "jwt"
	AccessOpaque AccessFormat = "opaque"
)

// ClientSecret is one of the live secrets of a confidential client.
type ClientSecret struct {
	Hash   []byte // SHA-256: a secret is random, so a slow hash would only cost
	MadeAt int64
	EndsAt int64 // zero: no end
}

// Client is an application that asks for tokens. Values are shared by the row
// cache: nobody changes one after it was loaded.
type Client struct {
	ID       string
	Name     string
	Settings ClientSettings
	Enabled  bool
	Cut      int64 // a child whose rvs is below it is dead
	MadeAt   int64
	Version  int64
	Secrets  []ClientSecret
	// ScopeList is Settings.Scope, split once when the row is loaded, and Sector is
	// Settings.Sector().
	ScopeList []string
	Sector    string
	// Registration is how it came, if it registered itself.
	Registration *Registration
}

// IDTokenAlg is the algorithm that signs its ID tokens, and what else is signed for
// it to read.
func (c *Client) IDTokenAlg() string {
	if own := c.Settings.IDTokenSigningAlg; own != "" {
		return own
	}
	return defaultIDTokenAlg
}

// defaultIDTokenAlg is what ID tokens are signed with where nobody chose.
const defaultIDTokenAlg = "ES256"

// Registered reports whether the client registered itself: nobody vouches for what
// it says of itself, so it is never trusted.
func (c *Client) Registered() bool { return c.Registration != nil }

// Unconfirmed reports whether the client is forgotten when nobody lets it in.
func (c *Client) Unconfirmed() bool { return c.Registration != nil && c.Registration.EndsAt != 0 }

// Public reports whether the client cannot keep a secret (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.Settings.TokenEndpointAuthMethod == "none" }

// HasSecret reports whether the client authenticates with a secret that the
// server gave it.
func (c *Client) HasSecret() bool {
	switch c.Settings.TokenEndpointAuthMethod {
	case "none", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth":
		return false
	}
	return true
}

// Allows reports whether the client was given a grant type.
func (c *Client) Allows(grantType string) bool {
	return slices.Contains(c.Settings.GrantTypes, grantType)
}

// Rotates reports whether each refresh gives the client a new refresh token.
// A public client has nothing else that would show a theft (RFC 9700 §2.2.2).
func (c *Client) Rotates() bool {
	if c.Public() {
		return true
	}
	return c.Settings.RotateRefresh != nil && *c.Settings.RotateRefresh
}

// Reads reports whether the client may read a user attribute.
func (c *Client) Reads(attribute string) bool {
	return c.Settings.ReadAttributes == nil || slices.Contains(c.Settings.ReadAttributes, attribute)
}

// SplitScope splits a space-separated scope list.
func SplitScope(scope string) []string { return strings.Fields(scope) }

// ResourceSettings is what an administrator decided about a resource server.
type ResourceSettings struct {
	Name      string   `json:"name,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	AccessTTL int64    `json:"access_token_ttl,omitempty"` // seconds; zero means the default
	Alg       string   `json:"alg,omitempty"`              // ES256, RS256, PS256 or Ed25519; empty means ES256
	// AccessFormat is how access tokens for it look; empty means a JWT.
	AccessFormat AccessFormat `json:"access_token_format,omitempty"`
}

// Resource is an API that accepts our access tokens, known by its audience.
type Resource struct {
	Aud      string
	Settings ResourceSettings
	Cut      int64
	Version  int64
}

// KeyStatus is where a signing key is in its life.
type KeyStatus string

// A key is published as next before it signs, signs while active, stays
// published as retired while a token of its lives; a compromised key is
// withdrawn at once and all its tokens with it.
const (
	KeyNext        KeyStatus = "next"
	KeyActive      KeyStatus = "active"
	KeyRetired     KeyStatus = "retired"
	KeyCompromised KeyStatus = "compromised"
)

// What a signing key is for: one purpose each, so that nothing signed for one can
// be taken for another.
const (
	KeyUseTokens = "sig"  // access and ID tokens
	KeyUseFeed   = "feed" // heads and snapshots of the revocation feed
)

// SigningKey is a row of signing_keys. Sealed is the private key under the
// key-encryption key.
type SigningKey struct {
	KID            string
	Alg            string
	Use            string
	Status         KeyStatus
	PublicJWK      []byte
	Sealed         []byte
	MadeAt         int64
	SignsFrom      int64
	PublishedUntil int64 // zero while it is next or active
}

// SealedRoot is a row of roots, symmetric keys under the key-encryption key: of
// refresh tokens, of reference codes, of form tokens, of opaque access tokens, of
// pairwise subjects, of answers that are given again, of trips to upstreams.
type SealedRoot struct {
	KeyID  int64
	Use    string // one of the Root constants
	Sealed []byte
	MadeAt int64
}

// What a sealed root is for: one purpose each.
const (
	RootRefresh   = "refresh"
	RootReference = "reference"
	RootForms     = "forms"
	RootAccess    = "access"
	RootPairwise  = "pairwise"
	RootAnswers   = "answers"
	RootTrips     = "trips"
)

// AccessRootKID is the name that a root of opaque access tokens has where a signed
// token has the kid of its key: in the revocation log and the audit trail. It is
// longer than any kid.
func AccessRootKID(keyID int64) string { return "access-root-" + strconv.FormatInt(keyID, 10) }
