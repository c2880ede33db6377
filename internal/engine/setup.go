package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// IssueSetupToken makes the token of the one-time setup link, while there are no
// users; "" once there are. Only its hash is kept, in memory: a restart prints a
// new link and the old one is dead.
func (e *Engine) IssueSetupToken(ctx context.Context) (string, error) {
	users, err := e.store.UserCount(ctx)
	if err != nil || users > 0 {
		return "", err
	}
	token := secret.NewSetupToken(e.env().Seed, "setup")
	hash := secret.Hash(token)
	e.setupHash.Store(&hash)
	return token, nil
}

// SetupForm is what the setup page sends.
type SetupForm struct {
	Token    string
	Email    string
	Password string
}

func (e *Engine) setupState(ctx context.Context) (decide.SetupState, error) {
	users, err := e.store.UserCount(ctx)
	st := decide.SetupState{Users: users}
	if hash := e.setupHash.Load(); hash != nil {
		st.TokenHash = *hash
	}
	return st, err
}

// SetupOpen reports whether a setup link still works.
func (e *Engine) SetupOpen(ctx context.Context, token string) *oauth.Error {
	st, err := read(ctx, e.setupState)
	if err != nil {
		return err
	}
	return decide.SetupOpen(token, st)
}

// Setup makes the first user.
func (e *Engine) Setup(ctx context.Context, form SetupForm) *oauth.Error {
	asked := decide.SetupForm{Token: form.Token, Email: form.Email, Password: form.Password}
	_, err := run(ctx, e, journey[decide.SetupState, struct{}]{
		load: e.setupState,
		decide: func(st decide.SetupState, env decide.Env) decide.Outcome[struct{}] {
			return decide.SetupBegin(asked, st, env)
		},
	})
	if err != nil {
		return err
	}
	phc, err := e.hashPassword(ctx, form.Password)
	if err != nil {
		return err
	}
	_, err = run(ctx, e, journey[decide.SetupState, record.User]{
		load: e.setupState,
		decide: func(st decide.SetupState, env decide.Env) decide.Outcome[record.User] {
			return decide.SetupFinish(asked, phc, st, env)
		},
	})
	return err
}

// PasswordMinimum is the shortest password that is accepted, in characters.
func (e *Engine) PasswordMinimum() int { return e.policy.Passwords.MinLength }

// FormKey is the key of the form tokens, the same on every node.
func (e *Engine) FormKey() []byte { return e.formKey }
