package decide

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// stand is what keeps the user, as they are signed in, from being the answer to an
// authorization request: a page that would help, or none that would. The zero
// value is nothing.
type stand struct {
	reason oauth.Reason // what a client hears that wants no page (OpenID Connect Core §3.1.2.6)
	page   Page         // PageNone: the request fails, whatever the client wants
}

// standing decides from the server's own state whether the user must prove who
// they are, or say as whom they go on.
func standing(ask Ask, st *record.AuthorizeState, env Env) stand {
	acr := essentialACR(ask.Request)
	switch {
	case !acr.reachable():
		return stand{oauth.ReasonACRUnmet, PageNone}
	case asksToSignUp(ask, st, env):
		return stand{oauth.ReasonLoginRequired, PageSignUp}
	case st.Session == nil || Alive(st.Session.RVS, &st.Parents, env.Now) != "":
		return stand{oauth.ReasonLoginRequired, PageLogin}
	case !meant(ask, env.SubjectFor(st.Client, st.Session.UserID)):
		return otherUser(ask, st.Session)
	case provenSince(st.Session, ask.interaction):
		// Who has just signed in chose the account, and is as fresh as they can be.
		if !acr.metBy(SessionFacts(st.Session).ACR) {
			return stand{oauth.ReasonACRUnmet, PageNone}
		}
		return stand{}
	case ask.Request.Prompts(oauth.PromptLogin), tooOld(ask.Request, st, env.Now), !acr.metBy(SessionFacts(st.Session).ACR):
		return stand{oauth.ReasonLoginRequired, PageLogin}
	case ask.Request.Prompts(oauth.PromptSelectAccount) && !chosen(st.Session, ask.interaction):
		return stand{oauth.ReasonAccountSelectionRequired, PageChoose}
	}
	return stand{}
}

// asksToSignUp: Initiating User Registration via OpenID Connect §4.1, prompt=create
// shows the page that makes an account rather than the one to sign in on, to
// somebody who is signed in too; until they have signed in to what they made.
// Where nobody makes an account by themself it asks for nothing.
func asksToSignUp(ask Ask, st *record.AuthorizeState, env Env) bool {
	return ask.Request.Prompts(oauth.PromptCreate) && MaySignUp(env.Policy) == nil &&
		(st.Session == nil || !provenSince(st.Session, ask.interaction))
}

// meant reports whether a user is whom the request is about: the subject of its ID
// token hint, and one of those that it names for sub (OpenID Connect Core §5.5.1).
func meant(ask Ask, subject string) bool {
	if ask.Hint != nil && ask.Hint.Subject != subject {
		return false
	}
	named := ask.Request.Claims
	return named == nil || len(named.Subjects) == 0 || slices.Contains(named.Subjects, subject)
}

// neededACR is what the ID token must say of how the user signed in. The zero
// value is nothing.
type neededACR struct {
	needed bool
	values []string // any if empty
}

// essentialACR: §5.5.1.1. What acr_values ask for is voluntary (§3.1.2.1), and what
// was done is told.
func essentialACR(req *oauth.AuthorizationRequest) neededACR {
	if req.Claims == nil {
		return neededACR{}
	}
	return neededACR{req.Claims.EssentialACR, req.Claims.ACRValues}
}

// ACRValues are the authentication context classes that a sign-in can reach.
func ACRValues() []string { return []string{acrPassword} }

// reachable: §5.5.1.1, what cannot be satisfied "MUST be treated as a failed
// authentication attempt".
func (n neededACR) reachable() bool {
	return !n.needed || len(n.values) == 0 || slices.ContainsFunc(n.values, func(value string) bool {
		return slices.Contains(ACRValues(), value)
	})
}

func (n neededACR) metBy(acr string) bool {
	return !n.needed || acr != "" && (len(n.values) == 0 || slices.Contains(n.values, acr))
}

// otherUser is the standing of a user whom the request is not about. OpenID
// Connect Core §3.1.2.1, id_token_hint: if the right one is not signed in either
// "as a result of the request", the server "MUST return an error".
func otherUser(ask Ask, session *record.Session) stand {
	if provenSince(session, ask.interaction) {
		return stand{oauth.ReasonLoginRequired, PageNone}
	}
	return stand{oauth.ReasonLoginRequired, PageLogin}
}

// tooOld: §3.1.2.1, max_age, "If the elapsed time is greater than this value, the
// OP MUST attempt to actively re-authenticate the End-User"; that of zero "is
// equivalent to prompt=login". A client may have a default (OpenID Connect Dynamic
// Client Registration §2, default_max_age).
func tooOld(req *oauth.AuthorizationRequest, st *record.AuthorizeState, now int64) bool {
	age := req.MaxAge
	if age == nil {
		age = st.Client.Settings.DefaultMaxAge
	}
	return age != nil && (*age == 0 || now-st.Session.AuthTime > *age*second)
}

// provenSince reports whether the user has signed in since the page was put in
// front of them: what prompt=login and max_age ask for.
func provenSince(session *record.Session, since *record.Interaction) bool {
	return since != nil && session.AuthTime >= since.MadeAt
}

// chosen reports whether the user has said on the page that asks which account
// that it is this one.
func chosen(session *record.Session, page *record.Interaction) bool {
	return page != nil && page.Chosen == session.UserID
}

// decide puts up the page that helps, or tells the client why none does.
func (s stand) decide(ask Ask, answer AuthorizeAnswer, env Env) Outcome[AuthorizeAnswer] {
	if s.page != PageNone {
		return askUser(ask, answer, s.page, s.reason, env)
	}
	out := refuseTo(answer, oauth.Refuse(s.reason))
	if ask.interaction != nil {
		out.Changes = []record.Change{record.UseInteraction{IDHash: ask.interaction.IDHash, At: env.Now}}
	}
	return out
}

// ChooseForm is what the page sends that asks which account to go on with.
type ChooseForm struct {
	UserID string // whom the page offered
}

// Choose takes the user's answer that it is the account they are signed in with:
// the same authorization request decided again. One who is somebody else by now is
// asked again.
func Choose(form ChooseForm, by Browser, st *record.InteractionState, hint *record.VerifiedToken, env Env) Outcome[AuthorizeAnswer] {
	if err := usable(st.Interaction, by, env.Now); err != nil {
		return refuse[AuthorizeAnswer](err)
	}
	page := *st.Interaction
	page.Chosen = form.UserID
	ask := Ask{Request: &page.Request, Hint: hint, By: by, interaction: &page}
	decided := Authorize(ask, &st.AuthorizeState, env)
	if decided.Err == nil && decided.Answer.Page == PageConsent {
		decided.Changes = append(decided.Changes, record.ChooseAccount{IDHash: page.IDHash, UserID: page.Chosen})
	}
	return decided
}

// Choosing is what the page shows that asks which account.
type Choosing struct {
	Client *record.Client
	User   *record.User
	To     oauth.RedirectURI
}

// ChooseView gives what a pending page that asks which account shows.
func ChooseView(by Browser, st *record.InteractionState, env Env) Outcome[Choosing] {
	to, err := Waiting(st, by, env)
	if err != nil {
		return refuse[Choosing](err)
	}
	if st.Session == nil || Alive(st.Session.RVS, &st.Parents, env.Now) != "" {
		return refuse[Choosing](oauth.Refuse(oauth.ReasonLoginRequired))
	}
	return Outcome[Choosing]{Answer: Choosing{Client: st.Client, User: st.User, To: to}}
}
