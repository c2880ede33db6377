package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// SubjectFor is the sub by which a client knows a user: that of its ID tokens, for
// whoever tells the client of the user by other ways.
func (e *Engine) SubjectFor(client *record.Client, userID string) string {
	return e.env().SubjectFor(client, userID)
}

// LogoutAnswer is how a logout goes on: a question to the user, or done. To is a
// validated address to go on to, with its state, or empty.
type LogoutAnswer struct {
	Ask       bool
	SignedOut bool
	User      UserView
	Client    ClientView
	To        string
}

// Logout answers OpenID Connect RP-Initiated Logout. confirmed says that the
// user pressed the button of the confirmation page, which sends the request
// again; it is decided again whole.
func (e *Engine) Logout(ctx context.Context, req *oauth.LogoutRequest, confirmed bool, b Browser) (LogoutAnswer, *oauth.Error) {
	hint, reason := e.hint(req.IDTokenHint)
	clientID := req.ClientID
	if clientID == "" && hint != nil {
		clientID = hint.ClientID
	}
	var user *record.User
	answer, err := run(ctx, e, journey[*record.LogoutState, decide.LogoutAnswer]{
		load: func(ctx context.Context) (*record.LogoutState, error) {
			return e.store.LogoutState(ctx, hashOrNone(b.Session), clientID)
		},
		decide: func(st *record.LogoutState, env decide.Env) decide.Outcome[decide.LogoutAnswer] {
			user = st.User
			return decide.Logout(decide.LogoutAsk{Request: req, Hint: hint, HintReason: reason, Confirmed: confirmed}, st, env)
		},
	})
	if err != nil {
		return LogoutAnswer{}, err
	}
	return LogoutAnswer{
		Ask:       answer.Ask,
		SignedOut: !answer.Ask,
		User:      viewUser(user),
		Client:    viewClient(answer.Client),
		To:        answer.To,
	}, nil
}
