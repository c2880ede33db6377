package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ChooseView is what the page shows that asks which account to go on with.
type ChooseView struct {
	Client      ClientView
	User        UserView
	RedirectURI string
	UILocales   string
}

// ChoosePage loads the page of a request that waits for the choice of an account.
func (e *Engine) ChoosePage(ctx context.Context, interaction string, b Browser) (ChooseView, *oauth.Error) {
	st, err := read(ctx, e.interactionState(interaction, b))
	if err != nil {
		return ChooseView{}, err
	}
	view := decide.ChooseView(b.seen(), st, e.env())
	if view.Err != nil {
		return ChooseView{}, view.Err
	}
	shown := view.Answer
	return ChooseView{
		Client: viewClient(shown.Client), User: viewUser(shown.User),
		RedirectURI: shown.To.String(), UILocales: st.Interaction.Request.UILocales,
	}, nil
}

// ChooseForm is what that page sends.
type ChooseForm = decide.ChooseForm

// Choose takes the user's answer that it is the account they are signed in with.
func (e *Engine) Choose(ctx context.Context, interaction string, form ChooseForm, b Browser) (AuthorizeAnswer, *oauth.Error) {
	return e.goOn(ctx, interaction, b, func(st *record.InteractionState, hint *record.VerifiedToken, env decide.Env) decide.Outcome[AuthorizeAnswer] {
		return decide.Choose(form, b.seen(), st, hint, env)
	})
}
