package verify

import (
	"errors"
	"strings"
)

// Reason is why a token was refused: a stable word for logs and metrics. The
// caller of the API learns less.
type Reason string

// The reasons. All but the last three are invalid_token to the caller
// (RFC 6750 §3.1).
const (
	Malformed      Reason = "malformed"       // no JWS, or claims that are missing or of a wrong type
	Opaque         Reason = "opaque"          // an opaque access token (mat_...): only the issuer can open it, by introspection
	WrongType      Reason = "wrong_type"      // an ID token, say: typ is not at+jwt (RFC 9068 §4)
	WrongSignature Reason = "wrong_signature" // or an algorithm or key that is not the issuer's
	WrongIssuer    Reason = "wrong_issuer"
	WrongAudience  Reason = "wrong_audience" // meant for another API
	TokenExpired   Reason = "expired"
	NotYetValid    Reason = "not_yet_valid"
	NotRevocable   Reason = "not_revocable" // no rvs: it could never be taken back
	Bound          Reason = "bound"         // to a certificate that was not shown, or to a key (cnf) whose possession nobody proves here
	// WrongCertificate: bound to another than was shown, or what a proxy says of it cannot be read.
	WrongCertificate Reason = "wrong_certificate"
	Revoked          Reason = "revoked"

	NoToken    Reason = "no_token"    // nothing was tried: the challenge names no error
	ManyTokens Reason = "many_tokens" // more than one Authorization header: invalid_request
	LacksScope Reason = "lacks_scope" // a good token that does not reach this far: insufficient_scope
)

// ErrUnavailable says that the verifier cannot know whether a token is good: it
// has not heard from the issuer for too long. Answer 503 and let the caller try
// again; the token may be fine.
var ErrUnavailable = errors.New("the token cannot be checked at the moment")

// RefusedError is the verdict on a token that is no good, or not good enough.
type RefusedError struct {
	Reason Reason

	scope string // that would do; of LacksScope
}

// Error names the reason, and nothing of the token.
func (e *RefusedError) Error() string {
	said := "access token refused: " + string(e.Reason)
	if e.Reason == Opaque {
		return said + ": it cannot be checked locally; ask the issuer's introspection endpoint, or let it issue JWTs for this API"
	}
	return said
}

func refuse(reason Reason) error { return &RefusedError{Reason: reason} }

// lacks is the verdict on a token without one of the scopes.
func lacks(scope []string) error {
	return &RefusedError{Reason: LacksScope, scope: strings.Join(scope, " ")}
}
