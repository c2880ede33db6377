package decide

import (
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Browser is what is known of the browser that asks.
type Browser struct {
	Hash    []byte // of its browser cookie
	Agent   string // User-Agent, for the list of sessions
	Network string // its address, cut to the network that the back-off counts
}

// Page is where the user has to go before an authorization can be answered.
type Page int

// The pages that an authorization can need.
const (
	PageNone Page = iota // the answer is a redirect to the client
	PageLogin
	PageConsent
	PageSignUp
	PageChoose // which account to go on with
)

// AuthorizeAnswer is how an authorization request goes on. To is valid if
// CanRedirect; with an error, the error then goes there, and else onto a page.
type AuthorizeAnswer struct {
	ClientID    string // whose request it is
	Page        Page
	Interaction string // the raw id, for the page's address
	To          oauth.RedirectURI
	CanRedirect bool
	Code        string
	State       string
	Mode        string // oauth.ResponseQuery or oauth.ResponseFormPost
}

// Ask is an authorization request as it arrives: the request, what was wrong
// with its syntax, and its ID token hint if that was verified.
type Ask struct {
	Request *oauth.AuthorizationRequest
	Syntax  *oauth.Error
	Hint    *record.VerifiedToken // nil: none was sent
	BadHint bool                  // one was sent that is not ours
	By      Browser

	// interaction is the pending page that the request waited on; nil when it
	// arrives from the client.
	interaction *record.Interaction
	consented   bool // the user has just allowed what it asks for
}

// authorize is Authorize for a client that somebody vouches for.
func authorize(ask Ask, st *record.AuthorizeState, env Env) Outcome[AuthorizeAnswer] {
	if ask.Syntax != nil && ask.Syntax.StaysHere() {
		return refuse[AuthorizeAnswer](ask.Syntax) // RFC 6749 §4.1.2.1: not even to the only address there is
	}
	to, err := redirectTarget(ask.Request, st.Client)
	if err != nil {
		return refuse[AuthorizeAnswer](err)
	}
	answer := AuthorizeAnswer{ClientID: st.Client.ID, To: to, CanRedirect: true, State: ask.Request.State}
	mode, wrongMode := responseMode(ask.Request.ResponseMode, st.Client, to)
	answer.Mode = mode
	if err := acceptable(ask, st.Client); err != nil {
		return refuseTo(answer, err)
	}
	if wrongMode != nil {
		return refuseTo(answer, wrongMode)
	}
	wanted, err := wants(ask.Request, &st.ClientState, env.Policy.Issuer.String())
	if err != nil {
		return refuseTo(answer, err)
	}
	if stands := standing(ask, st, env); stands.reason != "" {
		return stands.decide(ask, answer, env)
	}
	if reason := needsConsent(ask, wanted, to, st); reason != "" {
		return askUser(ask, answer, PageConsent, reason, env)
	}
	return giveCode(ask, answer, wanted, st, env)
}

// Resume decides the request of an interaction again, after the user has signed
// in: the same decision, with the session that there is now.
func Resume(st *record.InteractionState, hint *record.VerifiedToken, by Browser, env Env) Outcome[AuthorizeAnswer] {
	if err := usable(st.Interaction, by, env.Now); err != nil {
		return refuse[AuthorizeAnswer](err)
	}
	ask := Ask{Request: &st.Interaction.Request, Hint: hint, By: by, interaction: st.Interaction}
	return Authorize(ask, &st.AuthorizeState, env)
}

// Waiting checks that a page may be shown for a request that waits, and returns
// where its answer will go, which the page's policy must allow.
func Waiting(st *record.InteractionState, by Browser, env Env) (oauth.RedirectURI, *oauth.Error) {
	if err := usable(st.Interaction, by, env.Now); err != nil {
		return oauth.RedirectURI{}, err
	}
	return redirectTarget(&st.Interaction.Request, st.Client)
}

// usable decides whether an interaction may go on: it is this browser's, unused
// and in time.
func usable(i *record.Interaction, by Browser, now int64) *oauth.Error {
	switch {
	case i == nil:
		return oauth.Refuse(oauth.ReasonInteractionUnknown)
	case len(by.Hash) == 0 || !slices.Equal(i.BrowserHash, by.Hash):
		// RFC 9700 §4.7: a request is answered in the browser that made it.
		return oauth.Refuse(oauth.ReasonInteractionOtherBrowser)
	case i.UsedAt != 0:
		return oauth.Refuse(oauth.ReasonInteractionUsed)
	case now >= i.EndsAt:
		return oauth.Refuse(oauth.ReasonInteractionExpired)
	}
	return nil
}

// redirectTarget finds out where an answer may go before anything else is looked
// at: until it is known every error stays on our page (RFC 6749 §4.1.2.1,
// RFC 9700 §4.11.2).
func redirectTarget(req *oauth.AuthorizationRequest, client *record.Client) (oauth.RedirectURI, *oauth.Error) {
	detail := oauth.Detail{Client: req.ClientID}
	switch {
	case client == nil:
		return oauth.RedirectURI{}, oauth.Refuse(oauth.ReasonClientUnknown).With("client_id").About(detail)
	case !client.Enabled:
		return oauth.RedirectURI{}, oauth.Refuse(oauth.ReasonClientDisabled).With("client_id").About(detail)
	}
	// RFC 8252 §7.3 varies the port for native clients alone.
	native := client.Settings.ApplicationType == "native"
	to, ok := oauth.MatchRedirectURI(client.Settings.RedirectURIs, req.RedirectURI, native)
	switch {
	case !ok && req.RedirectURI == "":
		return to, oauth.Refuse(oauth.ReasonRedirectURIMissing).With("redirect_uri").About(detail)
	case !ok:
		return to, oauth.Refuse(oauth.ReasonRedirectURIUnregistered).With("redirect_uri").About(detail)
	}
	return to, nil
}

// acceptable checks what the request says of itself, in the order of the
// contract: syntax, then what the server does not do, then what this client may.
func acceptable(ask Ask, client *record.Client) *oauth.Error {
	req := ask.Request
	switch {
	case ask.Syntax != nil:
		return ask.Syntax
	case client.Settings.RequireSignedRequestObject && !req.ByObject:
		return oauth.Refuse(oauth.ReasonRequestObjectMissing).With("request") // RFC 9101 §10.5
	case req.Registration != "":
		return oauth.Refuse(oauth.ReasonRegistrationUnsupported).With("registration") // OpenID Connect Core §7.2.1
	case !client.Allows(oauth.GrantAuthorizationCode):
		return oauth.Refuse(oauth.ReasonGrantNotAllowed)
	case req.CodeChallenge == "" && needsPKCE(client):
		return oauth.Refuse(oauth.ReasonPKCEMissing).With("code_challenge") // RFC 9700 §2.1.1
	case ask.BadHint:
		return oauth.Refuse(oauth.ReasonParameterMalformed).With("id_token_hint")
	}
	return nil
}

// responseMode is how the answer travels: as asked if the client takes it so and
// a browser can bring it there, else the first way in which it gets its error.
func responseMode(asked string, client *record.Client, to oauth.RedirectURI) (string, *oauth.Error) {
	takes := func(mode string) bool {
		allowed := client.Settings.ResponseModes == nil || slices.Contains(client.Settings.ResponseModes, mode)
		return allowed && (mode != oauth.ResponseFormPost || to.IsWeb()) // no browser posts to an application's own scheme
	}
	if asked == "" {
		asked = oauth.ResponseQuery // Multiple Response Type Encoding Practices §2.1: the default of the code flow
	}
	if takes(asked) {
		return asked, nil
	}
	err := oauth.Refuse(oauth.ReasonResponseModeUnsupported).With("response_mode")
	if takes(oauth.ResponseFormPost) {
		return oauth.ResponseFormPost, err
	}
	return oauth.ResponseQuery, err
}

// needsPKCE: every client by default; only a confidential one under the oidc
// profile may have been set free.
func needsPKCE(client *record.Client) bool {
	return client.Public() ||
		client.Settings.PKCE != record.PKCEOptional ||
		client.Settings.SecurityProfile != record.OIDCProfile
}

// wish is what the request comes to after the client's limits.
type wish struct {
	scope     oauth.Scopes
	resources []string
	claims    record.AskedClaims
	offline   bool
}

// wants narrows scope and resources to what the client may have. A scope whose
// attributes it may not all read is refused rather than narrowed (seed S1), as
// is a request of which nothing is left.
func wants(req *oauth.AuthorizationRequest, st *record.ClientState, issuer string) (wish, *oauth.Error) {
	for _, word := range req.Scope {
		if scopeRefusal(word, st.Client, nil) == oauth.ReasonScopeAttributesUnreadable {
			return wish{}, oauth.Refuse(oauth.ReasonScopeAttributesUnreadable).With("scope")
		}
	}
	scope := allowedScopes(req.Scope, st.Client)
	// OpenID Connect Core §11: ignored unless the client may refresh at all.
	offline := scope.Has(oauth.ScopeOfflineAccess) && st.Client.Allows(oauth.GrantRefreshToken)
	if !offline {
		scope = slices.DeleteFunc(scope, func(word string) bool { return word == oauth.ScopeOfflineAccess })
	}
	if len(scope) == 0 {
		return wish{}, oauth.Refuse(oauth.ReasonScopeNotAllowed).With("scope")
	}
	asked := slices.DeleteFunc(slices.Clone(req.Resources), func(aud string) bool { return aud == issuer })
	resources, err := askedResources(asked, st)
	return wish{scope: scope, resources: resources, claims: askedClaims(req.Claims, st.Client), offline: offline}, err
}

// Unassured reports whether nothing assures that it is the client who will get
// the answer: any application on a device can claim a custom scheme or listen on
// loopback, and a public client has no secret to show afterwards. Its user is
// asked each time (RFC 8252 §8.6).
func Unassured(client *record.Client, to oauth.RedirectURI) bool {
	return client.Public() && !strings.HasPrefix(to.String(), "https://")
}

// askUser puts a page in front of the user, or tells a client that wants none.
// A request that waits already keeps its interaction.
func askUser(ask Ask, answer AuthorizeAnswer, page Page, reason oauth.Reason, env Env) Outcome[AuthorizeAnswer] {
	if ask.Request.Prompts(oauth.PromptNone) {
		return refuseTo(answer, oauth.Refuse(reason)) // OpenID Connect Core §3.1.2.6
	}
	answer.Page = page
	if ask.interaction != nil {
		return Outcome[AuthorizeAnswer]{Answer: answer}
	}
	answer.Interaction = secret.NewOpaque(env.Seed, "interaction")
	return Outcome[AuthorizeAnswer]{
		Answer: answer,
		Changes: []record.Change{record.PutInteraction{Interaction: record.Interaction{
			IDHash:      secret.Hash(answer.Interaction),
			BrowserHash: ask.By.Hash,
			Request:     *ask.Request,
			MadeAt:      env.Now,
			EndsAt:      env.Now + env.Policy.InteractionTTL,
		}}},
	}
}

// giveCode answers with a code. Its rvs is this snapshot's logical clock, at
// which the session was found alive; the grant inherits it.
func giveCode(ask Ask, answer AuthorizeAnswer, wanted wish, st *record.AuthorizeState, env Env) Outcome[AuthorizeAnswer] {
	answer.Code = secret.NewOpaque(env.Seed, "code")
	var changes []record.Change
	if ask.interaction != nil {
		changes = append(changes, record.UseInteraction{IDHash: ask.interaction.IDHash, At: env.Now})
	}
	// The session is locked by its own change first, and then held for the code: the
	// other way round two requests of a session would wait for each other.
	changes = append(changes, record.SeeSession{
		ID:        st.Session.ID,
		SeenAt:    env.Now,
		IdleUntil: min(env.Now+env.Policy.SessionIdle, st.Session.AbsUntil),
	}, record.PutCode{Code: record.Code{
		Hash:      secret.Hash(answer.Code),
		ClientID:  st.Client.ID,
		UserID:    st.Session.UserID,
		SID:       st.Session.ID,
		GID:       env.Seed.TimedID("gid", env.Now),
		Challenge: ask.Request.CodeChallenge,
		RVS:       st.LC,
		EndsAt:    env.Now + env.Policy.CodeTTL,
		Request: record.CodeRequest{
			RedirectURI:      answer.To.String(),
			RedirectURIGiven: ask.Request.RedirectURI != "",
			Scope:            wanted.scope,
			Resources:        wanted.resources,
			Claims:           wanted.claims,
			Nonce:            ask.Request.Nonce,
			Facts:            SessionFacts(st.Session),
			Offline:          wanted.offline,
		},
	}})
	changes = append(changes, giveSubject(st.Client, st.User, env)...)
	if ask.consented {
		changes = append(changes, rememberConsent(wanted, st, env)...)
	}
	return Outcome[AuthorizeAnswer]{Changes: changes, Answer: answer}
}

// refuseTo is an error that is redirected to the client.
func refuseTo(answer AuthorizeAnswer, err *oauth.Error) Outcome[AuthorizeAnswer] {
	return Outcome[AuthorizeAnswer]{Answer: answer, Err: err}
}
