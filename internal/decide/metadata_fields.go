package decide

import (
	"encoding/json"
	"slices"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// The documents that define client metadata.
const (
	inRFC7591  = "RFC 7591 §2"
	inOIDC     = "OpenID Connect Dynamic Client Registration §2"
	inBoth     = "RFC 7591 §2; OpenID Connect Dynamic Client Registration §2"
	inRPLogout = "OpenID Connect RP-Initiated Logout §3.1"
	inBCLogout = "OpenID Connect Back-Channel Logout §2.2"
)

// metadataTable is every field that the specifications of registration and of
// logout define, and every other that is registered with IANA and would change what
// a client may rely on. Each is done or refused.
var (
	metadataTable = slices.Concat(flowFields(), keyFields(), certificateFields(), peopleFields(), tokenFields(), unservedFields(), serverFields())
	metadataIndex = indexMetadata()
)

func indexMetadata() map[string]int {
	index := make(map[string]int, len(metadataTable))
	for n, field := range metadataTable {
		index[field.Name] = n
	}
	return index
}

// MetadataFields is the table of client metadata.
func MetadataFields() []MetadataField { return slices.Clone(metadataTable) }

// flowFields say how the client gets its tokens.
func flowFields() []MetadataField {
	return []MetadataField{
		list("redirect_uris", inBoth, "Where codes may go, compared exactly: https, http on loopback, or a private-use scheme with a dot. At least one.", "",
			func(s *record.ClientSettings) *[]string { return &s.RedirectURIs }),
		{
			Name: "response_types", Spec: inBoth, Rule: "`code` alone: no token travels in a URL.", Default: "`code`",
			take: func(_ *Metadata, from jose.Object) bool {
				types, err := from.Strings("response_types")
				return err == nil && len(types) == 1 && types[0] == oauth.ResponseTypeCode
			},
			show: func(*record.Client) any { return []string{oauth.ResponseTypeCode} },
		},
		list("grant_types", inBoth, "`authorization_code`, also `refresh_token`. A client that nobody vouches for gets nothing in its own name.", "`authorization_code`",
			func(s *record.ClientSettings) *[]string { return &s.GrantTypes }),
		text("token_endpoint_auth_method", inBoth, "`client_secret_basic`, `client_secret_post`, `private_key_jwt`, where the server takes certificates `self_signed_tls_client_auth` and, with an initial access token, `tls_client_auth`; or `none` for a public client, which then always uses PKCE.", "`client_secret_basic`",
			func(s *record.ClientSettings) *string { return &s.TokenEndpointAuthMethod }),
		text("application_type", inOIDC, "`web` or `native`; the port of a loopback redirect URI may differ for `native` (RFC 8252 §7.3).", "`native` if every redirect URI leads to the user's own machine, else `web`",
			func(s *record.ClientSettings) *string { return &s.ApplicationType }),
		{
			Name: "scope", Spec: inRFC7591, Rule: "What the client may ask for: the scopes of OpenID Connect. Scopes of an API are an administrator's to give.", Default: "all of them",
			take: func(into *Metadata, from jose.Object) bool {
				value, err := from.String("scope")
				scopes, ok := oauth.ParseScopes(value)
				into.Settings.Scope = scopes.String()
				return err == nil && ok
			},
			show: func(c *record.Client) any { return c.Settings.Scope },
		},
		list("post_logout_redirect_uris", inRPLogout, "Where a logout may lead, compared exactly.", "",
			func(s *record.ClientSettings) *[]string { return &s.PostLogoutRedirectURIs }),
		text("backchannel_logout_uri", inBCLogout, "Where the client is told that a session has ended: public https, or in a network that the operator trusts.", "",
			func(s *record.ClientSettings) *string { return &s.BackchannelLogoutURI }),
		{
			Name: "backchannel_logout_session_required", Spec: inBCLogout, Rule: "Every logout token has a `sid` anyway.", Default: "`false`",
			take: func(into *Metadata, from jose.Object) (ok bool) {
				value, err := from.Bool("backchannel_logout_session_required")
				into.Settings.BackchannelLogoutSessionRequired = value
				return err == nil
			},
			show: func(c *record.Client) any { return c.Settings.BackchannelLogoutSessionRequired },
		},
		text("initiate_login_uri", inOIDC, "https: where the account page sends a user who wants to begin there, with `iss` (OpenID Connect Core §4).", "",
			func(s *record.ClientSettings) *string { return &s.InitiateLoginURI }),
	}
}

// keyFields are about keys that the client signs with.
func keyFields() []MetadataField {
	return []MetadataField{
		{
			Name: "jwks", Spec: inBoth, Rule: "A JWK Set of the client's public keys, at most 16 KiB with all the rest; instead of `jwks_uri`.",
			take: func(into *Metadata, from jose.Object) bool {
				set, err := from.Raw("jwks")
				if err == nil {
					_, err = ReadKeys(set)
				}
				into.Settings.JWKS = inOrder(set)
				return err == nil
			},
			show: func(c *record.Client) any { return c.Settings.JWKS },
		},
		text("jwks_uri", inBoth, "Where the client's public keys are: https, at a public address; instead of `jwks`.", "",
			func(s *record.ClientSettings) *string { return &s.JWKSURI }),
		text("token_endpoint_auth_signing_alg", inOIDC, "What the client signs with for `private_key_jwt`: `ES256`, `RS256`, `PS256`, `Ed25519` or `EdDSA`.", "any that its key has",
			func(s *record.ClientSettings) *string { return &s.TokenEndpointAuthSigningAlg }),
		list("request_uris", inOIDC, "Where the client keeps request objects: https, at public addresses, at most 20. A `request_uri` is one of them, but for its fragment.", "",
			func(s *record.ClientSettings) *[]string { return &s.RequestURIs }),
		text("request_object_signing_alg", inOIDC, "What the client signs request objects with: `ES256`, `RS256`, `PS256`, `Ed25519` or `EdDSA`; `none` if it does not, which is taken though the metadata do not offer it.", "any but `none` that its key has",
			func(s *record.ClientSettings) *string { return &s.RequestObjectSigningAlg }),
		{
			Name: "require_signed_request_object", Spec: "RFC 9101 §10.5", Rule: "`true`: every authorization request of the client is a signed request object.", Default: "`false`",
			take: func(into *Metadata, from jose.Object) bool {
				value, err := from.Bool("require_signed_request_object")
				into.Settings.RequireSignedRequestObject = value
				return err == nil
			},
			show: func(c *record.Client) any { return c.Settings.RequireSignedRequestObject },
		},
	}
}

// certificateFields are about the certificate that the client shows on its
// connections. Exactly one of the names is there for tls_client_auth, none otherwise.
func certificateFields() []MetadataField {
	const spec = "RFC 8705 §2.1.2"
	return []MetadataField{
		text("tls_client_auth_subject_dn", spec, "The subject of its certificate (RFC 4514), for `tls_client_auth`: the same attributes in the same order, compared letter by letter.", "",
			func(s *record.ClientSettings) *string { return &s.TLSSubjectDN }),
		text("tls_client_auth_san_dns", spec, "A DNS name among the alternative names of its certificate, for `tls_client_auth`.", "",
			func(s *record.ClientSettings) *string { return &s.TLSDNS }),
		text("tls_client_auth_san_uri", spec, "A URI among them.", "",
			func(s *record.ClientSettings) *string { return &s.TLSURI }),
		text("tls_client_auth_san_ip", spec, "An IP address among them.", "",
			func(s *record.ClientSettings) *string { return &s.TLSIP }),
		text("tls_client_auth_san_email", spec, "An e-mail address among them.", "",
			func(s *record.ClientSettings) *string { return &s.TLSEmail }),
		{
			Name: "tls_client_certificate_bound_access_tokens", Spec: "RFC 8705 §3.4", Default: "`false`",
			Rule: "`true`: its access tokens, and a public client's refresh tokens, are bound to the certificate that it shows; without one it gets none. Where the server takes certificates.",
			take: func(into *Metadata, from jose.Object) bool {
				value, err := from.Bool("tls_client_certificate_bound_access_tokens")
				into.Settings.CertificateBound = value
				return err == nil
			},
			show: func(c *record.Client) any { return c.Settings.CertificateBound },
		},
	}
}

// inOrder writes JSON with the members of each object in order: who says the same
// in another order is no other client.
func inOrder(set []byte) json.RawMessage {
	var value any
	if err := json.Unmarshal(set, &value); err != nil {
		return nil // it was refused
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was read from JSON
	}
	return text
}

// peopleFields are shown to users and administrators.
func peopleFields() []MetadataField {
	return []MetadataField{
		{
			Name: "client_name", Spec: inBoth, Rule: "What the consent page calls the client: at most 100 visible characters.", Default: "the host of the first redirect URI",
			take: func(into *Metadata, from jose.Object) (ok bool) {
				value, err := from.String("client_name")
				into.Name = value
				return err == nil && value != ""
			},
			show: func(c *record.Client) any { return c.Name },
		},
		text("client_uri", inBoth, "https; the pages link to it if its host is that of a redirect URI (RFC 7591 §5).", "", func(s *record.ClientSettings) *string { return &s.ClientURI }),
		text("logo_uri", inBoth, "https; shown on the pages about the client if its host is that of a redirect URI (RFC 7591 §5).", "", func(s *record.ClientSettings) *string { return &s.LogoURI }),
		text("policy_uri", inBoth, "https; the pages link to it if its host is that of a redirect URI (RFC 7591 §5).", "", func(s *record.ClientSettings) *string { return &s.PolicyURI }),
		text("tos_uri", inBoth, "https; the pages link to it if its host is that of a redirect URI (RFC 7591 §5).", "", func(s *record.ClientSettings) *string { return &s.TosURI }),
		list("contacts", inBoth, "Kept for the administrator: at most 10, of at most 100 visible characters.", "", func(s *record.ClientSettings) *[]string { return &s.Contacts }),
		text("software_id", inRFC7591, "Kept for the administrator: at most 100 visible characters.", "", func(s *record.ClientSettings) *string { return &s.SoftwareID }),
		text("software_version", inRFC7591, "Kept for the administrator: at most 100 visible characters.", "", func(s *record.ClientSettings) *string { return &s.SoftwareVersion }),
	}
}

// tokenFields say what the client's tokens and sign-ins are like.
func tokenFields() []MetadataField {
	return []MetadataField{
		text("id_token_signed_response_alg", inOIDC, "`RS256`, `ES256`, `PS256` or `Ed25519`; never `none`.", "`RS256` (OpenID Connect Core §15.1)",
			func(s *record.ClientSettings) *string { return &s.IDTokenSigningAlg }),
		{
			Name: "subject_type", Spec: inOIDC, Rule: "`public`, or `pairwise`: a `sub` of the client's sector (OpenID Connect Core §8). When the sector changes, all that the client has ends.", Default: "`public`",
			take: func(into *Metadata, from jose.Object) bool {
				value, err := from.String("subject_type")
				if value == string(record.SubjectPairwise) {
					into.Settings.SubjectType = record.SubjectPairwise
				}
				return err == nil && (value == string(record.SubjectPublic) || value == string(record.SubjectPairwise))
			},
			show: func(c *record.Client) any {
				if c.Settings.SubjectType == "" {
					return record.SubjectPublic
				}
				return c.Settings.SubjectType
			},
		},
		text("sector_identifier_uri", inOIDC, "An https address of a JSON array in which all redirect URIs are; its host is the sector of a pairwise client. Without one that is the one host of the redirect URIs.", "",
			func(s *record.ClientSettings) *string { return &s.SectorIdentifierURI }),
		text("userinfo_signed_response_alg", inOIDC, "`RS256`, `ES256`, `PS256` or `Ed25519`: userinfo answers are signed.", "plain JSON",
			func(s *record.ClientSettings) *string { return &s.UserinfoSigningAlg }),
		{
			Name: "default_max_age", Spec: inOIDC, Rule: "Seconds: the `max_age` of a request that names none.", Default: "no limit",
			take: func(into *Metadata, from jose.Object) bool {
				value, err := from.Int64("default_max_age")
				into.Settings.DefaultMaxAge = &value
				return err == nil && value >= 0
			},
			show: func(c *record.Client) any { return c.Settings.DefaultMaxAge },
		},
		{
			Name: "require_auth_time", Spec: inOIDC, Rule: "Every ID token has `auth_time` anyway.", Default: "`false`",
			take: func(into *Metadata, from jose.Object) (ok bool) {
				value, err := from.Bool("require_auth_time")
				into.Settings.RequireAuthTime = value
				return err == nil
			},
			show: func(c *record.Client) any { return c.Settings.RequireAuthTime },
		},
		list("default_acr_values", inOIDC, "A wish, as `acr_values` is: `acr` says which authentication there was. At most 10.", "",
			func(s *record.ClientSettings) *[]string { return &s.DefaultACRValues }),
	}
}

// text is a field that is a string of the settings.
func text(name, spec, rule, otherwise string, of func(*record.ClientSettings) *string) MetadataField {
	return MetadataField{
		Name: name, Spec: spec, Rule: rule, Default: otherwise,
		take: func(into *Metadata, from jose.Object) bool {
			value, err := from.String(name)
			*of(&into.Settings) = value
			return err == nil && value != ""
		},
		show: func(c *record.Client) any { return *of(&c.Settings) },
	}
}

// list is a field that is a list of strings of the settings.
func list(name, spec, rule, otherwise string, of func(*record.ClientSettings) *[]string) MetadataField {
	return MetadataField{
		Name: name, Spec: spec, Rule: rule, Default: otherwise,
		take: func(into *Metadata, from jose.Object) bool {
			values, err := from.Strings(name)
			*of(&into.Settings) = values
			return err == nil
		},
		show: func(c *record.Client) any { return *of(&c.Settings) },
	}
}
