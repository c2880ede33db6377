package engine

import (
	"cmp"
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
	UILocales      string
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
		UILocales:      st.Interaction.Request.UILocales,
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
// open while it runs. Both are made from one reading, and what is found to have
// changed at the commit is read again. The session vouches for the logical clock
// that was read before the password was checked, so a sign-in with a password
// that was changed meanwhile is dead when it is born.
func (e *Engine) Login(ctx context.Context, form LoginForm, b Browser) (LoginDone, *oauth.Error) {
	asked := decide.LoginForm{Identifier: form.Identifier, Password: form.Password, ToAccount: form.Interaction == ""}
	load := e.loginState(asked, form.Interaction, b)
	done, err := decide.LoginAnswer{}, (*oauth.Error)(nil)
	busy := e.hashing.run(ctx, func() { done, err = e.login(ctx, asked, load, b) })
	if err = cmp.Or(busy, err); err != nil {
		return LoginDone{}, err
	}
	done.Next.Interaction = form.Interaction // the same page's; only its hash is stored
	return LoginDone{Cookie: done.Cookie, Account: asked.ToAccount, Next: done.Next, NextErr: done.NextErr}, nil
}

// login is Login with a slot for hashing. The counters of the attempt are read in
// it: see decide.LoginBegin.
func (e *Engine) login(ctx context.Context, asked decide.LoginForm, load loginLoad, b Browser) (decide.LoginAnswer, *oauth.Error) {
	var st *record.LoginState
	begin := loginBegin(asked, load, b)
	begin.load = func(ctx context.Context) (_ *record.LoginState, err error) {
		st, err = load(ctx)
		return st, err
	}
	check, err := run(ctx, e, begin)
	if err != nil {
		return decide.LoginAnswer{}, err
	}
	return runFrom(ctx, e, e.loginFinish(asked, e.compare(asked.Password, check), load, b), st)
}

type loginLoad func(context.Context) (*record.LoginState, error)

func loginBegin(asked decide.LoginForm, load loginLoad, b Browser) journey[*record.LoginState, decide.PasswordCheck] {
	return journey[*record.LoginState, decide.PasswordCheck]{
		load: load,
		decide: func(st *record.LoginState, env decide.Env) decide.Outcome[decide.PasswordCheck] {
			return decide.LoginBegin(asked, b.seen(), st, env)
		},
	}
}

func (e *Engine) loginFinish(
	asked decide.LoginForm, checked decide.CheckedPassword, load loginLoad, b Browser,
) journey[*record.LoginState, decide.LoginAnswer] {
	return journey[*record.LoginState, decide.LoginAnswer]{
		load: load,
		decide: func(st *record.LoginState, env decide.Env) decide.Outcome[decide.LoginAnswer] {
			asked.Hint = e.storedHint(st.Interaction)
			return decide.LoginFinish(asked, b.seen(), checked, st, env)
		},
	}
}

func (e *Engine) loginState(form decide.LoginForm, interaction string, b Browser) loginLoad {
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

// checkPassword compares under the semaphore.
func (e *Engine) checkPassword(ctx context.Context, password string, check decide.PasswordCheck) (checked decide.CheckedPassword, busy *oauth.Error) {
	busy = e.hashing.run(ctx, func() { checked = e.compare(password, check) })
	return checked, busy
}

// compare hashes; its caller has a slot. A hash of older parameters is renewed
// while the password is at hand.
func (e *Engine) compare(password string, check decide.PasswordCheck) decide.CheckedPassword {
	checked := decide.CheckedPassword{Check: check}
	checked.Verified, _ = secret.VerifyPassword(password, check.PHC, e.env().Now)
	if checked.Verified.Rehash() {
		checked.NewPHC = secret.HashPassword(password, salt())
	}
	return checked
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
