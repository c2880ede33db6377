package pages

import (
	"strings"
	"time"
)

// What the pages say about a code. The sentences themselves are in catalogues/,
// under a key that is made of the code.

// Notice is something to tell the user that is no error. A word that is none
// of these shows nothing, so one may come from a query parameter.
type Notice string

// Notices.
const (
	NoticeReauthenticate    Notice = "reauthenticate"
	NoticeSessionExpired    Notice = "session-expired"
	NoticeSwitchAccount     Notice = "switch-account"
	NoticePasswordChanged   Notice = "password-changed"
	NoticeSessionEnded      Notice = "session-ended"
	NoticeAppRemoved        Notice = "app-removed"
	NoticeOthersSignedOut   Notice = "password-changed-others-out"
	NoticeSignedOutAllRound Notice = "signed-out-everywhere"
	NoticeSignedUp          Notice = "signed-up"

	// Of a sign-in at an upstream that came to nothing.
	NoticeUpstreamDenied Notice = "upstream-denied"
	NoticeUpstreamAway   Notice = "upstream-away"
	NoticeUpstreamFailed Notice = "upstream-failed"
	NoticeUpstreamNobody Notice = "upstream-nobody"
	NoticeUpstreamTaken  Notice = "upstream-taken"
	NoticeUpstreamStale  Notice = "upstream-stale"
	NoticeUpstreamSlow   Notice = "upstream-slow"

	// Of linking an account elsewhere.
	NoticeLinked     Notice = "linked"
	NoticeUnlinked   Notice = "unlinked"
	NoticeLinkFailed Notice = "link-failed"
	NoticeLinkTaken  Notice = "link-taken"
	NoticeLastWayIn  Notice = "last-way-in"
)

// Overrides reports whether a notice is worth more than why the page is there.
func (n Notice) Overrides() bool {
	return n == NoticeSwitchAccount || strings.HasPrefix(string(n), "upstream-")
}

// notice is the sentence of a notice; none for a word that is none of these.
func (l *tongue) notice(n Notice) string { return l.text("notice." + string(n)) }

// Problem is what is wrong with a submitted form. The zero value is none.
type Problem struct {
	Kind ProblemKind
	// Wait is how long until the next attempt, for ProblemThrottled.
	Wait time.Duration
	// Minimum is the shortest password in characters, for ProblemTooShort.
	Minimum int
}

// ProblemKind is a word for a problem.
type ProblemKind string

// Problems of the forms.
const (
	ProblemCredentials     ProblemKind = "credentials"
	ProblemThrottled       ProblemKind = "throttled"
	ProblemFormExpired     ProblemKind = "form-expired"
	ProblemEmail           ProblemKind = "email"
	ProblemTooShort        ProblemKind = "too-short"
	ProblemTooLong         ProblemKind = "too-long"
	ProblemGuessable       ProblemKind = "guessable"
	ProblemMismatch        ProblemKind = "mismatch"
	ProblemCurrentPassword ProblemKind = "current-password"
)

// Field is the field at fault, the last part of its element's id; empty where
// the trouble is not in one.
func (p Problem) Field() string {
	switch p.Kind {
	case ProblemCredentials, ProblemTooShort, ProblemTooLong, ProblemGuessable:
		return "password"
	case ProblemEmail:
		return "email"
	case ProblemMismatch:
		return "confirm"
	case ProblemCurrentPassword:
		return "current"
	}
	return ""
}

// problem is the sentence of a problem; none for the zero value.
func (l *tongue) problem(p Problem) string {
	return l.text("problem."+string(p.Kind), "wait", l.span(p.Wait), "n", p.Minimum)
}

// scope is the meaning of a scope in a sentence that goes on from "This app will
// be able to", or "" where only the name is known.
func (l *tongue) scope(s Scope) string {
	switch s.Name {
	case "openid", "profile", "email", "address", "phone", "offline_access":
		return l.text("scope." + s.Name)
	}
	return displayName(s.Description)
}

// attribute is the meaning of a claim that is asked for by name, in a sentence like
// a scope's; "" for a claim that is none of OpenID Connect's.
func (l *tongue) attribute(name string) string { return l.text("attribute." + name) }

// sentence is the title and the explanation of an error page.
type sentence struct {
	Title, Text string
}

// failureKeys are the codes that have a sentence of their own: those of the
// protocol, and those for what only happens on our own pages.
var failureKeys = map[string]string{
	"temporarily_unavailable": "unavailable",
	"server_error":            "ours",
	"access_denied":           "denied",
	"unauthorized_client":     "client",
	"invalid_client":          "client",
	"not_found":               "nothing",
	"form_expired":            "form",
	"interaction_expired":     "expired",
	"invalid_setup_token":     "setup",
	"sign_up_off":             "signup",
}

// failure goes by the code, then by the parameter.
func (l *tongue) failure(f Failure) sentence {
	key, ok := failureKeys[f.Code]
	switch {
	case ok:
	case f.Parameter == "redirect_uri":
		key = "redirect"
	default:
		key = "request"
	}
	return sentence{Title: l.text("failure." + key + ".title"), Text: l.text("failure." + key + ".text")}
}

// device names the browser and the system of a User-Agent header, as far as
// people care. The order matters: each browser also names its ancestors.
func (l *tongue) device(userAgent string) string {
	browser := firstOf(userAgent, [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	})
	system := firstOf(userAgent, [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Macintosh", "Mac"},
		{"Linux", "Linux"},
	})
	switch {
	case browser != "" && system != "":
		return l.text("device.both", "browser", browser, "system", system)
	case browser != "" || system != "":
		return browser + system
	}
	return l.text("device.unknown")
}

func firstOf(s string, marks [][2]string) string {
	for _, mark := range marks {
		if strings.Contains(s, mark[0]) {
			return mark[1]
		}
	}
	return ""
}
