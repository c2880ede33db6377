package engine

import (
	"context"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ConsentView is what the consent page shows.
type ConsentView struct {
	Client      ClientView
	User        UserView
	RedirectURI string
	UILocales   string
	Scopes      []string
	Claims      []string // attributes beyond those of the scopes
	Resources   []string
	Lasts       time.Duration // until the client must ask again
	Unassured   bool
}

// ConsentPage loads the page of a request that waits for the user's consent.
func (e *Engine) ConsentPage(ctx context.Context, interaction string, b Browser) (ConsentView, *oauth.Error) {
	st, err := read(ctx, e.interactionState(interaction, b))
	if err != nil {
		return ConsentView{}, err
	}
	view := decide.ConsentView(b.seen(), st, e.env())
	if view.Err != nil {
		return ConsentView{}, view.Err
	}
	shown := view.Answer
	return ConsentView{
		Client:      viewClient(shown.Client),
		User:        viewUser(shown.User),
		RedirectURI: shown.To.String(),
		UILocales:   st.Interaction.Request.UILocales,
		Scopes:      shown.Scope,
		Claims:      shown.Claims,
		Resources:   shown.Resources,
		Lasts:       time.Duration(max(shown.GrantTTL, shown.AccessTTL)) * time.Millisecond,
		Unassured:   shown.Unassured,
	}, nil
}

// ConsentForm is what the consent page sends.
type ConsentForm = decide.ConsentForm

// Consent takes the user's answer on the consent page.
func (e *Engine) Consent(ctx context.Context, interaction string, form ConsentForm, b Browser) (AuthorizeAnswer, *oauth.Error) {
	return e.goOn(ctx, interaction, b, func(st *record.InteractionState, hint *record.VerifiedToken, env decide.Env) decide.Outcome[AuthorizeAnswer] {
		return decide.Consent(form, b.seen(), st, hint, env)
	})
}

// SwitchUser is "Not you?": it ends the browser's session, so that the request
// that waits asks for a sign-in.
func (e *Engine) SwitchUser(ctx context.Context, b Browser) *oauth.Error { return e.SignOut(ctx, b) }
