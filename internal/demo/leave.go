package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"

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
	got, err := a.ask(v.r.Context(), metadata.RevocationEndpoint, url.Values{
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
		From: "The app", To: "Mintmark", Line: "POST " + oauth.PathRevoke, Status: got.status,
		Says: "The refresh token, to be revoked (RFC 7009): the grant ends, and every token of it.",
	}
	v.session.here, v.session.left = nil, left
	http.Redirect(v, v.r, PathSignedOut, http.StatusSeeOther)
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
	v.session.here, v.session.left = nil, left
	query := url.Values{
		"id_token_hint":            {left.tokens.ID}, // says who logs out, so that nobody is asked
		"client_id":                {a.config.ClientID},
		"post_logout_redirect_uri": {a.config.App + PathSignedOut},
		"state":                    {left.state},
	}
	http.Redirect(v, v.r, metadata.EndSessionEndpoint+"?"+query.Encode(), http.StatusSeeOther)
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
	called, err := a.callAPI(ctx, http.MethodGet, t.Access)
	if err != nil {
		return nil, err
	}
	called.Hop.Says = "With the access token of before."
	atAPI := evidence{Title: "The access token, at the API", Dead: called.Hop.Status != http.StatusOK, Found: "Refused.", Hop: called.Hop}
	if !atAPI.Dead {
		atAPI.Found = "Still accepted, because this API looks at nothing but the token. It ends " + endOf(t.Access) + "."
	}
	return []evidence{renewal, atServer, atAPI}, nil
}
