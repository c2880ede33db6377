package engine

import (
	"context"
	"crypto/rand"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

// LoginView is what the sign-in page shows.
type LoginView struct {
	Client         ClientView
	RedirectURI    string
	LoginHint      string
	Reauthenticate bool // somebody is signed in and is asked to prove it again
}

// LoginPage loads the page of a request that waits for a sign-in.
func (e *Engine) LoginPage(ctx context.Context, interaction string, b Browser) (LoginView, *oauth.Error) {
	st, err := read(ctx, e.interactionState(interaction, b))
	if err != nil {
		return LoginView{}, err
	}
	to, err := decide.Waiting(st, b.seen(), e.env())
	if err != nil {
		return LoginView{}, err
	}
	return LoginView{
		Client:         viewClient(st.Client),
		RedirectURI:    to.String(),
		LoginHint:      st.Interaction.Request.LoginHint,
		Reauthenticate: st.Session != nil,
	}, nil
}

// LoginForm is a sign-in with a password. Without an interaction it is a sign-in
// to the account page.
type LoginForm struct {
	Interaction string
	Identifier  string
	Password    string
}

// LoginDone is a sign-in that succeeded: the new session cookie, and how the
// request that waited goes on.
type LoginDone struct {
	Cookie  string
	Account bool // nothing waited: on to the account page
	Next    AuthorizeAnswer
	NextErr *oauth.Error
}

// Login signs a user in: two decisions with a hash between them, and nothing
// open while it runs. The session vouches for the logical clock that was read
// before the password was checked, so a sign-in with a password that was changed
// meanwhile is dead when it is born.
func (e *Engine) Login(ctx context.Context, form LoginForm, b Browser) (LoginDone, *oauth.Error) {
	asked := decide.LoginForm{Identifier: form.Identifier, Password: form.Password, ToAccount: form.Interaction == ""}
	check, err := run(ctx, e, e.loginBegin(asked, form.Interaction, b))
	if err != nil {
		return LoginDone{}, err
	}
	checked, err := e.checkPassword(ctx, form.Password, check)
	if err != nil {
		return LoginDone{}, err
	}
	done, err := run(ctx, e, e.loginFinish(asked, checked, form.Interaction, b))
	if err != nil {
		return LoginDone{}, err
	}
	if asked.ToAccount {
		return LoginDone{Cookie: done.Cookie, Account: true}, nil
	}
	b.Session = done.Cookie
	next, nextErr := e.resume(ctx, form.Interaction, b)
	return LoginDone{Cookie: done.Cookie, Next: next, NextErr: nextErr}, nil
}

func (e *Engine) loginBegin(asked decide.LoginForm, interaction string, b Browser) journey[*record.LoginState, decide.PasswordCheck] {
	return journey[*record.LoginState, decide.PasswordCheck]{
		load: e.loginState(asked, interaction, b),
		decide: func(st *record.LoginState, env decide.Env) decide.Outcome[decide.PasswordCheck] {
			return decide.LoginBegin(asked, b.seen(), st, env)
		},
	}
}

func (e *Engine) loginFinish(
	asked decide.LoginForm, checked decide.CheckedPassword, interaction string, b Browser,
) journey[*record.LoginState, decide.LoginAnswer] {
	return journey[*record.LoginState, decide.LoginAnswer]{
		load: e.loginState(asked, interaction, b),
		decide: func(st *record.LoginState, env decide.Env) decide.Outcome[decide.LoginAnswer] {
			return decide.LoginFinish(asked, b.seen(), checked, st, env)
		},
	}
}

func (e *Engine) loginState(form decide.LoginForm, interaction string, b Browser) func(context.Context) (*record.LoginState, error) {
	email, _ := decide.CanonicalEmail(form.Identifier) // "" is nobody's
	query := store.LoginQuery{
		InteractionHash: hashOrNone(interaction),
		BrowserHash:     hashOrNone(b.Browser),
		CookieHash:      hashOrNone(b.Session),
		Kind:            record.IdentifierEmail,
		Identifier:      email,
		Counters:        decide.LoginCounters(form, b.seen()),
	}
	return func(ctx context.Context) (*record.LoginState, error) { return e.store.LoginState(ctx, query) }
}

// checkPassword compares under the semaphore. A hash of older parameters is
// renewed while the password is at hand.
func (e *Engine) checkPassword(ctx context.Context, password string, check decide.PasswordCheck) (decide.CheckedPassword, *oauth.Error) {
	checked := decide.CheckedPassword{Check: check}
	err := e.hashing.run(ctx, func() {
		checked.Verified, _ = secret.VerifyPassword(password, check.PHC, e.env().Now)
		if checked.Verified.Rehash() {
			checked.NewPHC = secret.HashPassword(password, salt())
		}
	})
	return checked, err
}

// hashPassword hashes a new password under the semaphore.
func (e *Engine) hashPassword(ctx context.Context, password string) (string, *oauth.Error) {
	var phc string
	err := e.hashing.run(ctx, func() { phc = secret.HashPassword(password, salt()) })
	return phc, err
}

func salt() (s [16]byte) {
	_, _ = rand.Read(s[:])
	return s
}
