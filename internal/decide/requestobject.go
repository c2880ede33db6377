package decide

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// AlgNone stands for a request object that is not signed. A client that registered
// it sends no others.
const AlgNone = "none"

// RequestObjectAlgs are what a client may register: those of SigningAlgs and AlgNone
// (OpenID Connect Discovery §3: "Servers SHOULD support none and RS256"). The metadata
// do not list the last: a client that reads it there would send unsigned objects
// without having registered that, and those are refused.
func RequestObjectAlgs() []string { return append([]string{AlgNone}, SigningAlgs()...) }

// RequestObjectKID is the key that a request object names, unproven.
func RequestObjectKID(text string) string {
	parsed, err := jose.Parse(text)
	if err != nil {
		return ""
	}
	return parsed.Header().Kid
}

// CheckRequestURI decides whether a request_uri may be fetched: one that was
// registered, character by character. The fragment is no part of the address that
// is fetched but the hash of what was there once (OpenID Connect Core §6.2), so it
// does not count.
func CheckRequestURI(uri string, client *record.Client) *oauth.Error {
	address, _, _ := strings.Cut(uri, "#")
	if address != "" && slices.ContainsFunc(client.Settings.RequestURIs, func(registered string) bool {
		registered, _, _ = strings.Cut(registered, "#")
		return registered == address
	}) {
		return nil
	}
	return oauth.Refuse(oauth.ReasonRequestURIUnregistered).With("request_uri").About(oauth.Detail{Client: client.ID})
}

// OpenRequestObject gives the parameters of a request that came with a request
// object (RFC 9101, OpenID Connect Core §6): what the object says goes before what
// stands around it. param is how the object came, "request" or "request_uri".
func OpenRequestObject(text, param string, around oauth.Form, st *record.ClientState, env Env) (oauth.Form, *oauth.Error) {
	refused := func(reason oauth.Reason) (oauth.Form, *oauth.Error) {
		detail := oauth.Detail{Client: st.Client.ID, KID: RequestObjectKID(text)}
		return oauth.Form{}, oauth.Refuse(reason).With(param).About(detail)
	}
	claims, signed, reason := readRequestObject(text, st)
	if reason != "" {
		return refused(reason)
	}
	if reason := requestObjectRefusal(claims, signed, st.Client, env); reason != "" {
		return refused(reason)
	}
	params, err := requestParameters(claims)
	if err != nil {
		return refused(oauth.ReasonRequestObjectClaims)
	}
	for _, p := range params {
		// OpenID Connect Core §6.1: what must stand outside too must not contradict.
		outside := around.Get(p.Name)
		if (p.Name == "client_id" || p.Name == "response_type") && outside != "" && outside != p.Value {
			return refused(oauth.ReasonRequestObjectContradicts)
		}
	}
	return around.Under(params, aloneCounts(st.Client)), nil
}

// aloneCounts reports whether what stands around a request object is ignored
// (RFC 9101 §6.3) rather than filling its gaps (OpenID Connect Core §6.1): a client
// that must sign its requests has signed all of them.
func aloneCounts(client *record.Client) bool {
	return client.Settings.RequireSignedRequestObject || client.Settings.SecurityProfile != record.OIDCProfile
}

// readRequestObject checks form, type, algorithm and signature.
func readRequestObject(text string, st *record.ClientState) (claims jose.Object, signed bool, _ oauth.Reason) {
	parsed, err := jose.ParseUnsecured(text)
	registered := st.Client.Settings.RequestObjectSigningAlg
	switch {
	case err == nil && registered != AlgNone:
		return claims, false, oauth.ReasonRequestObjectAlgorithm // RFC 9101 §10.1: unless the client asked for it
	case err == nil:
		return decodeRequestObject(parsed, parsed.UnverifiedPayload(), false)
	}
	if parsed, err = jose.Parse(text); err != nil {
		return claims, false, oauth.ReasonRequestObjectMalformed // an encrypted one too
	}
	if registered == AlgNone {
		return claims, false, oauth.ReasonRequestObjectAlgorithm
	}
	payload, err := parsed.Verify(st.Proof.Keys.Assume(jose.Algorithm(registered)), allowedAlgs(registered)...)
	switch {
	case errors.Is(err, jose.ErrAlgorithm):
		return claims, false, oauth.ReasonRequestObjectAlgorithm
	case errors.Is(err, jose.ErrUnknownKey):
		return claims, false, oauth.ReasonRequestObjectKey
	case err != nil:
		return claims, false, oauth.ReasonRequestObjectSignature
	}
	return decodeRequestObject(parsed, payload, true)
}

func decodeRequestObject(parsed *jose.Compact, payload string, signed bool) (jose.Object, bool, oauth.Reason) {
	header := parsed.Header()
	// RFC 8725 §3.11: what bears the type of something else was signed for that.
	if header.Typ != "" && !header.HasType("JWT") && !header.HasType("oauth-authz-req+jwt") {
		return jose.Object{}, false, oauth.ReasonRequestObjectType
	}
	claims, err := jose.DecodeObject(payload)
	if err != nil {
		return jose.Object{}, false, oauth.ReasonRequestObjectMalformed
	}
	return claims, signed, ""
}

// requestObjectRefusal checks whose object it is, for whom and when.
func requestObjectRefusal(claims jose.Object, signed bool, client *record.Client, env Env) oauth.Reason {
	// RFC 9101 §4: they "MUST NOT be included in Request Objects"
	if claims.Has("request") || claims.Has("request_uri") {
		return oauth.ReasonRequestObjectClaims
	}
	// RFC 9101 §6.3: inside and outside the client_id "MUST be identical", so it is
	// there; OpenID Connect Core §6.1 lets a client leave it out.
	if aloneCounts(client) && !claims.Has("client_id") {
		return oauth.ReasonRequestObjectContradicts
	}
	// RFC 9101 §10.8: a request object with the client as its subject could be used
	// as a client assertion by everybody who sees it pass.
	if subject, err := claims.String("sub"); err == nil && subject == client.ID {
		return oauth.ReasonRequestObjectClaims
	}
	// RFC 9101 §4: iss and aud "SHOULD" be there; the stricter profiles want them.
	needed := signed && client.Settings.SecurityProfile != record.OIDCProfile
	if issuer, err := claims.String("iss"); claims.Has("iss") && (err != nil || issuer != client.ID) || needed && err != nil {
		return oauth.ReasonRequestObjectIssuer
	}
	audience, err := claims.StringOrStrings("aud")
	if claims.Has("aud") && (err != nil || !slices.Contains(audience, env.Policy.Issuer.String())) || needed && err != nil {
		return oauth.ReasonRequestObjectAudience
	}
	return requestObjectTime(claims, env)
}

// requestObjectTime: RFC 7519 §4.1.4, §4.1.5, §4.1.6.
func requestObjectTime(claims jose.Object, env Env) oauth.Reason {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if !claims.Has(name) {
			continue
		}
		at, err := claims.NumericDate(name)
		switch {
		case err != nil:
			return oauth.ReasonRequestObjectClaims
		case name == "exp" && env.Now >= at*second+env.Policy.Leeway:
			return oauth.ReasonRequestObjectExpired
		case name != "exp" && at > (env.Now+assertionAhead)/second:
			return oauth.ReasonRequestObjectFuture
		}
	}
	return ""
}

// requestParameters gives the parameters among the claims. RFC 9101 §4: "Request
// parameters ... are represented as strings or numbers, as appropriate"; those
// with a structure stand as they are. What is no parameter is ignored.
func requestParameters(claims jose.Object) ([]oauth.Param, error) {
	var params []oauth.Param
	for _, name := range claims.Names() {
		if !oauth.IsAuthorizationParameter(name) {
			continue
		}
		values, err := parameterValues(claims, name)
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			params = append(params, oauth.Param{Name: name, Value: value})
		}
	}
	return params, nil
}

func parameterValues(claims jose.Object, name string) ([]string, error) {
	switch name {
	case "resource": // RFC 8707 §2.1: it may repeat
		return claims.StringOrStrings(name)
	case "claims", "registration": // OpenID Connect Core §6.1: JSON inside JSON
		if _, err := claims.Object(name); err == nil {
			text, err := claims.Raw(name)
			return []string{string(text)}, err
		}
	case "max_age":
		if number, err := claims.Int64(name); err == nil {
			return []string{strconv.FormatInt(number, 10)}, nil
		}
	}
	value, err := claims.String(name)
	return []string{value}, err
}
