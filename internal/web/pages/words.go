package pages

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The sentences that depend on a code, in one place beside the templates.
// Another language is another set of templates and another such file.

const language = "en"

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
)

func noticeText(n Notice) string {
	switch n {
	case NoticeReauthenticate:
		return "To continue, enter your password once more."
	case NoticeSessionExpired:
		return "Your session has ended. Sign in to continue."
	case NoticeSwitchAccount:
		return "Sign in with the account you want to use."
	case NoticePasswordChanged:
		return "Your password is changed."
	case NoticeOthersSignedOut:
		return "Your password is changed, and you are signed out everywhere else."
	case NoticeSessionEnded:
		return "That session is over."
	case NoticeAppRemoved:
		return "The app is removed and can no longer use your account."
	case NoticeSignedOutAllRound:
		return "You are signed out everywhere."
	}
	return ""
}

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

func problemText(p Problem) string {
	switch p.Kind {
	case ProblemCredentials:
		return "That identifier and password do not match. Check both and try again."
	case ProblemThrottled:
		return "Too many attempts. Try again in " + span(p.Wait) + "."
	case ProblemFormExpired:
		return "This form was open too long. Nothing was changed; please try again."
	case ProblemEmail:
		return "Enter an e-mail address, such as name@example.com."
	case ProblemTooShort:
		return fmt.Sprintf("Choose a longer password: at least %d characters.", p.Minimum)
	case ProblemTooLong:
		return "Choose a shorter password."
	case ProblemGuessable:
		return "That password is on lists of common or stolen passwords. Choose another."
	case ProblemMismatch:
		return "The two passwords differ. Type the same one twice."
	case ProblemCurrentPassword:
		return "That is not your current password."
	}
	return ""
}

// scopeText is the meaning of a scope in a sentence that goes on from "This
// app will be able to", or "" where only the name is known.
func scopeText(s Scope) string {
	switch s.Name {
	case "openid":
		return "Know that it is you, by an identifier made for this server"
	case "profile":
		return "See your name and other details of your profile"
	case "email":
		return "See your e-mail address"
	case "address":
		return "See your postal address"
	case "phone":
		return "See your phone number"
	case "offline_access":
		return "Keep this access while you are away, even after you sign out"
	}
	return displayName(s.Description)
}

// sentence is the title and the explanation of an error page.
type sentence struct {
	Title, Text string
}

// failureText goes by the code: those of the protocol, and those for what only
// happens on our own pages (not_found, form_expired, interaction_expired,
// invalid_setup_token).
func failureText(f Failure) sentence {
	switch f.Code {
	case "temporarily_unavailable":
		return sentence{"Back in a moment", "The server cannot answer right now. Nothing was changed. Wait a few seconds and load this page again."}
	case "server_error":
		return sentence{"Our mistake", "Something went wrong on this server. Nothing was shared with the application. Please try again."}
	case "access_denied":
		return sentence{"Not allowed", "You are signed in, but this is not open to you."}
	case "unauthorized_client", "invalid_client":
		return sentence{"This application is not known here", "The application that sent you here is not registered for this, or was switched off. Nothing was shared with it."}
	case "not_found":
		return sentence{"Nothing here", "There is no page at this address."}
	case "form_expired":
		return sentence{"That form could not be accepted", "It was open too long, or did not come from this site. Nothing was changed. Go back, load the page again and repeat what you did."}
	case "interaction_expired":
		return sentence{"This page has expired", "It was open too long, or was already used. Go back to the application and start again."}
	case "invalid_setup_token":
		return sentence{"This setup link is no longer valid", "It was used already, or the server has been started again since. The server prints a fresh link when it starts without users."}
	}
	if f.Parameter == "redirect_uri" {
		return sentence{"We stopped this sign-in", "The application asked us to send you to an address that it has not registered. To keep you safe we did not. Nothing was shared."}
	}
	return sentence{"This request cannot be completed", "The application that sent you here made a request that this server cannot accept. Nothing was shared with it. Go back and try again."}
}

// span is a length of time in its largest fitting unit, rounded up.
func span(d time.Duration) string {
	const dayLong = 24 * time.Hour
	units := []struct {
		length time.Duration
		name   string
	}{{dayLong, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for _, unit := range units {
		// A unit fits from two of it on, or when it is met exactly.
		if d >= 2*unit.length || d == unit.length {
			return count(int(math.Ceil(float64(d)/float64(unit.length))), unit.name)
		}
	}
	return count(max(1, int(math.Ceil(d.Seconds()))), "second")
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// ago is how far t lies back, as seen at now.
func ago(now, t time.Time) string {
	const dayLong = 24 * time.Hour
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < dayLong:
		return count(int(d/time.Hour), "hour") + " ago"
	case d < 30*dayLong:
		return count(int(d/dayLong), "day") + " ago"
	}
	return "on " + day(t)
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// device names the browser and the system of a User-Agent header, as far as
// people care. The order matters: each browser also names its ancestors.
func device(userAgent string) string {
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
		return browser + " on " + system
	case browser != "" || system != "":
		return browser + system
	}
	return "Unknown device"
}

func firstOf(s string, marks [][2]string) string {
	for _, mark := range marks {
		if strings.Contains(s, mark[0]) {
			return mark[1]
		}
	}
	return ""
}
