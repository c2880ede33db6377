package decide

import (
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ConsentForm is what the consent page sends.
type ConsentForm struct {
	Allow  bool
	UserID string // whom the page asked
}

// Consent decides the answer to a consent page: no goes back to the client as
// access_denied, yes is the same authorization request decided again with the
// consent that now is there. hint is the request's ID token hint, nil if it had
// none. Only the user who is signed in can say either.
func Consent(form ConsentForm, by Browser, st *record.InteractionState, hint *record.VerifiedToken, env Env) Outcome[AuthorizeAnswer] {
	if err := usable(st.Interaction, by, env.Now); err != nil {
		return refuse[AuthorizeAnswer](err)
	}
	if st.Session != nil && st.Session.UserID != form.UserID {
		// Somebody else has signed in since, in another tab: the answer is not theirs.
		return Outcome[AuthorizeAnswer]{Answer: AuthorizeAnswer{ClientID: st.Interaction.Request.ClientID, Page: PageConsent}}
	}
	ask := Ask{Request: &st.Interaction.Request, Hint: hint, By: by, interaction: st.Interaction, consented: form.Allow}
	decided := Authorize(ask, &st.AuthorizeState, env)
	if form.Allow || decided.Err != nil || decided.Answer.Page == PageLogin {
		return decided
	}
	// What would have happened does not: of it the way back to the client is kept.
	answer := AuthorizeAnswer{
		ClientID:    decided.Answer.ClientID,
		To:          decided.Answer.To,
		CanRedirect: decided.Answer.CanRedirect,
		State:       decided.Answer.State,
		Mode:        decided.Answer.Mode,
	}
	out := refuseTo(answer, oauth.Refuse(oauth.ReasonUserDenied)) // RFC 6749 §4.1.2.1, access_denied
	out.Changes = []record.Change{
		record.UseInteraction{IDHash: st.Interaction.IDHash, At: env.Now},
		audited(record.Audit{
			Event:    "consent_denied",
			Actor:    ActorUser(st.Session.UserID),
			UserID:   st.Session.UserID,
			ClientID: st.Client.ID,
			Detail:   st.Interaction.Request.Scope.String(),
		}, env),
	}
	return out
}

// Consenting is what a consent page must say (ASVS 10.7.2): who asks, where the
// answer goes, what for and for how long.
type Consenting struct {
	Client    *record.Client
	User      *record.User
	To        oauth.RedirectURI
	Scope     oauth.Scopes // of what was asked, what the client may have
	Claims    []string     // attributes beyond those of the scopes
	Resources []string
	// Unassured: nothing shows that it is the client who gets the answer.
	Unassured bool
	Offline   bool  // access goes on when the user has signed out
	AccessTTL int64 // of an access token, in milliseconds
	GrantTTL  int64 // until the client must ask again, in milliseconds; zero: with the access token
}

// ConsentView gives what a pending consent page shows.
func ConsentView(by Browser, st *record.InteractionState, env Env) Outcome[Consenting] {
	to, err := Waiting(st, by, env)
	if err != nil {
		return refuse[Consenting](err)
	}
	if st.Session == nil || Alive(st.Session.RVS, &st.Parents, env.Now) != "" {
		return refuse[Consenting](oauth.Refuse(oauth.ReasonLoginRequired))
	}
	wanted, err := wants(&st.Interaction.Request, &st.ClientState, env.Policy.Issuer.String())
	if err != nil {
		return refuse[Consenting](err)
	}
	view := Consenting{
		Client:    st.Client,
		User:      st.User,
		To:        to,
		Scope:     wanted.scope,
		Claims:    wanted.extra(),
		Resources: wanted.resources,
		Unassured: Unassured(st.Client, to),
		Offline:   wanted.offline,
		AccessTTL: second * accessTTL(st.Client, resourceRows(wanted.resources, &st.ClientState), env.Policy),
	}
	if st.Client.Allows(oauth.GrantRefreshToken) {
		view.GrantTTL = refreshAbsUntil(st.Client, env) - env.Now
	}
	return Outcome[Consenting]{Answer: view}
}
