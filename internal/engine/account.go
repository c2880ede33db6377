package engine

import (
	"context"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// AccountView is what the account page shows.
type AccountView struct {
	User     UserView
	Sessions []SessionView
	Apps     []AppView
	Links    []LinkView
	// Upstreams are those of which the user has no account linked.
	Upstreams []UpstreamView
	// Password says that the user has one, and Lately that they have signed in so short a
	// time ago that they may change how they do it.
	Password bool
	Lately   bool
}

// LinkView is a foreign account that the user signs in with. Name is that of its
// upstream, or its issuer where that is declared no longer.
type LinkView struct {
	ID, Name string
	Since    time.Time
}

// SessionView is one of the user's browsers.
type SessionView struct {
	ID       string
	Agent    string
	SignedIn time.Time
	Seen     time.Time
	Current  bool
}

// AppView is a client that the user has let in.
type AppView struct {
	Client ClientView
	Scopes []string
	Claims []string // attributes beyond those of the scopes
	Since  time.Time
}

// account is a journey about the account of whoever is signed in.
func account[A any](
	e *Engine, b Browser, decision func(*record.SessionState, decide.Env) decide.Outcome[A],
) journey[*record.SessionState, A] {
	return journey[*record.SessionState, A]{load: e.sessionState(b), decide: decision}
}

func (e *Engine) sessionState(b Browser) func(context.Context) (*record.SessionState, error) {
	cookieHash := hashOrNone(b.Session)
	counters := decide.PasswordCounters(cookieHash)
	return func(ctx context.Context) (*record.SessionState, error) {
		return e.store.SessionState(ctx, cookieHash, counters)
	}
}

// Account loads the account page of whoever is signed in.
func (e *Engine) Account(ctx context.Context, b Browser) (AccountView, *oauth.Error) {
	st, refused := read(ctx, e.sessionState(b))
	if refused != nil {
		return AccountView{}, refused
	}
	now := e.env().Now
	if refused := decide.SignedIn(st, now); refused != nil {
		return AccountView{}, refused
	}
	view := AccountView{User: viewUser(st.User)}
	sessions, err := e.store.SessionList(ctx, st.User.ID)
	if err != nil {
		return AccountView{}, trouble(err)
	}
	for i := range sessions {
		if s := &sessions[i]; decide.SessionAlive(s, &st.Parents, now) {
			view.Sessions = append(view.Sessions, SessionView{
				ID: s.ID, Agent: s.Agent, SignedIn: unixTime(s.AuthTime), Seen: unixTime(s.SeenAt), Current: s.ID == st.Session.ID,
			})
		}
	}
	if view.Apps, err = e.apps(ctx, st.User.ID); err != nil {
		return AccountView{}, trouble(err)
	}
	view.Password, view.Lately = st.Password != nil, decide.SignedInLately(st.Session, now)
	if view.Links, view.Upstreams, err = e.links(ctx, st.User.ID); err != nil {
		return AccountView{}, trouble(err)
	}
	return view, nil
}

func (e *Engine) apps(ctx context.Context, userID string) ([]AppView, error) {
	consents, err := e.store.ConsentList(ctx, userID)
	if err != nil {
		return nil, err
	}
	var apps []AppView
	for _, consent := range consents {
		if len(consent.Scope) == 0 {
			continue // removed; its row keeps the cutoff
		}
		client, err := e.store.Client(ctx, consent.ClientID)
		if err != nil {
			return nil, err
		}
		if client != nil {
			apps = append(apps, AppView{Client: viewClient(client), Scopes: consent.Scope, Claims: consent.Claims, Since: unixTime(consent.MadeAt)})
		}
	}
	return apps, nil
}

// ChangePasswordForm is a change of password by its owner.
type ChangePasswordForm struct {
	Current       string
	New           string
	SignOutOthers bool
}

// ChangePassword replaces the password and, if so asked, ends everything but the
// session that asks. That has a new cookie, which it returns; the old one is dead.
func (e *Engine) ChangePassword(ctx context.Context, form ChangePasswordForm, b Browser) (string, *oauth.Error) {
	asked := decide.PasswordForm{Current: form.Current, New: form.New, KeepOthers: !form.SignOutOthers}
	check, err := run(ctx, e, e.changeBegin(asked, b))
	if err != nil {
		return "", err
	}
	checked, err := e.checkPassword(ctx, form.Current, check)
	if err != nil {
		return "", err
	}
	// A guess costs one hash. That the answer comes sooner tells nobody more than it says.
	if checked.Verified.Factor() == secret.FactorPassword {
		if checked.NewPHC, err = e.hashPassword(ctx, form.New); err != nil {
			return "", err
		}
	}
	return run(ctx, e, e.changeFinish(asked, checked, b))
}

func (e *Engine) changeBegin(asked decide.PasswordForm, b Browser) journey[*record.SessionState, decide.PasswordCheck] {
	return account(e, b, func(st *record.SessionState, env decide.Env) decide.Outcome[decide.PasswordCheck] {
		return decide.ChangePasswordBegin(asked, st, env)
	})
}

func (e *Engine) changeFinish(
	asked decide.PasswordForm, checked decide.CheckedPassword, b Browser,
) journey[*record.SessionState, string] {
	return account(e, b, func(st *record.SessionState, env decide.Env) decide.Outcome[string] {
		return decide.ChangePasswordFinish(asked, checked, st, env)
	})
}

// EndOwnSession ends another of the user's browsers.
func (e *Engine) EndOwnSession(ctx context.Context, sid string, b Browser) *oauth.Error {
	target, err := e.store.Session(ctx, sid)
	if err != nil {
		return trouble(err)
	}
	_, refused := run(ctx, e, account(e, b, func(st *record.SessionState, env decide.Env) decide.Outcome[struct{}] {
		return decide.EndOwnSession(target, st, env)
	}))
	return refused
}

// RemoveApp takes back what the user lets a client do.
func (e *Engine) RemoveApp(ctx context.Context, clientID string, b Browser) *oauth.Error {
	client, err := e.store.Client(ctx, clientID)
	if err != nil {
		return trouble(err)
	}
	_, refused := run(ctx, e, account(e, b, func(st *record.SessionState, env decide.Env) decide.Outcome[struct{}] {
		return decide.RemoveApp(client, st, env)
	}))
	return refused
}

// SignOutEverywhere ends everything of the user, on all devices.
func (e *Engine) SignOutEverywhere(ctx context.Context, b Browser) *oauth.Error {
	_, refused := run(ctx, e, account(e, b, decide.SignOutEverywhere))
	return refused
}

// SignOut ends this browser's session.
func (e *Engine) SignOut(ctx context.Context, b Browser) *oauth.Error {
	_, refused := run(ctx, e, account(e, b, decide.SignOut))
	return refused
}
