package admin

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// ClientMetadata is what an administrator decides about a client (RFC 7591 §2).
// A field that is left out takes its default.
type ClientMetadata struct {
	Name                   string   `json:"name"`
	RedirectURIs           []string `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	// GrantTypes are authorization_code, refresh_token and client_credentials.
	GrantTypes []string `json:"grant_types"`
	// TokenEndpointAuthMethod is "none" for a public client, else
	// client_secret_basic (the default), client_secret_post, private_key_jwt,
	// tls_client_auth or self_signed_tls_client_auth.
	TokenEndpointAuthMethod string `json:"token_endpoint_auth_method,omitempty"`
	// TokenEndpointAuthSigningAlg is what a client of private_key_jwt signs with:
	// ES256, RS256, PS256 or Ed25519 (or EdDSA, which is the same). Left out: any that
	// its key has.
	TokenEndpointAuthSigningAlg string `json:"token_endpoint_auth_signing_alg,omitempty"`
	// JWKS is a JWK Set of the client's public keys; JWKSURI is where one is. Not both.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// The one name by which the certificate of a client of tls_client_auth is known: its
	// subject (RFC 4514), or a name of one kind among its alternative names.
	TLSClientAuthSubjectDN string `json:"tls_client_auth_subject_dn,omitempty"`
	TLSClientAuthSANDNS    string `json:"tls_client_auth_san_dns,omitempty"`
	TLSClientAuthSANURI    string `json:"tls_client_auth_san_uri,omitempty"`
	TLSClientAuthSANIP     string `json:"tls_client_auth_san_ip,omitempty"`
	TLSClientAuthSANEmail  string `json:"tls_client_auth_san_email,omitempty"`
	// CertificateBound binds its access tokens to the certificate that it shows when it
	// gets them (RFC 8705 §3), and a public client's refresh tokens too.
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	// RequestURIs are the addresses of request objects that it may name;
	// RequestObjectSigningAlg is what it signs request objects with, "none" if it does
	// not. Left out: any that its key has.
	RequestURIs                []string `json:"request_uris,omitempty"`
	RequestObjectSigningAlg    string   `json:"request_object_signing_alg,omitempty"`
	RequireSignedRequestObject bool     `json:"require_signed_request_object,omitempty"`
	ApplicationType            string   `json:"application_type,omitempty"` // "web" (the default) or "native"
	Scope                      string   `json:"scope,omitempty"`            // what it may ask for, space-separated
	// Resources are the audiences that it may ask for; DefaultResource is the one it
	// gets when it asks for none.
	Resources       []string `json:"resources,omitempty"`
	DefaultResource string   `json:"default_resource,omitempty"`
	TokenProfile    string   `json:"token_profile,omitempty"`    // default "standard"
	SecurityProfile string   `json:"security_profile,omitempty"` // default "oidc"
	PKCE            string   `json:"pkce,omitempty"`             // "required" (the default) or "optional"
	// ResponseModes are query and form_post, in which it takes the authorization
	// response; absent means both.
	ResponseModes []string `json:"response_modes,omitempty"`
	// DefaultMaxAge in seconds stands in for a max_age that a request does not have.
	DefaultMaxAge *int64 `json:"default_max_age,omitempty"`
	// RequireAuthTime wants auth_time in ID tokens; it is in all of them.
	RequireAuthTime bool `json:"require_auth_time,omitempty"`
	// SubjectType is public (the default) or pairwise: by a sub of its own sector it
	// knows users. When that changes, all that the client has ends.
	SubjectType string `json:"subject_type,omitempty"`
	// SectorIdentifierURI is an https address of a JSON array in which all redirect URIs
	// are; its host is the sector. Without one that is the one host of the redirect URIs.
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`
	// FirstParty skips the consent page: the operator's own application.
	FirstParty bool `json:"first_party,omitempty"`
	// ReadAttributes are the user attributes that the client may read; absent means
	// all. A scope is granted only if all attributes behind it are here.
	ReadAttributes []string `json:"read_attributes,omitzero"`
	LogoURI        string   `json:"logo_uri,omitempty"`
	ClientURI      string   `json:"client_uri,omitempty"`
	PolicyURI      string   `json:"policy_uri,omitempty"`
	TosURI         string   `json:"tos_uri,omitempty"`
	// Lifetimes in seconds; zero means the server's default.
	AccessTokenTTL     int64 `json:"access_token_ttl,omitempty"`
	IDTokenTTL         int64 `json:"id_token_ttl,omitempty"`
	RefreshIdleTTL     int64 `json:"refresh_idle_ttl,omitempty"`
	RefreshAbsoluteTTL int64 `json:"refresh_absolute_ttl,omitempty"`
	// RetryWindow, 0-300 seconds: how long the predecessor of a rotated refresh token
	// still gets the same successor. Null means the default.
	RetryWindow *int64 `json:"retry_window,omitempty"`
	// RotateRefresh: null means that public clients rotate and confidential ones do not.
	RotateRefresh *bool `json:"rotate_refresh,omitempty"`
	// IDTokenSigningAlg is ES256 (the default), RS256, PS256 or Ed25519.
	IDTokenSigningAlg string `json:"id_token_signed_response_alg,omitempty"`
	// UserinfoSigningAlg is one of the same, and makes userinfo answers signed; absent
	// means plain JSON.
	UserinfoSigningAlg string `json:"userinfo_signed_response_alg,omitempty"`
	// InitiateLoginURI is where the account page sends a user who wants to begin there
	// (OpenID Connect Core §4).
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	// Contacts, SoftwareID and SoftwareVersion are what a client that registered itself
	// says of itself.
	Contacts        []string `json:"contacts,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`
	// Localized are name, logo, home page, policy and terms in other languages, by the
	// field's name of RFC 7591 and a language: client_name#de.
	Localized map[string]string `json:"localized,omitempty"`
	// AccessTokenFormat is jwt (the default) or opaque. Where the client or a resource
	// of a token says opaque, it is.
	AccessTokenFormat string `json:"access_token_format,omitempty"`
	// BackchannelLogoutURI is where the client is told that a session has ended in
	// which it had a token (OpenID Connect Back-Channel Logout 1.0 §2.2). Each of these
	// has a sid, whether or not the client says that it requires one.
	BackchannelLogoutURI             string `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSessionRequired bool   `json:"backchannel_logout_session_required,omitempty"`
}

// NewClient is a client to create.
type NewClient struct {
	// ClientID is chosen ([a-z0-9-]{3,64}); empty: the server makes one.
	ClientID string `json:"client_id,omitempty"`
	ClientMetadata
}

// RegisteredClient is a client as the server has it.
type RegisteredClient struct {
	ClientID string `json:"client_id"`
	// ClientSecret is in the answer that made it, and never again.
	ClientSecret string `json:"client_secret,omitempty"`
	ClientMetadata
	Enabled bool `json:"enabled"`
	// Registration says how it came, if it registered itself.
	Registration *Registration  `json:"registration,omitempty"`
	Secrets      []ClientSecret `json:"secrets,omitempty"`
	CreatedAt    time.Time      `json:"created_at"`
	// Version rises with each change; an update names the one it changes.
	Version int64 `json:"version"`
	// Warnings say what is allowed and probably not meant.
	Warnings []string `json:"warnings,omitempty"`
}

// Registration says how a client came that registered itself (RFC 7591).
type Registration struct {
	// By is the id of the initial access token that it showed; empty: registration was
	// open.
	By string `json:"by,omitempty"`
	// Managed: it holds a registration access token and may change what it is.
	Managed bool `json:"managed"`
	// ForgottenAt is when it goes unless somebody lets it in before; absent: somebody has.
	ForgottenAt time.Time `json:"forgotten_at,omitzero"`
}

// ClientSecret is a live secret of a client, without the secret.
type ClientSecret struct {
	CreatedAt time.Time `json:"created_at"`
	EndsAt    time.Time `json:"ends_at,omitzero"` // zero: no end
}

// ClientUpdate replaces a client's metadata.
type ClientUpdate struct {
	ClientMetadata
	// Version is the one that was read; zero replaces whatever is there.
	Version int64 `json:"version,omitempty"`
}

// Rotation is the body of a secret's rotation.
type Rotation struct {
	// Keep is for how many more seconds the older secrets work.
	Keep int64 `json:"keep_seconds"`
}

// CreateClient adds a client. The answer of a confidential one has its secret.
func (c *Client) CreateClient(ctx context.Context, client NewClient) (RegisteredClient, error) {
	return call[RegisteredClient](ctx, c, http.MethodPost, "clients", client)
}

// Clients lists all clients, in the order of their ids.
func (c *Client) Clients(ctx context.Context) iter.Seq2[RegisteredClient, error] {
	return list[RegisteredClient](ctx, c, "clients", nil)
}

// ShowClient gives one client.
func (c *Client) ShowClient(ctx context.Context, id string) (RegisteredClient, error) {
	return call[RegisteredClient](ctx, c, http.MethodGet, at("clients", id), nil)
}

// UpdateClient replaces a client's metadata.
func (c *Client) UpdateClient(ctx context.Context, id string, update ClientUpdate) (RegisteredClient, error) {
	return call[RegisteredClient](ctx, c, http.MethodPut, at("clients", id), update)
}

// RotateClientSecret gives a confidential client a new secret, which is in the
// answer. The older ones end after keep; zero ends them at once.
func (c *Client) RotateClientSecret(ctx context.Context, id string, keep time.Duration) (RegisteredClient, error) {
	return call[RegisteredClient](ctx, c, http.MethodPost, at("clients", id, "rotate-secret"),
		Rotation{Keep: int64(keep / time.Second)})
}

// DisableClient keeps a client from every endpoint and ends all that it has.
func (c *Client) DisableClient(ctx context.Context, id string) (RegisteredClient, error) {
	return call[RegisteredClient](ctx, c, http.MethodPost, at("clients", id, "disable"), nil)
}

// EnableClient lets a client in again. What ended stays ended.
func (c *Client) EnableClient(ctx context.Context, id string) (RegisteredClient, error) {
	return call[RegisteredClient](ctx, c, http.MethodPost, at("clients", id, "enable"), nil)
}

// DeleteClient removes a client and ends all that it has.
func (c *Client) DeleteClient(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("clients", id), nil)
	return err
}
