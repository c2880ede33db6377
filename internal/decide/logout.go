package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// LogoutAsk is a logout request as it arrives (OpenID Connect RP-Initiated
// Logout 1.0 §2). Its ID token hint was verified by whoever has the keys; that
// it has expired does not matter.
type LogoutAsk struct {
	Request    *oauth.LogoutRequest
	Hint       *record.VerifiedToken // nil: none was sent, or none of ours
	HintReason oauth.Reason          // why the hint that was sent is none of ours
	Confirmed  bool                  // the user said yes on our page
}

// LogoutAnswer is how a logout goes on: a question to the user, or done. To is
// then where to go on to; empty: a page of ours says that it is done.
type LogoutAnswer struct {
	Ask    bool
	To     string
	Client *record.Client // who asks; nil if it does not say
}

// Logout ends the browser's session. Without an ID token that was issued in it
// the user is asked first; nobody is sent anywhere but to an address that the
// client registered, and only on the word of the client or of the user.
func Logout(ask LogoutAsk, st *record.LogoutState, env Env) Outcome[LogoutAnswer] {
	to, err := logoutTarget(ask, st.Client)
	if err != nil {
		return refuse[LogoutAnswer](err) // §4: "the OP MUST NOT perform post-logout redirection"
	}
	answer := LogoutAnswer{Client: st.Client}
	signedIn := st.Session != nil && st.Session.EndedAt == 0
	if signedIn && !ask.Confirmed && !(hintFits(ask.Hint, st, env) && names(ask.Request.LogoutHint, st, env)) {
		answer.Ask = true // §2: "the OP MUST ask the End-User this question"
		return Outcome[LogoutAnswer]{Answer: answer}
	}
	if ask.Hint != nil || ask.Confirmed {
		answer.To = to // §3: by the hint, or by "other means of confirming the legitimacy"
	}
	out := Outcome[LogoutAnswer]{Answer: answer}
	if signedIn {
		out.Changes = endOwnSession(st.Session, "logout", env)
	}
	return out
}

// hintFits reports whether the ID token was issued to the user who is signed in,
// and in this session if it says in which (§2).
func hintFits(hint *record.VerifiedToken, st *record.LogoutState, env Env) bool {
	return hint != nil && hint.Subject == env.SubjectFor(st.Client, st.Session.UserID) && (hint.SID == "" || hint.SID == st.Session.ID)
}

// names reports whether a logout_hint means who is signed in, or nobody in
// particular. §2 leaves to the server what it may be; here it is an e-mail address,
// a sub or a sid. By itself it never spares the question.
func names(hint string, st *record.LogoutState, env Env) bool {
	if hint == "" || hint == env.SubjectFor(st.Client, st.Session.UserID) || hint == st.Session.ID {
		return true
	}
	address, ok := CanonicalEmail(hint)
	return ok && st.User != nil && address == emailOf(st.User)
}

// logoutTarget checks what the request says of the client and returns where to
// go afterwards, with state; "" if it does not ask to go anywhere.
func logoutTarget(ask LogoutAsk, client *record.Client) (string, *oauth.Error) {
	req := ask.Request
	if ask.HintReason != "" {
		return "", oauth.Refuse(oauth.ReasonLogoutHintInvalid).With("id_token_hint")
	}
	if ask.Hint != nil && req.ClientID != "" && !slices.Contains(ask.Hint.Audience, req.ClientID) {
		// §2: "the OP MUST verify that the Client Identifier matches".
		return "", oauth.Refuse(oauth.ReasonLogoutClientMismatch).With("client_id")
	}
	if req.PostLogoutRedirectURI == "" || client == nil && ask.Hint == nil && req.ClientID == "" {
		// §3: an address is somebody's, and this is nobody's. The user is not kept from
		// signing out by that.
		return "", nil
	}
	unregistered := oauth.Refuse(oauth.ReasonLogoutURIUnregistered).With("post_logout_redirect_uri")
	if client == nil || !client.Enabled {
		return "", unregistered.About(oauth.Detail{Client: req.ClientID})
	}
	// §3: "exactly match"; no port varies here.
	to, ok := oauth.MatchRedirectURI(client.Settings.PostLogoutRedirectURIs, req.PostLogoutRedirectURI, false)
	if !ok {
		return "", unregistered.About(oauth.Detail{Client: client.ID})
	}
	if req.State == "" {
		return to.String(), nil
	}
	return to.WithQuery([]oauth.Param{{Name: "state", Value: req.State}}), nil
}

// endOwnSession ends a session for its user, and with it the grants that hang
// from it.
func endOwnSession(session *record.Session, reason string, env Env) []record.Change {
	return End(Ending{
		Target: revocation.ForSID(session.ID),
		Reason: reason,
		Actor:  ActorUser(session.UserID),
		UserID: session.UserID,
	}, env)
}
