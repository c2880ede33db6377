package oauth

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Capabilities are what a deployment can do beyond what is fixed in NewMetadata.
type Capabilities struct {
	Scopes         Scopes
	Claims         []string
	ACRValues      []string
	GrantTypes     []string
	AuthMethods    []AuthMethod
	IDTokenAlgs    []string
	AssertionAlgs  []string // of client assertions
	RequestAlgs    []string // of signed request objects; empty: they are not read
	FormPost       bool     // response_mode form_post
	PromptCreate   bool     // users may sign up by themselves
	RevocationFeed bool     // verifiers may follow the revocation log
	Registration   bool     // clients may register themselves
	MutualTLS      bool     // connections may show a certificate
	MutualOrigin   string   // where they do; "": at the endpoints themselves
	NamesImplicit  bool     // the documents name the implicit grant, which is refused all the same
	UILocales      []string
	ServiceDocs    string // address of documentation, "" if none
	PolicyURI      string
	TermsOfService string
}

// Metadata is the document that OpenID Connect Discovery §3 and RFC 8414 §2 describe. What the server does not have is
// left out, never null (RFC 8414 §3.2).
type Metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	EndSessionEndpoint    string `json:"end_session_endpoint"` // OpenID Connect RP-Initiated Logout §2.1
	JWKSURI               string `json:"jwks_uri"`
	RegistrationEndpoint  string `json:"registration_endpoint,omitempty"`

	ScopesSupported        []string `json:"scopes_supported,omitempty"`
	ClaimsSupported        []string `json:"claims_supported,omitempty"`
	ClaimTypesSupported    []string `json:"claim_types_supported,omitempty"`
	ResponseTypesSupported []string `json:"response_types_supported,omitempty"`
	ResponseModesSupported []string `json:"response_modes_supported,omitempty"`
	GrantTypesSupported    []string `json:"grant_types_supported,omitempty"`
	SubjectTypesSupported  []string `json:"subject_types_supported,omitempty"`
	ACRValuesSupported     []string `json:"acr_values_supported,omitempty"`
	DisplayValuesSupported []string `json:"display_values_supported,omitempty"`
	IDTokenAlgs            []string `json:"id_token_signing_alg_values_supported,omitempty"`
	UserinfoAlgs           []string `json:"userinfo_signing_alg_values_supported,omitempty"`
	ChallengeMethods       []string `json:"code_challenge_methods_supported,omitempty"`
	PromptValuesSupported  []string `json:"prompt_values_supported,omitempty"`
	UILocalesSupported     []string `json:"ui_locales_supported,omitempty"`

	TokenAuthMethods         []AuthMethod `json:"token_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthMethods    []AuthMethod `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAuthMethods []AuthMethod `json:"introspection_endpoint_auth_methods_supported,omitempty"`

	// RFC 8414 §2: these "MUST be present" where private_key_jwt is among the methods.
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`

	CertificateBound bool           `json:"tls_client_certificate_bound_access_tokens,omitempty"` // RFC 8705 §3.3
	MutualAliases    *MutualAliases `json:"mtls_endpoint_aliases,omitempty"`                      // RFC 8705 §5

	// OpenID Connect Back-Channel Logout 1.0 §2.1.
	BackchannelLogout        bool `json:"backchannel_logout_supported"`
	BackchannelLogoutSession bool `json:"backchannel_logout_session_supported"`

	ClaimsParameter     bool `json:"claims_parameter_supported"`
	RequestParameter    bool `json:"request_parameter_supported"`
	RequestURIParameter bool `json:"request_uri_parameter_supported"`                // absent would mean true: Discovery §3
	ResponseIss         bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3

	RequestURIRegistration bool     `json:"require_request_uri_registration,omitempty"`
	RequestObjectAlgs      []string `json:"request_object_signing_alg_values_supported,omitempty"`

	RevocationFeed *FeedMetadata `json:"revocation_feed,omitempty"`

	ServiceDocumentation string `json:"service_documentation,omitempty"`
	OPPolicyURI          string `json:"op_policy_uri,omitempty"`
	OPTermsOfServiceURI  string `json:"op_tos_uri,omitempty"`
}

// FeedMetadata says where verifiers read the revocation feed. It is our own (RFC 8414 §2 lets a server add members).
type FeedMetadata struct {
	SnapshotEndpoint string `json:"snapshot_endpoint"`
	StreamEndpoint   string `json:"stream_endpoint"`
	PollEndpoint     string `json:"poll_endpoint"`
	ReceiptEndpoint  string `json:"receipt_endpoint"`
	JWKSURI          string `json:"jwks_uri"`
}

// MutualAliases are the endpoints as clients call them that show a certificate. RFC 8705 §5.
type MutualAliases struct {
	TokenEndpoint         string `json:"token_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
}

// NewMetadata describes the server of an issuer.
func NewMetadata(issuer Issuer, c Capabilities) Metadata {
	m := Metadata{
		Issuer:                issuer.String(),
		AuthorizationEndpoint: issuer.Endpoint(PathAuthorize),
		TokenEndpoint:         issuer.Endpoint(PathToken),
		RevocationEndpoint:    issuer.Endpoint(PathRevoke),
		IntrospectionEndpoint: issuer.Endpoint(PathIntrospect),
		UserinfoEndpoint:      issuer.Endpoint(PathUserinfo),
		EndSessionEndpoint:    issuer.Endpoint(PathEndSession),
		JWKSURI:               issuer.Endpoint(PathJWKS),

		ScopesSupported:        c.Scopes,
		ClaimsSupported:        c.Claims,
		ClaimTypesSupported:    []string{"normal"},
		ACRValuesSupported:     c.ACRValues,
		DisplayValuesSupported: []string{"page"},
		ResponseTypesSupported: []string{ResponseTypeCode},
		ResponseModesSupported: []string{ResponseQuery},
		GrantTypesSupported:    c.GrantTypes,
		SubjectTypesSupported:  []string{"public", "pairwise"},
		IDTokenAlgs:            c.IDTokenAlgs,
		UserinfoAlgs:           c.IDTokenAlgs, // the same keys sign both
		ChallengeMethods:       []string{ChallengeMethodS256},
		PromptValuesSupported:  []string{PromptNone, PromptLogin, PromptConsent, PromptSelectAccount},
		UILocalesSupported:     c.UILocales,

		TokenAuthMethods:         c.AuthMethods,
		RevocationAuthMethods:    c.AuthMethods,
		IntrospectionAuthMethods: confidential(c.AuthMethods),

		TokenAuthAlgs:         c.AssertionAlgs,
		RevocationAuthAlgs:    c.AssertionAlgs,
		IntrospectionAuthAlgs: c.AssertionAlgs,

		RequestParameter:       len(c.RequestAlgs) > 0,
		RequestURIParameter:    len(c.RequestAlgs) > 0,
		RequestURIRegistration: len(c.RequestAlgs) > 0,
		RequestObjectAlgs:      c.RequestAlgs,

		BackchannelLogout:        true,
		BackchannelLogoutSession: true,

		CertificateBound: c.MutualTLS,
		MutualAliases:    mutualAliases(issuer, c),

		ClaimsParameter: true,
		ResponseIss:     true,
		RevocationFeed:  feedMetadata(issuer, c),

		ServiceDocumentation: c.ServiceDocs,
		OPPolicyURI:          c.PolicyURI,
		OPTermsOfServiceURI:  c.TermsOfService,
	}
	if c.FormPost {
		m.ResponseModesSupported = append(m.ResponseModesSupported, ResponseFormPost)
	}
	if c.Registration {
		m.RegistrationEndpoint = issuer.Endpoint(PathRegister)
	}
	if c.PromptCreate {
		m.PromptValuesSupported = append(m.PromptValuesSupported, PromptCreate)
	}
	if c.NamesImplicit {
		// OpenID Connect Discovery §3 wants these words of whoever lets clients register.
		m.ResponseTypesSupported = append(m.ResponseTypesSupported, "id_token", "id_token token")
		m.GrantTypesSupported = append(slices.Clone(m.GrantTypesSupported), "implicit")
	}
	return m
}

// ForOpenID is the document without what clients of OpenID Connect have no use for and do not know: the feed is for
// resource servers, which read RFC 8414's.
func (m Metadata) ForOpenID() Metadata {
	m.RevocationFeed = nil
	return m
}

// mutualAliases are nil for a server whose endpoints have no second address.
func mutualAliases(issuer Issuer, c Capabilities) *MutualAliases {
	if c.MutualOrigin == "" {
		return nil
	}
	at := func(path string) string { return c.MutualOrigin + issuer.Path() + path }
	return &MutualAliases{
		TokenEndpoint: at(PathToken), RevocationEndpoint: at(PathRevoke), IntrospectionEndpoint: at(PathIntrospect), UserinfoEndpoint: at(PathUserinfo),
	}
}

// feedMetadata is nil for a server without a feed.
func feedMetadata(issuer Issuer, c Capabilities) *FeedMetadata {
	if !c.RevocationFeed {
		return nil
	}
	return &FeedMetadata{
		SnapshotEndpoint: issuer.Endpoint(PathFeedSnapshot),
		StreamEndpoint:   issuer.Endpoint(PathFeedStream),
		PollEndpoint:     issuer.Endpoint(PathFeedPoll),
		ReceiptEndpoint:  issuer.Endpoint(PathFeedReceipt),
		JWKSURI:          issuer.Endpoint(PathFeedJWKS),
	}
}

// confidential leaves out "none": introspection needs a client that authenticates (RFC 7662 §2.1).
func confidential(methods []AuthMethod) []AuthMethod {
	return slices.DeleteFunc(slices.Clone(methods), func(m AuthMethod) bool { return m == AuthNone })
}

// Document renders the metadata once; the bytes are what the well-known paths serve.
func (m Metadata) Document() ([]byte, error) {
	document, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("rendering metadata: %w", err)
	}
	return document, nil
}
