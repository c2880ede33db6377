package demo

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/verify"
)

// What may come of a check, beside the verifier's own reasons.
const (
	accepted   = "accepted"
	noToken    = "no_token"
	lacksScope = "insufficient_scope"
	notKnown   = "unavailable"
)

// verdict is the API's answer on its way out. It says how long the check of the
// token took and what came of it, in the header Server-Timing (W3C). A real API
// keeps that to its log.
type verdict struct {
	http.ResponseWriter
	r     *http.Request
	api   *API
	began time.Time
	said  bool
}

func newVerdict(w http.ResponseWriter, r *http.Request, a *API) *verdict {
	return &verdict{ResponseWriter: w, r: r, api: a, began: time.Now()}
}

// pass notes that the token was good.
func (v *verdict) pass() {
	took := time.Since(v.began)
	v.api.passed.Add(1)
	v.say(accepted, took)
}

// WriteHeader sends the answer. If the token has not passed, it is a refusal.
func (v *verdict) WriteHeader(status int) {
	if !v.said {
		took := time.Since(v.began)
		v.api.refused.Add(1)
		v.say(v.api.reason(v.r, status), took)
	}
	v.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (v *verdict) Unwrap() http.ResponseWriter { return v.ResponseWriter }

func (v *verdict) say(outcome string, took time.Duration) {
	v.said = true
	v.Header().Set("Server-Timing", fmt.Sprintf("check;desc=%s;dur=%.4f", outcome, took.Seconds()*1000))
}

// readVerdict takes apart what the API says of its check.
func readVerdict(h http.Header) (outcome string, took time.Duration) {
	for part := range strings.SplitSeq(h.Get("Server-Timing"), ";") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "desc":
			outcome = value
		case "dur":
			ms, _ := strconv.ParseFloat(value, 64) // 0 where it cannot be read
			took = time.Duration(ms * float64(time.Millisecond))
		}
	}
	return outcome, took
}

// rule is one thing that the verifier holds a token to.
type rule struct {
	broken string // what comes of the check if it does not hold
	says   string
	claims string // that show it, of the header or the payload
}

// rules are in the order in which the verifier goes through them.
func rules() []rule {
	return []rule{
		{string(verify.Malformed), "it is a signed token with the claims that an access token has (RFC 9068 §2.2)", ""},
		{string(verify.WrongType), "its type is at+jwt: an access token, not an ID token (RFC 9068 §4)", "typ"},
		{string(verify.WrongSignature), "the issuer signed it: one of its published keys fits (RFC 7515 §5.2)", "alg kid"},
		{string(verify.WrongIssuer), "it is of the issuer that this API trusts", "iss"},
		{string(verify.WrongAudience), "it is for this API", "aud"},
		{string(verify.NotRevocable), "it says up to when Mintmark vouched for it, or it could not be taken back", "rvs"},
		{string(verify.Bound), "it is bound to no key that the caller would have to prove", "cnf"},
		{string(verify.WrongCertificate), "if it is bound to a certificate, the connection shows that one", "cnf"},
		{string(verify.NotYetValid), "it is valid already", "nbf"},
		{string(verify.TokenExpired), "it has not expired", "exp"},
		{string(verify.Revoked), "nothing that it hangs from was ended since: not the user, the session, the grant, the app, the key", "sub sid gid client_id"},
		{lacksScope, "it reaches as far as this call asks", "scope"},
	}
}

// account is what the verifier checked of a token until something did not hold.
// Nothing was, if there was no token or no knowing.
func account(outcome, token string, now time.Time) (held checks) {
	if outcome == noToken || outcome == notKnown || outcome == "" {
		return nil
	}
	report, err := inspect.Token(token, now)
	if err != nil {
		report = inspect.Report{}
	}
	for _, r := range rules() {
		if !held.hold(r.broken != outcome, r.says, r.found(report, token)) {
			break
		}
	}
	return held
}

// found is what a token says where a rule looks.
func (r rule) found(report inspect.Report, token string) string {
	if r.claims == "" {
		return formOf(token)
	}
	var parts []string
	for name := range strings.FieldsSeq(r.claims) {
		m, ok := member(append(report.Header, report.Claims...), name)
		if !ok {
			continue
		}
		parts = append(parts, name+" "+said(m))
	}
	return orNone(strings.Join(parts, ", "))
}
