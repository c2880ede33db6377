package egress

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Rule is what an address or its answer broke: a stable word, for logs and tests.
type Rule string

// The rules, in the order in which they are asked.
const (
	RuleMalformed   Rule = "url_malformed" // no absolute URL with a host in ASCII, or one over 2 KiB
	RuleScheme      Rule = "url_scheme"    // neither https nor http in a trusted network
	RuleUserinfo    Rule = "url_userinfo"
	RulePort        Rule = "url_port"
	RuleAddress     Rule = "address_not_public"
	RuleUnreachable Rule = "unreachable" // name, connection, TLS or HTTP failed
	RuleTimeout     Rule = "timeout"
	RuleRedirect    Rule = "redirect"
	RuleStatus      Rule = "status"
	RuleTooLarge    Rule = "too_large"
)

// Error is why there is no answer. It never holds the address, which may be a
// secret of the client's.
type Error struct {
	Rule Rule
	Kind string // of the address that was refused: "loopback", "private", ...
	Seen int    // the status that was refused
	Err  error  // what net said
}

// sentences say what each rule wants.
var sentences = map[Rule]string{
	RuleMalformed:   "not an absolute URL whose host is plain ASCII",
	RuleScheme:      "not https, and plain http is for trusted networks only",
	RuleUserinfo:    "a user name in a URL is not sent anywhere",
	RulePort:        "the port is neither the scheme's own nor one of 1024 to 65535",
	RuleAddress:     "the address is not public and not of a trusted network",
	RuleUnreachable: "nothing answered there",
	RuleTimeout:     "the answer took too long",
	RuleRedirect:    "it redirects, and redirects are not followed",
	RuleStatus:      "it answered another status than 200",
	RuleTooLarge:    "the answer is too large",
}

// Error gives the rule and what it wants.
func (e *Error) Error() string {
	text := string(e.Rule) + ": " + sentences[e.Rule]
	if e.Kind != "" {
		text += " (" + e.Kind + ")"
	}
	if e.Seen != 0 {
		text += " (" + strconv.Itoa(e.Seen) + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives what net said.
func (e *Error) Unwrap() error { return e.Err }

// freshness reads max-age; no-store and no-cache make it nothing at all.
// RFC 9111 §5.2.2.
func freshness(header http.Header) time.Duration {
	const longest = 365 * 24 * 3600
	fresh := time.Duration(-1)
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 63)
			if err == nil {
				fresh = time.Duration(min(seconds, longest)) * time.Second
			}
		}
	}
	return fresh
}
