package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// login sends the browser to the server with an authorization request.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	metadata, err := a.provider.discover(r.Context())
	if err != nil {
		a.unreached(w, err)
		return
	}
	s := a.sessions.of(r)
	if s == nil {
		s = a.sessions.begin(w, a.host)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// rand.Text has 130 bits; two make a verifier of the 43 characters that RFC 7636 §4.1 asks for.
	state, p := rand.Text(), pending{nonce: rand.Text(), verifier: rand.Text() + rand.Text(), at: time.Now(), then: startOf(r)}
	query := url.Values{
		"response_type":         {oauth.ResponseTypeCode},
		"client_id":             {a.config.ClientID},
		"redirect_uri":          {a.config.App + PathCallback},
		"scope":                 {Scope},
		"resource":              {a.config.API}, // RFC 8707 §2: which API the access token shall be for
		"state":                 {state},
		"nonce":                 {p.nonce},
		"code_challenge":        {oauth.ChallengeOf(p.verifier)},
		"code_challenge_method": {oauth.ChallengeMethodS256},
		"login_hint":            {a.config.LoginHint},
	}
	p.to = "GET " + oauth.PathAuthorize + "?response_type=code&client_id=" + a.config.ClientID + "&scope=…&resource=…&state=" +
		short(state) + "&nonce=" + short(p.nonce) + "&code_challenge=…"
	s.expect(state, p)
	http.Redirect(w, r, a.front(metadata.AuthorizationEndpoint)+"?"+query.Encode(), http.StatusSeeOther)
}

// startOf is the page of the tour that a sign-in was begun from, and goes back to.
func startOf(r *http.Request) string {
	for _, step := range tour() {
		if step.Path == r.URL.Query().Get("from") {
			return step.Path
		}
	}
	return tour()[0].Path
}

// callback takes the server's answer to an authorization request.
func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	metadata, err := a.provider.discover(r.Context())
	if err != nil {
		a.unreached(w, err)
		return
	}
	s := a.sessions.of(r)
	if s == nil {
		a.fail(w, http.StatusBadRequest, failure{
			Title: "This sign-in was not begun here", Again: true,
			Says: "The browser brought no cookie of a sign-in under way. Perhaps it was begun in another browser, or the demo was restarted.",
		})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var c checks
	p, ok := a.fitsRequest(r.URL.Query(), s, metadata, &c)
	if !ok {
		a.fail(w, http.StatusBadRequest, failure{
			Title: "The answer does not fit", Checks: c, Again: true,
			Says: "Somebody may have sent you here with an answer that was meant for another browser, or another server gave it. The application uses nothing of it.",
		})
		return
	}
	if code := r.URL.Query().Get("error"); code != "" {
		a.declined(w, code)
		return
	}
	here, problem, err := a.exchange(r.Context(), metadata, r.URL.Query().Get("code"), p, c)
	switch {
	case err != nil:
		a.unreached(w, err)
	case problem != nil:
		a.fail(w, http.StatusBadRequest, *problem)
	default:
		s.here, s.left = here, nil
		a.sessions.rename(w, s)
		a.sessions.follow(s.line, here.subject, here.tokens.Access)
		http.Redirect(w, r, p.then, http.StatusSeeOther)
	}
}

// fitsRequest: the answer belongs to a request of this browser, and comes from the
// server that was asked. Errors are held to it too.
func (a *App) fitsRequest(query url.Values, s *session, metadata *oauth.Metadata, c *checks) (pending, bool) {
	for _, name := range []string{"state", "iss", "code", "error"} {
		if len(query[name]) > 1 { // RFC 6749 §3.1
			c.hold(false, "no parameter is there twice", name)
			return pending{}, false
		}
	}
	state := query.Get("state")
	p, ok := s.take(state)
	// RFC 6749 §10.12: the state ties the answer to the browser that asked.
	if !c.hold(ok, "state is one that this browser was given, and was not used before", orNone(short(state))) {
		return p, false
	}
	issuer := query.Get("iss")
	if metadata.ResponseIss || issuer != "" { // RFC 9207 §2.4
		return p, c.hold(issuer == a.config.Issuer, "iss is the server that was asked (RFC 9207)", orNone(issuer))
	}
	return p, true
}

// declined says that there was no sign-in. Only codes of the standards are shown.
func (a *App) declined(w http.ResponseWriter, code string) {
	f := failure{Title: "Nobody was signed in", Again: true, Says: "The server answered the request with an error."}
	switch oauth.Code(code) {
	case oauth.AccessDenied:
		f.Code, f.Says = code, "You did not allow it. The application got no code and no token: it learned nothing of you."
	case oauth.TemporarilyUnavailable, oauth.ServerError, oauth.InvalidScope, oauth.InvalidTarget, oauth.UnauthorizedClient, oauth.LoginRequired:
		f.Code = code
	}
	a.fail(w, http.StatusBadRequest, f)
}

// exchange turns the code into tokens and holds the ID token to its rules.
func (a *App) exchange(ctx context.Context, metadata *oauth.Metadata, code string, p pending, c checks) (*signedIn, *failure, error) {
	got, err := a.ask(ctx, metadata.TokenEndpoint, url.Values{
		"grant_type":    {oauth.GrantAuthorizationCode},
		"code":          {code},
		"redirect_uri":  {a.config.App + PathCallback},
		"code_verifier": {p.verifier}, // RFC 7636 §4.5
	})
	if err != nil {
		return nil, nil, fmt.Errorf("exchanging the code: %w", err)
	}
	if got.status != http.StatusOK {
		return nil, &failure{Title: "The code was refused", Says: got.description(), Code: got.failure(), Checks: c, Again: true}, nil
	}
	t, err := tokensOf(got, tokens{Scope: Scope})
	if err != nil {
		return nil, nil, fmt.Errorf("exchanging the code: %w", err)
	}
	claims, held, err := a.provider.checkIDToken(ctx, t.ID, expected{clientID: a.config.ClientID, nonce: p.nonce, access: t.Access}, time.Now())
	if err != nil {
		return nil, nil, fmt.Errorf("checking the ID token: %w", err)
	}
	c = append(c, held...)
	if !c.allHold() {
		return nil, &failure{Title: "The ID token is not what it should be", Says: "The application uses nothing of this answer.", Checks: c, Again: true}, nil
	}
	here := &signedIn{nonce: p.nonce, tokens: t, checks: c}
	here.subject, _ = claims.String("sub")             // checked
	here.authTime, _ = claims.NumericDate("auth_time") // 0 where the server does not say
	here.hops = a.signInHops(p, here.authTime >= p.at.Unix())
	return here, nil, a.fetchUser(ctx, metadata, here)
}

// fetchUser asks userinfo who has signed in.
func (a *App) fetchUser(ctx context.Context, metadata *oauth.Metadata, here *signedIn) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, metadata.UserinfoEndpoint, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+here.tokens.Access)
	got, err := a.send(r)
	if err != nil {
		return fmt.Errorf("asking userinfo: %w", err)
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("asking userinfo: %s", got.failure())
	}
	// OpenID Connect Core §5.3.2: the sub "MUST be verified to exactly match".
	subject, _ := got.object.String("sub")
	if !here.checks.hold(subject == here.subject, "userinfo is about the same user (sub)", orNone(subject)) {
		return fmt.Errorf("userinfo is about another user")
	}
	here.user = inspect.Claims(got.object, time.Now())
	here.name, _ = got.object.String("name") // optional
	here.hops = append(here.hops, hop{
		From: "The app", To: "Mintmark", Line: "GET " + oauth.PathUserinfo, Status: got.status,
		Says: "With the access token: what the user lets this application know. It is never in the ID token, which travels.",
	})
	return nil
}

// signInHops tells the way of a sign-in, in which somebody was asked for a
// password or not.
func (a *App) signInHops(p pending, asked bool) []hop {
	atServer := hop{
		From: "Your browser", To: "Mintmark", Line: "POST /login, POST /consent",
		Says: "You typed the password at Mintmark, which made sure that the app may have what it asks for. The app never sees the password.",
	}
	if !asked {
		atServer.Line = "Cookie: (Mintmark's own)"
		atServer.Says = "Mintmark knew this browser from before, and you had allowed the app what it asks for: nobody was asked anything."
	}
	return []hop{
		{
			From: "Your browser", To: "Mintmark", Line: p.to,
			Says: "Sent there by the app, with three random values that only this sign-in has: state, nonce, and the hash of a PKCE verifier.",
		},
		atServer,
		{
			From: "Your browser", To: "The app", Line: "GET " + PathCallback + "?code=…&state=…&iss=" + a.config.Issuer,
			Says: "Back with a code that works once, for a minute, for this client alone. Tokens never pass through the address bar.",
		},
		{
			From: "The app", To: "Mintmark", Line: "POST " + oauth.PathToken + " grant_type=authorization_code", Status: http.StatusOK,
			Says: "Server to server: the code, the client's secret in the Authorization header, and the PKCE verifier. Whoever steals the code has neither.",
		},
	}
}
