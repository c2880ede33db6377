package engine

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// What an administrator may set, in seconds.
const (
	minTTL         = 5 * 60
	maxTTL         = 24 * 3600
	maxRefreshTTL  = 3650 * 24 * 3600
	maxRetryWindow = 300 // tokens.md, part 4
	maxDefaultAge  = 3650 * 24 * 3600
)

// applicationNative is the application_type of a client whose loopback redirect
// URIs may have any port (RFC 8252 §7.3).
const (
	applicationNative = "native"
	applicationWeb    = "web"
)

// chosenClientID is what an administrator may choose.
var chosenClientID = regexp.MustCompile(`^[a-z0-9-]{3,64}$`)

// withDefaults fills what was left out.
func withDefaults(s record.ClientSettings) record.ClientSettings {
	orElse := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	orElse(&s.TokenEndpointAuthMethod, string(oauth.AuthBasic)) // RFC 7591 §2
	orElse((*string)(&s.TokenProfile), string(record.StandardProfile))
	orElse((*string)(&s.SecurityProfile), string(record.OIDCProfile))
	orElse((*string)(&s.PKCE), string(record.PKCERequired))
	if s.ApplicationType == "" {
		s.ApplicationType = applicationWeb
		if len(s.RedirectURIs) > 0 && !slices.ContainsFunc(s.RedirectURIs, ofWebServer) {
			s.ApplicationType = applicationNative
		}
	}
	return s
}

// ofWebServer reports whether a redirect URI leads to a server: neither to this
// machine nor, by a scheme of its own, to an app.
func ofWebServer(uri string) bool { return strings.HasPrefix(uri, "https:") }

// checkClientID: a chosen id never looks like a generated one (RFC 9700 §4.15.1:
// a client must not be able to take the sub of a user as its id).
func (e *Engine) checkClientID(ctx context.Context, id string, wrong *problems) error {
	switch {
	case id == "":
		return nil
	case !chosenClientID.MatchString(id):
		wrong.add("client_id", "consists of 3 to 64 small letters, digits and hyphens")
		return nil
	case secret.ValidID(id):
		wrong.add("client_id", "must not have the form of a generated id; choose one that has not 22 characters")
		return nil
	}
	taken, err := e.store.Client(ctx, id)
	if taken != nil {
		wrong.add("client_id", "is taken")
	}
	return err
}

// checkClient finds all that is wrong with a client, defaults filled in.
func (e *Engine) checkClient(ctx context.Context, form *ClientForm, wrong *problems) error {
	s := &form.Settings
	wrong.name("name", form.Name)
	wrong.oneOf("token_endpoint_auth_method", s.TokenEndpointAuthMethod,
		string(oauth.AuthBasic), string(oauth.AuthPost), string(oauth.AuthPrivateKeyJWT), string(oauth.AuthNone),
		string(oauth.AuthTLS), string(oauth.AuthSelfSignedTLS))
	e.checkClientKeys(s, wrong)
	e.checkCertificate(s, wrong)
	e.checkRequestObjects(s, wrong)
	wrong.oneOf("application_type", s.ApplicationType, applicationWeb, applicationNative)
	wrong.oneOf("security_profile", string(s.SecurityProfile), string(record.OIDCProfile))
	if !mint.HasProfile(s.TokenProfile) {
		wrong.add("token_profile", "there is none of this name")
	}
	wrong.grantTypes(s)
	wrong.redirects("redirect_uris", s.RedirectURIs)
	wrong.redirects("post_logout_redirect_uris", s.PostLogoutRedirectURIs)
	wrong.pkce(s)
	wrong.responseModes(s)
	wrong.subjects(s)
	wrong.defaultMaxAge(s.DefaultMaxAge)
	wrong.scope("scope", s.Scope)
	wrong.attributes("read_attributes", s.ReadAttributes)
	wrong.clientLifetimes(s)
	wrong.signingAlg("id_token_signed_response_alg", s.IDTokenSigningAlg)
	wrong.signingAlg("userinfo_signed_response_alg", s.UserinfoSigningAlg)
	wrong.accessFormat(s.AccessFormat)
	e.checkLogoutURI(s.BackchannelLogoutURI, wrong)
	wrong.link("logo_uri", s.LogoURI)
	wrong.link("client_uri", s.ClientURI)
	wrong.link("policy_uri", s.PolicyURI)
	wrong.link("tos_uri", s.TosURI)
	wrong.link("initiate_login_uri", s.InitiateLoginURI)
	wrong.registered(s)
	e.checkSector(ctx, form, wrong)
	return e.checkClientResources(ctx, s, wrong)
}

// checkLogoutURI: an address that the server itself will call (OpenID Connect
// Back-Channel Logout 1.0 §2.2).
func (e *Engine) checkLogoutURI(uri string, wrong *problems) {
	const field = "backchannel_logout_uri"
	switch refused, isRefused := errors.AsType[*egress.Error](e.egress.Check(uri)); {
	case uri == "":
	case strings.Contains(uri, "#"):
		wrong.add(field, "has no fragment") // "MUST NOT include a fragment component"
	case isRefused:
		wrong.add(field, "is refused: %s", refused)
	}
}

func (e *Engine) checkClientResources(ctx context.Context, s *record.ClientSettings, wrong *problems) error {
	wrong.twice("resources", s.Resources)
	check := func(field, aud string) error {
		row, err := e.store.Resource(ctx, aud)
		if err == nil && row == nil {
			wrong.add(field, "there is no resource %q", aud)
		}
		return err
	}
	for _, aud := range s.Resources {
		if err := check("resources", aud); err != nil {
			return err
		}
	}
	if s.DefaultResource == "" {
		return nil
	}
	return check("default_resource", s.DefaultResource)
}

// grantTypes: what is granted must be able to work.
func (p *problems) grantTypes(s *record.ClientSettings) {
	if len(s.GrantTypes) == 0 {
		p.add("grant_types", "at least one is needed")
	}
	p.twice("grant_types", s.GrantTypes)
	for _, grant := range s.GrantTypes {
		p.oneOf("grant_types", grant, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials)
	}
	has := func(grant string) bool { return slices.Contains(s.GrantTypes, grant) }
	if has(oauth.GrantAuthorizationCode) && len(s.RedirectURIs) == 0 {
		p.add("redirect_uris", "authorization_code needs at least one")
	}
	if has(oauth.GrantRefreshToken) && !has(oauth.GrantAuthorizationCode) {
		p.add("grant_types", "refresh_token needs authorization_code: nothing else gives refresh tokens")
	}
	if has(oauth.GrantClientCredentials) && s.TokenEndpointAuthMethod == string(oauth.AuthNone) {
		p.add("grant_types", "client_credentials is for confidential clients") // RFC 6749 §4.4
	}
}

func (p *problems) redirects(field string, uris []string) {
	p.twice(field, uris)
	for _, uri := range uris {
		if err := oauth.CheckRegistrable(uri); err != nil {
			p.add(field, "%q: %s", uri, err)
		}
	}
}

// pkce: RFC 9700 §2.1.1, "Public clients MUST use PKCE".
func (p *problems) pkce(s *record.ClientSettings) {
	p.oneOf("pkce", string(s.PKCE), string(record.PKCERequired), string(record.PKCEOptional))
	if s.PKCE == record.PKCEOptional && s.TokenEndpointAuthMethod == string(oauth.AuthNone) {
		p.add("pkce", "is required of a public client")
	}
}

// signingAlg: what is left out is the default. There is no "none".
func (p *problems) signingAlg(field, alg string) {
	if alg != "" {
		p.oneOf(field, alg, signingAlgs()...)
	}
}

// responseModes: ASVS 10.4.12. What no redirect URI can take is of no use.
func (p *problems) responseModes(s *record.ClientSettings) {
	p.twice("response_modes", s.ResponseModes)
	for _, mode := range s.ResponseModes {
		p.oneOf("response_modes", mode, oauth.ResponseQuery, oauth.ResponseFormPost)
	}
	ofApp := func(uri string) bool { return !strings.HasPrefix(uri, "https:") && !strings.HasPrefix(uri, "http:") }
	if s.ResponseModes != nil && !slices.Contains(s.ResponseModes, oauth.ResponseQuery) && slices.ContainsFunc(s.RedirectURIs, ofApp) {
		p.add("response_modes", "need query: no browser posts a form to the scheme of an application")
	}
}

func (p *problems) defaultMaxAge(age *int64) {
	if age != nil && (*age < 0 || *age > maxDefaultAge) {
		p.add("default_max_age", "is from 0 to %d seconds", maxDefaultAge)
	}
}

// accessFormat is of a client or of a resource.
func (p *problems) accessFormat(format record.AccessFormat) {
	if format != "" {
		p.oneOf("access_token_format", string(format), string(record.AccessJWT), string(record.AccessOpaque))
	}
}

func (p *problems) clientLifetimes(s *record.ClientSettings) {
	p.lifetime("access_token_ttl", s.AccessTTL, maxTTL)
	p.lifetime("id_token_ttl", s.IDTTL, maxTTL)
	p.lifetime("refresh_idle_ttl", s.RefreshIdleTTL, maxRefreshTTL)
	p.lifetime("refresh_absolute_ttl", s.RefreshAbsoluteTTL, maxRefreshTTL)
	if window := s.RetryWindow; window != nil && (*window < 0 || *window > maxRetryWindow) {
		p.add("retry_window", "is from 0 to %d seconds", maxRetryWindow)
	}
	if s.RotateRefresh != nil && !*s.RotateRefresh && s.TokenEndpointAuthMethod == string(oauth.AuthNone) {
		p.add("rotate_refresh", "a public client always rotates") // RFC 9700 §2.2.2
	}
}

// registered are the fields of RFC 7591 that are kept as they are said.
func (p *problems) registered(s *record.ClientSettings) {
	p.texts("contacts", s.Contacts)
	p.localized(s.Localized)
	p.texts("default_acr_values", s.DefaultACRValues)
	if s.SoftwareID != "" {
		p.text("software_id", s.SoftwareID)
	}
	if s.SoftwareVersion != "" {
		p.text("software_version", s.SoftwareVersion)
	}
}

// clientWarnings say what is allowed and probably not meant.
func clientWarnings(s *record.ClientSettings) []string {
	var warnings []string
	for _, scope := range record.SplitScope(s.Scope) {
		if unread := unreadable(s, scope); len(unread) > 0 {
			warnings = append(warnings, "scope "+scope+" will be refused: the client may not read "+strings.Join(unread, ", "))
		}
	}
	has := func(grant string) bool { return slices.Contains(s.GrantTypes, grant) }
	if slices.Contains(record.SplitScope(s.Scope), oauth.ScopeOfflineAccess) && !has(oauth.GrantRefreshToken) {
		warnings = append(warnings, "scope offline_access gives nothing without the grant type refresh_token")
	}
	if len(s.RedirectURIs) > 0 && !has(oauth.GrantAuthorizationCode) {
		warnings = append(warnings, "redirect_uris are of no use without the grant type authorization_code")
	}
	return warnings
}

// unreadable are the attributes behind a scope that the client may not read; the
// scope is granted only with all of them.
func unreadable(s *record.ClientSettings, scope string) []string {
	if s.ReadAttributes == nil {
		return nil
	}
	var unread []string
	for _, attribute := range oauth.AttributesOf(scope) {
		if !slices.Contains(s.ReadAttributes, attribute) {
			unread = append(unread, attribute)
		}
	}
	return unread
}
