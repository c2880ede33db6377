package oauth

import (
	"slices"
	"strconv"
	"strings"
)

// The response type and the response modes of an authorization request.
const (
	ResponseTypeCode = "code"
	ResponseQuery    = "query"     // OAuth 2.0 Multiple Response Type Encoding Practices §2.1
	ResponseFormPost = "form_post" // OAuth 2.0 Form Post Response Mode §2
)

// The values of prompt. OpenID Connect Core §3.1.2.1; create is of Initiating User Registration via OpenID Connect 1.0.
const (
	PromptNone          = "none"
	PromptLogin         = "login"
	PromptConsent       = "consent"
	PromptSelectAccount = "select_account"
	PromptCreate        = "create"
)

// AuthorizationRequest is what a client asks at the authorization endpoint. RFC 6749 §4.1.1, OpenID Connect Core
// §3.1.2.1, RFC 7636 §4.3, RFC 8707 §2.1. It is stored with its interaction, hence the names.
type AuthorizationRequest struct {
	ClientID            string         `json:"client_id"`
	RedirectURI         string         `json:"redirect_uri,omitempty"` // as presented; unproven
	ResponseType        string         `json:"response_type,omitempty"`
	ResponseMode        string         `json:"response_mode,omitempty"` // "" = query
	Scope               Scopes         `json:"scope,omitempty"`
	State               string         `json:"state,omitempty"`
	Nonce               string         `json:"nonce,omitempty"`
	CodeChallenge       string         `json:"code_challenge,omitempty"` // S256
	CodeChallengeMethod string         `json:"code_challenge_method,omitempty"`
	Prompt              []string       `json:"prompt,omitempty"`
	MaxAge              *int64         `json:"max_age,omitempty"` // seconds
	ACRValues           []string       `json:"acr_values,omitempty"`
	IDTokenHint         string         `json:"id_token_hint,omitempty"`
	LoginHint           string         `json:"login_hint,omitempty"`
	UILocales           string         `json:"ui_locales,omitempty"`
	Display             string         `json:"display,omitempty"`
	ClaimsLocales       string         `json:"claims_locales,omitempty"`
	Claims              *ClaimsRequest `json:"claims,omitempty"` // nil: none was sent
	Resources           []string       `json:"resource,omitempty"`
	ByObject            bool           `json:"by_object,omitempty"` // it came in a request object, which was opened
	Registration        string         `json:"registration,omitempty"`
}

// ParseAuthorizationRequest reads an authorization request. It returns the request also when there is a fault: decide
// then looks up client and redirect URI, and redirects the error unless it StaysHere. What was at fault is empty in it.
func ParseAuthorizationRequest(f Form) (AuthorizationRequest, *Error) {
	r := reader{form: f, fault: f.fault}
	q := AuthorizationRequest{
		ClientID:      r.clientID(),
		RedirectURI:   f.Get("redirect_uri"),
		ResponseMode:  r.responseMode(),
		ResponseType:  r.responseType(),
		Scope:         r.scopes(),
		State:         f.Get("state"), // returned exactly: RFC 6749 §4.1.2
		Nonce:         f.Get("nonce"),
		Prompt:        r.prompt(),
		MaxAge:        r.maxAge(),
		ACRValues:     words(f.Get("acr_values")),
		IDTokenHint:   f.Get("id_token_hint"),
		LoginHint:     f.Get("login_hint"),
		UILocales:     f.Get("ui_locales"),
		Display:       f.Get("display"),
		ClaimsLocales: f.Get("claims_locales"),
		Claims:        r.claims(),
		Resources:     r.resources(),
		ByObject:      f.byObject,
		Registration:  f.Get("registration"),
	}
	q.CodeChallenge, q.CodeChallengeMethod = r.challenge()
	return q, r.fault
}

// IsAuthorizationParameter reports whether a name is one of those that ParseAuthorizationRequest reads, and that a
// request object may hold: all but request and request_uri (RFC 9101 §4).
func IsAuthorizationParameter(name string) bool {
	switch name {
	case "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
		"code_challenge_method", "prompt", "max_age", "acr_values", "id_token_hint", "login_hint", "ui_locales", "display",
		"claims", "claims_locales", "resource", "registration":
		return true
	}
	return false
}

// Prompts reports whether the request asks for the prompt.
func (q AuthorizationRequest) Prompts(prompt string) bool { return slices.Contains(q.Prompt, prompt) }

func (r *reader) clientID() string {
	r.required("client_id")
	return r.vschar("client_id")
}

// responseMode: an unknown mode says of no error how it would go back, so it is told on a page of ours.
func (r *reader) responseMode() string {
	switch mode := r.form.Get("response_mode"); mode {
	case "", ResponseQuery, ResponseFormPost:
		return mode
	}
	r.blame(Refuse(ReasonResponseModeUnsupported).With("response_mode"))
	return ""
}

// responseType: only the code flow. RFC 9700 §2.1.2.
func (r *reader) responseType() string {
	value := r.required("response_type")
	if value != "" && value != ResponseTypeCode {
		r.blame(Refuse(ReasonResponseTypeUnsupported).With("response_type"))
		return ""
	}
	return value
}

// prompt: OpenID Connect Core §3.1.2.1, "If this parameter contains none with any other value, an error is returned."
func (r *reader) prompt() []string {
	var prompts []string
	for _, value := range words(r.form.Get("prompt")) {
		switch value {
		case PromptNone, PromptLogin, PromptConsent, PromptSelectAccount, PromptCreate:
		default:
			r.blame(Refuse(ReasonParameterMalformed).With("prompt"))
			return nil
		}
		if !slices.Contains(prompts, value) {
			prompts = append(prompts, value)
		}
	}
	if len(prompts) > 1 && slices.Contains(prompts, PromptNone) {
		r.blame(Refuse(ReasonParameterMalformed).With("prompt"))
		return nil
	}
	return prompts
}

// maxAge reads seconds: digits alone, at most nine of them (thirty years).
func (r *reader) maxAge() *int64 {
	value := r.form.Get("max_age")
	if value == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(value, 10, 63)
	if err != nil || len(value) > 9 {
		r.blame(Refuse(ReasonParameterMalformed).With("max_age"))
		return nil
	}
	age := int64(seconds)
	return &age
}

// claims: OpenID Connect Core §5.5, a JSON object.
func (r *reader) claims() *ClaimsRequest {
	value := r.form.Get("claims")
	if value == "" {
		return nil
	}
	asked, err := ParseClaimsRequest(value)
	if err != nil {
		r.blame(Refuse(ReasonParameterMalformed).With("claims"))
		return nil
	}
	return asked
}

// challenge: a challenge without a method would mean plain (RFC 7636 §4.3), which is refused as plain itself is.
func (r *reader) challenge() (challenge, method string) {
	challenge, method = r.form.Get("code_challenge"), r.form.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "":
		return "", ""
	case method != ChallengeMethodS256:
		r.blame(Refuse(ReasonPKCEMethod).With("code_challenge_method"))
	case challenge == "":
		r.blame(Refuse(ReasonParameterMissing).With("code_challenge"))
	case !IsChallenge(challenge):
		r.blame(Refuse(ReasonPKCEChallengeMalformed).With("code_challenge"))
	default:
		return challenge, method
	}
	return "", ""
}

// words splits a space-separated list; an empty one is nil.
func words(value string) []string {
	var list []string
	for word := range strings.SplitSeq(value, " ") {
		if word != "" {
			list = append(list, word)
		}
	}
	return list
}
