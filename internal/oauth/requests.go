package oauth

import (
	"net/url"
	"slices"
)

// The grant types that the token endpoint knows.
const (
	GrantAuthorizationCode = "authorization_code" // RFC 6749 §4.1.3
	GrantRefreshToken      = "refresh_token"      // RFC 6749 §6
	GrantClientCredentials = "client_credentials" // RFC 6749 §4.4.2
)

// TokenRequest is a request at the token endpoint. RFC 6749 §4.1.3, §4.4.2, §6; RFC 7636 §4.5; RFC 8707 §2.2.
type TokenRequest struct {
	Credentials  Credentials
	GrantType    string // one of the Grant constants
	Code         string
	RedirectURI  string
	CodeVerifier string
	RefreshToken string
	Scope        Scopes
	ScopeGiven   bool // a scope was asked for; it cannot be the empty set then
	Resources    []string
}

// ParseTokenRequest reads a token request. Parameters are judged before the client: contract, order of checks, steps 2
// and 3.
func ParseTokenRequest(authorization string, f Form) (TokenRequest, *Error) {
	r := reader{form: f, fault: f.fault}
	q := TokenRequest{
		GrantType:    r.required("grant_type"),
		Code:         r.vschar("code"),
		RedirectURI:  f.Get("redirect_uri"),
		CodeVerifier: r.verifier(),
		RefreshToken: r.vschar("refresh_token"),
		Scope:        r.scopes(),
		Resources:    r.resources(),
	}
	q.ScopeGiven = len(q.Scope) > 0
	switch q.GrantType {
	case "", GrantClientCredentials: // the missing grant_type is blamed already
	case GrantAuthorizationCode:
		r.required("code")
	case GrantRefreshToken:
		r.required("refresh_token")
	default:
		r.blame(Refuse(ReasonGrantTypeUnknown)) // RFC 6749 §5.2
	}
	if r.fault != nil {
		return TokenRequest{}, r.fault
	}
	var err *Error
	if q.Credentials, err = ParseCredentials(authorization, f); err != nil {
		return TokenRequest{}, err
	}
	return q, nil
}

// IntrospectionRequest asks what a token is worth. RFC 7662 §2.1.
type IntrospectionRequest struct {
	Credentials Credentials
	Token       string
	Hint        string // token_type_hint; only a hint
	// Resource narrows the question to what the token is worth there; empty: anywhere.
	// Whoever names a resource that is not its own is told so, and does not take the
	// answer for one about the token. An extension (§2.1 allows parameters of our own).
	Resource string
}

// RevocationRequest asks to end a token. RFC 7009 §2.1.
type RevocationRequest struct {
	Credentials Credentials
	Token       string
	Hint        string // token_type_hint; only a hint
}

// ParseIntrospectionRequest reads an introspection request.
func ParseIntrospectionRequest(authorization string, f Form) (IntrospectionRequest, *Error) {
	credentials, token, err := parseTokenParameter(authorization, f)
	if err != nil {
		return IntrospectionRequest{}, err
	}
	q := IntrospectionRequest{Credentials: credentials, Token: token, Hint: f.Get("token_type_hint")}
	switch named := f.All("resource"); {
	case len(named) > 1:
		return IntrospectionRequest{}, Refuse(ReasonParameterRepeated).With("resource")
	case len(named) == 1 && !IsResource(named[0]):
		return IntrospectionRequest{}, Refuse(ReasonResourceMalformed).With("resource")
	case len(named) == 1:
		q.Resource = named[0]
	}
	return q, nil
}

// ParseRevocationRequest reads a revocation request.
func ParseRevocationRequest(authorization string, f Form) (RevocationRequest, *Error) {
	credentials, token, err := parseTokenParameter(authorization, f)
	if err != nil {
		return RevocationRequest{}, err
	}
	return RevocationRequest{Credentials: credentials, Token: token, Hint: f.Get("token_type_hint")}, nil
}

func parseTokenParameter(authorization string, f Form) (Credentials, string, *Error) {
	r := reader{form: f, fault: f.fault}
	token := r.required("token")
	if r.fault != nil {
		return Credentials{}, "", r.fault
	}
	credentials, err := ParseCredentials(authorization, f)
	return credentials, token, err
}

// LogoutRequest is a request at the end-session endpoint. OpenID Connect RP-Initiated Logout 1.0 §2.
type LogoutRequest struct {
	IDTokenHint           string `json:"id_token_hint,omitempty"`
	LogoutHint            string `json:"logout_hint,omitempty"`
	ClientID              string `json:"client_id,omitempty"`
	PostLogoutRedirectURI string `json:"post_logout_redirect_uri,omitempty"`
	State                 string `json:"state,omitempty"`
	UILocales             string `json:"ui_locales,omitempty"`
}

// ParseLogoutRequest reads a logout request, from a query or a form.
func ParseLogoutRequest(f Form) (LogoutRequest, *Error) {
	if f.fault != nil {
		return LogoutRequest{}, f.fault
	}
	return LogoutRequest{
		IDTokenHint:           f.Get("id_token_hint"),
		LogoutHint:            f.Get("logout_hint"),
		ClientID:              f.Get("client_id"),
		PostLogoutRedirectURI: f.Get("post_logout_redirect_uri"),
		State:                 f.Get("state"),
		UILocales:             f.Get("ui_locales"),
	}, nil
}

// reader reads parameters of a form and keeps the first fault.
type reader struct {
	form  Form
	fault *Error
}

func (r *reader) blame(e *Error) {
	if r.fault == nil || e.StaysHere() && !r.fault.StaysHere() {
		r.fault = e
	}
}

func (r *reader) required(name string) string {
	value := r.form.Get(name)
	if value == "" {
		r.blame(Refuse(ReasonParameterMissing).With(name))
	}
	return value
}

// vschar reads a value of printable ASCII. RFC 6749 appendix A.
func (r *reader) vschar(name string) string {
	value := r.form.Get(name)
	if !isVSCHAR(value) {
		r.blame(Refuse(ReasonParameterMalformed).With(name))
		return ""
	}
	return value
}

func (r *reader) verifier() string {
	value := r.form.Get("code_verifier")
	if value != "" && !IsVerifier(value) {
		r.blame(Refuse(ReasonParameterMalformed).With("code_verifier")) // RFC 7636 §4.1
	}
	return value
}

func (r *reader) scopes() Scopes {
	scopes, ok := ParseScopes(r.form.Get("scope"))
	if !ok {
		r.blame(Refuse(ReasonScopeMalformed).With("scope")) // RFC 6749 §3.3, §5.2
	}
	return scopes
}

// resources reads the resource indicators, each once, in the order asked.
func (r *reader) resources() []string {
	var resources []string
	for _, value := range r.form.All("resource") {
		if !IsResource(value) {
			r.blame(Refuse(ReasonResourceMalformed).With("resource"))
			return nil
		}
		if !slices.Contains(resources, value) {
			resources = append(resources, value)
		}
	}
	return resources
}

// IsResource reports whether a text can be a resource indicator. RFC 8707 §2, "Its value MUST be an absolute URI ... The
// URI MUST NOT include a fragment component."
func IsResource(value string) bool {
	if len(value) > maxURILength || !isVSCHAR(value) {
		return false
	}
	for i := range len(value) {
		if value[i] == '#' || value[i] == ' ' {
			return false
		}
	}
	u, err := url.Parse(value)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "" || u.Path != "")
}
