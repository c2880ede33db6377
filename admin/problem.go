package admin

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProblemType is the content type of a refusal.
const ProblemType = "application/problem+json"

// The types of problem.
const (
	ProblemInvalid  = "urn:mintmark:problem:invalid"   // 400, 413, 415: Errors say what is wrong
	ProblemToken    = "urn:mintmark:problem:token"     // 401: there is no token, or it is wrong or has expired
	ProblemScope    = "urn:mintmark:problem:scope"     // 403: the token has not the scope that Detail names
	ProblemTooMany  = "urn:mintmark:problem:too-many"  // 429: too many wrong tokens; come back after Retry-After
	ProblemNotFound = "urn:mintmark:problem:not-found" // 404: there is no such thing
	ProblemMethod   = "urn:mintmark:problem:method"    // 405: not done to such a thing
	ProblemConflict = "urn:mintmark:problem:conflict"  // 409: taken, or changed since it was read
	// 422: the key to do it once was used for another request
	ProblemReused = "urn:mintmark:problem:idempotency-key"
	// 412: changed since it was read, as If-Match says
	ProblemPrecondition = "urn:mintmark:problem:precondition"
	ProblemUnavailable  = "urn:mintmark:problem:unavailable" // 503: trouble of the server; nothing was changed
)

// Problem is a refusal (RFC 9457). It is the error of every call that the server
// answered with one.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`
	// RetryAfter is when to ask again, of a 429 or 503 (Retry-After); zero: not said.
	RetryAfter time.Duration `json:"-"`
	// Reference is what Explain opens, of a token that was refused (Error-Reference);
	// empty: there is none.
	Reference string `json:"-"`
}

// FieldError is one thing that is wrong with a request. Field is its JSON name.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is title, detail and all field errors, one to a line.
func (p *Problem) Error() string {
	var text strings.Builder
	text.WriteString(p.Title)
	if p.Detail != "" {
		text.WriteString(": " + p.Detail)
	}
	for _, e := range p.Errors {
		text.WriteString("\n  " + e.Field + ": " + e.Message)
	}
	return text.String()
}

// problemOf reads a refusal, and makes one up where something else answered.
func problemOf(response *http.Response) *Problem {
	problem := &Problem{}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind != ProblemType || json.NewDecoder(response.Body).Decode(problem) != nil {
		problem = &Problem{Type: "about:blank", Title: response.Status, Status: response.StatusCode}
	}
	problem.Reference = response.Header.Get("Error-Reference")
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31); err == nil {
		problem.RetryAfter = time.Duration(seconds) * time.Second
	}
	return problem
}
