package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// departure is how somebody left, and the tokens that were theirs: a real
// application forgets them, this one keeps them to show that they are dead.
type departure struct {
	AtServer bool
	Evidence []evidence
	Revoked  *hop
	state    string
	tokens   tokens
}

// evidence is one attempt to use a token after its owner has left.
type evidence struct {
	Title string
	Dead  bool
	Found string
	Hop   hop
	// Reference is what mintmark explain takes, Data where it finds the server.
	Reference, Data string
}

// leaveApp signs out of the application alone: it forgets the visitor and gives
// its tokens back. The browser stays signed in at the server.
func (a *App) leaveApp(v *visit) {
	metadata, err := a.provider.discover(v.r.Context())
	if err != nil {
		a.unreached(v, err)
		return
	}
	left := &departure{tokens: v.here.tokens}
	got, err := a.askPreferring(v.r.Context(), "wait=2", metadata.RevocationEndpoint, url.Values{
		"token": {left.tokens.Refresh}, "token_type_hint": {"refresh_token"},
	})
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("the answer is %s", got.failure())
	}
	if err != nil {
		a.unreached(v, fmt.Errorf("revoking: %w", err))
		return
	}
	left.Revoked = &hop{
		From: "The app", To: "Mintmark", Line: "POST " + oauth.PathRevoke + ", Prefer: wait=2", Status: got.status,
		Says: "The refresh token, to be revoked (RFC 7009): the grant ends, and every token of it.",
	}
	if receipt, err := got.object.String("sentence"); err == nil {
		left.Revoked.Says += " The answer waits for the receipt: " + receipt + "."
	}
	v.leave(left)
	http.Redirect(v, v.r, PathSignedOut, http.StatusSeeOther)
}

// leave forgets the visitor, all but what is to be shown.
func (v *visit) leave(left *departure) {
	v.session.here, v.session.left = nil, left
	v.session.line.stop()
}

// leaveServer forgets the visitor and sends the browser to the server to log out
// there (OpenID Connect RP-Initiated Logout §2).
func (a *App) leaveServer(v *visit) {
	metadata, err := a.provider.discover(v.r.Context())
	if err != nil {
		a.unreached(v, err)
		return
	}
	left := &departure{AtServer: true, tokens: v.here.tokens, state: rand.Text()}
	v.leave(left)
	query := url.Values{
		"id_token_hint":            {left.tokens.ID}, // says who logs out, so that nobody is asked
		"client_id":                {a.config.ClientID},
		"post_logout_redirect_uri": {a.config.App + PathSignedOut},
		"state":                    {left.state},
	}
	http.Redirect(v, v.r, a.front(metadata.EndSessionEndpoint)+"?"+query.Encode(), http.StatusSeeOther)
}

// signedOut tries what the tokens are still worth, once, and shows it.
func (a *App) signedOut(w http.ResponseWriter, r *http.Request) {
	s := a.sessions.of(r)
	if s == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.left
	if left == nil || s.here != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if left.Evidence == nil {
		if left.AtServer && !same(r.URL.Query().Get("state"), left.state) {
			a.fail(w, http.StatusBadRequest, failure{
				Title: "Mintmark did not send you here", Again: true,
				Says: "The state is not the one that went out with the log-out. You are signed out of this app; whether at Mintmark too is not known.",
			})
			return
		}
		found, err := a.collect(r.Context(), left.tokens)
		if err != nil {
			a.unreached(w, err)
			return
		}
		left.Evidence, left.tokens = found, tokens{}
	}
	a.render(w, http.StatusOK, view{Page: "signedout", Title: "You have left", Body: left})
}

// collect tries each token where it used to work.
func (a *App) collect(ctx context.Context, t tokens) ([]evidence, error) {
	refreshed, err := a.renew(ctx, t.Refresh)
	if err != nil {
		return nil, err
	}
	refused := refreshed.failure() == string(oauth.InvalidGrant)
	renewal := evidence{
		Title: "The refresh token", Dead: refused, Found: "Refused: " + refreshed.failure() + ".",
		Reference: refreshed.reference, Data: a.config.Data,
		Hop: refreshHop("Presented once more, with the right secret.", refreshed.status),
	}
	if refreshed.status == http.StatusOK {
		renewal.Found = "It still gives tokens."
	}
	asked, err := a.introspect(ctx, t.Access)
	if err != nil {
		return nil, err
	}
	atServer := evidence{Title: "The access token, at Mintmark", Dead: !asked.Active, Found: "The answer is active: false, and nothing else: nobody learns more about a dead token.", Hop: asked.Hop}
	if asked.Active {
		atServer.Found = "The answer is active: true."
	}
	return []evidence{renewal, atServer, a.tryAtAPI(ctx, t.Access)}, nil
}

// tryAtAPI calls the API until it has heard of the end.
func (a *App) tryAtAPI(ctx context.Context, token string) evidence {
	const patience = 2 * time.Second // it takes milliseconds
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	last, good := a.untilRefused(ctx, token, func(tried) {})
	found := evidence{Title: "The access token, at the API", Dead: last.dead(), Hop: hop{
		From: "The app", To: "The API", Line: "GET /orders", Status: last.Status,
		Says: "With the access token of before. The API asked nobody: its verifier follows Mintmark's revocation log.",
	}}
	switch {
	case !found.Dead:
		found.Found = "Not refused: the API has not heard of it. The token ends " + endOf(token) + "."
	case good == 0:
		found.Found = "Refused, at the first try. Its lifetime has not passed: it was taken back."
	default:
		found.Found = "Refused, " + millis(time.Since(began)) + " after the app began to try: the API had not heard of it before. Its lifetime has not passed: it was taken back."
	}
	return found
}
