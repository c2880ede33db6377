package oauth

import (
	"net/http"
	"time"
)

// Code is the value of "error" on the wire. Every one of them comes from a published specification.
type Code string

// The codes, with the document that registered them.
const (
	InvalidRequest          Code = "invalid_request"           // RFC 6749 §4.1.2.1, §5.2
	InvalidClient           Code = "invalid_client"            // RFC 6749 §5.2
	InvalidGrant            Code = "invalid_grant"             // RFC 6749 §5.2
	UnauthorizedClient      Code = "unauthorized_client"       // RFC 6749 §4.1.2.1, §5.2
	UnsupportedGrantType    Code = "unsupported_grant_type"    // RFC 6749 §5.2
	UnsupportedResponseType Code = "unsupported_response_type" // RFC 6749 §4.1.2.1
	InvalidScope            Code = "invalid_scope"             // RFC 6749 §4.1.2.1, §5.2
	AccessDenied            Code = "access_denied"             // RFC 6749 §4.1.2.1
	ServerError             Code = "server_error"              // RFC 6749 §4.1.2.1
	TemporarilyUnavailable  Code = "temporarily_unavailable"   // RFC 6749 §4.1.2.1
	InvalidTarget           Code = "invalid_target"            // RFC 8707 §2
	InvalidToken            Code = "invalid_token"             // RFC 6750 §3.1
	InsufficientScope       Code = "insufficient_scope"        // RFC 6750 §3.1
	UnsupportedTokenType    Code = "unsupported_token_type"    // RFC 7009 §2.2.1

	InvalidRedirectURI          Code = "invalid_redirect_uri"          // RFC 7591 §3.2.2
	InvalidClientMetadata       Code = "invalid_client_metadata"       // RFC 7591 §3.2.2
	UnapprovedSoftwareStatement Code = "unapproved_software_statement" // RFC 7591 §3.2.2

	LoginRequired            Code = "login_required"             // OpenID Connect Core §3.1.2.6
	InteractionRequired      Code = "interaction_required"       // OpenID Connect Core §3.1.2.6
	ConsentRequired          Code = "consent_required"           // OpenID Connect Core §3.1.2.6
	AccountSelectionRequired Code = "account_selection_required" // OpenID Connect Core §3.1.2.6
	RequestNotSupported      Code = "request_not_supported"      // OpenID Connect Core §3.1.2.6
	RequestURINotSupported   Code = "request_uri_not_supported"  // OpenID Connect Core §3.1.2.6
	RegistrationNotSupported Code = "registration_not_supported" // OpenID Connect Core §3.1.2.6
	InvalidRequestURI        Code = "invalid_request_uri"        // OpenID Connect Core §3.1.2.6
	InvalidRequestObject     Code = "invalid_request_object"     // OpenID Connect Core §3.1.2.6

	// UnmetAuthenticationRequirements is of OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
	UnmetAuthenticationRequirements Code = "unmet_authentication_requirements"
)

// statuses is the one table of HTTP statuses by code. A reason may override its code's (reasonTable).
var statuses = map[Code]int{
	InvalidRequest:                  http.StatusBadRequest,
	InvalidClient:                   http.StatusUnauthorized, // RFC 6749 §5.2: always 401 here, always with WWW-Authenticate
	InvalidGrant:                    http.StatusBadRequest,
	UnauthorizedClient:              http.StatusBadRequest,
	UnsupportedGrantType:            http.StatusBadRequest,
	UnsupportedResponseType:         http.StatusBadRequest,
	InvalidScope:                    http.StatusBadRequest,
	AccessDenied:                    http.StatusForbidden, // never at the token endpoint; pages and our own routes only
	ServerError:                     http.StatusInternalServerError,
	TemporarilyUnavailable:          http.StatusServiceUnavailable,
	InvalidTarget:                   http.StatusBadRequest,
	InvalidToken:                    http.StatusUnauthorized, // RFC 6750 §3.1
	InsufficientScope:               http.StatusForbidden,    // RFC 6750 §3.1
	UnsupportedTokenType:            http.StatusBadRequest,
	InvalidRedirectURI:              http.StatusBadRequest,
	InvalidClientMetadata:           http.StatusBadRequest,
	UnapprovedSoftwareStatement:     http.StatusBadRequest,
	LoginRequired:                   http.StatusBadRequest,
	InteractionRequired:             http.StatusBadRequest,
	ConsentRequired:                 http.StatusBadRequest,
	AccountSelectionRequired:        http.StatusBadRequest,
	RequestNotSupported:             http.StatusBadRequest,
	RequestURINotSupported:          http.StatusBadRequest,
	RegistrationNotSupported:        http.StatusBadRequest,
	InvalidRequestURI:               http.StatusBadRequest,
	InvalidRequestObject:            http.StatusBadRequest,
	UnmetAuthenticationRequirements: http.StatusBadRequest,
}

// Error is the only error that may reach a client. What goes on the wire is Code and Description; everything else is for
// the log, the audit trail, the metrics, the tests and the reference code.
//
// Functions of this package return *Error, not error: compare it with nil before converting it.
type Error struct {
	Code        Code
	Description string        // wire text; never echoes what the client sent
	Reason      Reason        // which rule refused; stable
	Param       string        // name of the offending parameter, from the protocol's own vocabulary, "" if none
	Detail      Detail        // never on the wire
	RetryAfter  time.Duration // value of Retry-After; 0 = no such header
	Err         error         // cause; log only
}

// Detail says what a refusal was about. It goes into the reference code and the log, never to the client.
type Detail struct {
	Client, GID, KID string
	Expected, Seen   int64 // in the unit of the reason's Info
}

// Refuse makes the error for a reason, filled from the one table. A reason that is not in the table is a fault of ours
// and answers server_error, the safe direction.
func Refuse(r Reason) *Error {
	info, ok := Lookup(r)
	if !ok {
		return &Error{Code: ServerError, Description: wireServer, Reason: r}
	}
	return &Error{Code: info.Code, Description: info.Description, Reason: r, RetryAfter: info.RetryAfter}
}

// With returns a copy that names the offending parameter, also in the description of reasons whose description ends in
// a name ("... (scope)"). The name must be one of the protocol's, never text out of the request.
func (e *Error) With(param string) *Error {
	c := *e
	c.Param = param
	if info, ok := Lookup(e.Reason); ok && info.Named && param != "" {
		c.Description = info.Description + " (" + param + ")"
	}
	return &c
}

// Because returns a copy with the cause, which only the log sees.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// About returns a copy with the detail for the reference code and the log.
func (e *Error) About(d Detail) *Error {
	c := *e
	c.Detail = d
	return &c
}

// After returns a copy that asks the client to wait.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// AtResource returns a copy for a protected resource (userinfo, an admin route) that met a reason of the token endpoint,
// such as grant_ended: there it is the access token that is invalid. RFC 6750 §3.1. Other codes stay.
func (e *Error) AtResource() *Error {
	c := *e
	if c.Code == InvalidGrant {
		c.Code, c.Description = InvalidToken, wireToken
	}
	return &c
}

// Error gives code and reason, for logs; it is not the wire text.
func (e *Error) Error() string {
	text := string(e.Code) + ": " + string(e.Reason)
	if e.Param != "" {
		text += " (" + e.Param + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Status is the HTTP status of an answer that is not a redirect. An invalid_client is always 401 and then needs
// WWW-Authenticate (BasicChallenge); an invalid_token needs BearerChallenge.
func (e *Error) Status() int {
	if info, ok := Lookup(e.Reason); ok && info.Status != 0 && info.Code == e.Code {
		return info.Status
	}
	if status, ok := statuses[e.Code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// StaysHere reports whether the error concerns the very parameters that say where and how an answer would travel, so that
// it must be shown on a page of ours and never be redirected. RFC 6749 §4.1.2.1; OpenID Connect Core §3.1.2.6: a response
// mode that is not supported is answered "without Error Response parameters".
func (e *Error) StaysHere() bool {
	return e.Param == "client_id" || e.Param == "redirect_uri" || e.Param == "response_mode"
}

// Params are the parameters of an authorization error response, for the query or for a form_post page.
// RFC 6749 §4.1.2.1 (state returned exactly), RFC 9207 §2 (iss also in errors).
func (e *Error) Params(state string, issuer Issuer) []Param {
	params := []Param{{"error", string(e.Code)}, {"error_description", e.Description}}
	if state != "" {
		params = append(params, Param{"state", state})
	}
	return append(params, Param{"iss", issuer.String()})
}

// Redirect is the address that carries the error back to the client. Only the holder of a matched redirect URI can build
// one, so an open redirector does not compile. RFC 9700 §4.11.2.
func (e *Error) Redirect(to RedirectURI, state string, issuer Issuer) string {
	return to.WithQuery(e.Params(state, issuer))
}
