package engine

import (
	"context"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// Browser is what a browser sent: the raw values of its cookies, and what is
// known of where it is. Network is its address cut to the network that the
// back-off counts.
type Browser struct {
	Session string
	Browser string
	Agent   string
	Network string
}

// seen is the browser as decisions know it: hashes instead of cookies.
func (b Browser) seen() decide.Browser {
	return decide.Browser{Hash: hashOrNone(b.Browser), Agent: b.Agent, Network: b.Network}
}

// hashOrNone hashes a secret that may be missing; nothing matches a missing one.
func hashOrNone(text string) []byte {
	if text == "" {
		return nil
	}
	return secret.Hash(text)
}

// AuthorizeAnswer says how an authorization goes on.
type AuthorizeAnswer = decide.AuthorizeAnswer

// Page is one that an authorization can need.
type Page = decide.Page

// The values of AuthorizeAnswer.Page.
const (
	PageNone    = decide.PageNone
	PageLogin   = decide.PageLogin
	PageConsent = decide.PageConsent
	PageSignUp  = decide.PageSignUp
	PageChoose  = decide.PageChoose
)

// ClientView is what a page says about a client.
type ClientView struct {
	ID        string
	Name      string
	LogoURI   string
	ClientURI string
	PolicyURI string
	TosURI    string
	// InitiateLoginURI is where a user begins who comes from here.
	InitiateLoginURI string
	// Localized are what stands above in other languages, as the settings have it.
	Localized map[string]string
}

func viewClient(c *record.Client) ClientView {
	if c == nil {
		return ClientView{}
	}
	s := decide.Showable(c)
	return ClientView{
		ID: c.ID, Name: c.Name,
		LogoURI: s.LogoURI, ClientURI: s.ClientURI, PolicyURI: s.PolicyURI, TosURI: s.TosURI, InitiateLoginURI: s.InitiateLoginURI,
		Localized: s.Localized,
	}
}

// UserView is what a page says about the user who is signed in.
type UserView struct {
	Sub           string
	Name          string
	Email         string
	EmailVerified bool
}

func viewUser(u *record.User) UserView {
	if u == nil {
		return UserView{}
	}
	view := UserView{Sub: u.ID, Name: decide.DisplayName(u)}
	if u.Email != nil {
		view.Email, view.EmailVerified = u.Email.Value, u.Email.VerifiedAt != 0
	}
	return view
}

// unixTime turns a row's milliseconds into a time, zero into the zero time.
func unixTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// hint verifies an id_token_hint.
func (e *Engine) hint(token string) (*record.VerifiedToken, oauth.Reason) {
	if token == "" {
		return nil, ""
	}
	return e.minting.Load().VerifyIDHint(token)
}

// interactionState loads a pending page for its browser.
func (e *Engine) interactionState(id string, b Browser) func(context.Context) (*record.InteractionState, error) {
	idHash, cookieHash := hashOrNone(id), hashOrNone(b.Session)
	return func(ctx context.Context) (*record.InteractionState, error) {
		return e.store.InteractionState(ctx, idHash, cookieHash)
	}
}

// read loads a state for a page that changes nothing.
func read[S any](ctx context.Context, load func(context.Context) (S, error)) (S, *oauth.Error) {
	state, err := load(ctx)
	if err != nil {
		return state, trouble(err)
	}
	return state, nil
}
