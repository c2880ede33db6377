package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// SignUpForm is what the sign-up page sends. Without an interaction nothing waits
// for it.
type SignUpForm struct {
	Interaction string
	Email       string
	Password    string
}

// SignUpOpen reports whether strangers may make accounts.
func (e *Engine) SignUpOpen() *oauth.Error { return decide.MaySignUp(e.policy) }

// SignUp makes an account, or does nothing if the address has one: its answer is
// the same and takes as long, one hash and two commits.
func (e *Engine) SignUp(ctx context.Context, form SignUpForm, b Browser) *oauth.Error {
	asked := decide.SignUpForm{Email: form.Email, Password: form.Password, Alone: form.Interaction == ""}
	load := e.signUpState(asked, form.Interaction, b)
	_, err := run(ctx, e, journey[*record.SignUpState, struct{}]{
		load: load,
		decide: func(st *record.SignUpState, env decide.Env) decide.Outcome[struct{}] {
			return decide.SignUpBegin(asked, b.seen(), st, env)
		},
	})
	if err != nil {
		return err
	}
	phc, err := e.hashPassword(ctx, form.Password)
	if err != nil {
		return err
	}
	_, err = run(ctx, e, journey[*record.SignUpState, struct{}]{
		load: load,
		decide: func(st *record.SignUpState, env decide.Env) decide.Outcome[struct{}] {
			return decide.SignUpFinish(asked, phc, b.seen(), st, env)
		},
	})
	return err
}

func (e *Engine) signUpState(form decide.SignUpForm, interaction string, b Browser) func(context.Context) (*record.SignUpState, error) {
	email, _ := decide.CanonicalEmail(form.Email) // "" is nobody's
	query := store.SignUpQuery{
		InteractionHash: hashOrNone(interaction),
		Kind:            record.IdentifierEmail,
		Identifier:      email,
		Counters:        decide.SignUpCounters(b.seen()),
	}
	return func(ctx context.Context) (*record.SignUpState, error) { return e.store.SignUpState(ctx, query) }
}
