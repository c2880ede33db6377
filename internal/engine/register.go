package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// RegistrationIsOn reports whether clients may register themselves at all.
func (e *Engine) RegistrationIsOn() bool {
	mode := e.policy.Registration.Mode
	return mode == decide.RegistrationOpen || mode == decide.RegistrationToken
}

// Register answers RFC 7591 §3: a client registers itself. token is the initial
// access token that was shown, "" if none. The answer is what the client is told,
// as JSON.
func (e *Engine) Register(ctx context.Context, token, body, network string) (clientID string, information []byte, refused *oauth.Error) {
	r := decide.Registering{Shown: token != "", Network: network}
	load := func(clientID string) func(context.Context) (*record.RegistrationState, error) {
		return func(ctx context.Context) (*record.RegistrationState, error) {
			return e.store.RegistrationState(ctx, hashOrNone(token), clientID, decide.RegistrationCounters(network))
		}
	}
	st, refused := read(ctx, load(""))
	if refused == nil {
		refused = decide.MayRegister(r, st, e.env()) // before what a stranger says is looked at
	}
	if refused == nil {
		r.Metadata, refused = decide.ReadMetadata(body, false)
	}
	if refused == nil {
		refused = e.checkMetadata(ctx, r.Metadata.Name, &r.Metadata.Settings)
	}
	if refused != nil {
		return "", nil, refused
	}
	publicID := ""
	if r.Metadata.Settings.TokenEndpointAuthMethod == string(oauth.AuthNone) {
		publicID = decide.PublicClientID(e.policy.Issuer, &r.Metadata)
	}
	made, refused := run(ctx, e, journey[*record.RegistrationState, decide.Registered]{
		load: load(publicID),
		decide: func(st *record.RegistrationState, env decide.Env) decide.Outcome[decide.Registered] {
			return decide.Register(r, st, env)
		},
	})
	return e.informed(made, refused)
}

// informed renders what a client is told.
func (e *Engine) informed(r decide.Registered, refused *oauth.Error) (string, []byte, *oauth.Error) {
	if refused != nil {
		return "", nil, refused
	}
	return r.Client.ID, decide.ClientInformation(r, e.policy.Issuer), nil
}

// Registration answers RFC 7592 §2.1: what is registered for a client. Its secret is
// not in it: only a hash of that is known.
func (e *Engine) Registration(ctx context.Context, clientID, token string) ([]byte, *oauth.Error) {
	st, refused := read(ctx, e.registrationOf(clientID))
	if refused == nil {
		refused = decide.Manages(token, st.Client)
	}
	if refused != nil {
		return nil, refused
	}
	return decide.ClientInformation(decide.Registered{Client: st.Client}, e.policy.Issuer), nil
}

// UpdateRegistration answers RFC 7592 §2.2: a client replaces what it said of itself.
func (e *Engine) UpdateRegistration(ctx context.Context, clientID, token, body string) ([]byte, *oauth.Error) {
	m := decide.Managing{Token: token}
	st, refused := read(ctx, e.registrationOf(clientID))
	if refused == nil {
		refused = decide.Manages(token, st.Client)
	}
	if refused == nil {
		m.Metadata, refused = decide.ReadMetadata(body, true)
	}
	if refused == nil {
		result := decide.Resulting(&m.Metadata, &st.Client.Settings)
		refused = e.checkMetadata(ctx, m.Metadata.Name, &result)
	}
	if refused != nil {
		return nil, refused
	}
	m.Metadata.Settings = withDefaults(m.Metadata.Settings)
	made, refused := run(ctx, e, journey[*record.RegistrationState, decide.Registered]{
		load: e.registrationOf(clientID),
		decide: func(st *record.RegistrationState, env decide.Env) decide.Outcome[decide.Registered] {
			return decide.UpdateRegistration(m, st, env)
		},
	})
	_, information, refused := e.informed(made, refused)
	return information, refused
}

// DeleteRegistration answers RFC 7592 §2.3: a client goes, and all that it has.
func (e *Engine) DeleteRegistration(ctx context.Context, clientID, token string) *oauth.Error {
	_, refused := run(ctx, e, journey[*record.RegistrationState, struct{}]{
		load: e.registrationOf(clientID),
		decide: func(st *record.RegistrationState, env decide.Env) decide.Outcome[struct{}] {
			return decide.DeleteRegistration(token, st, env)
		},
	})
	return refused
}

func (e *Engine) registrationOf(clientID string) func(context.Context) (*record.RegistrationState, error) {
	return func(ctx context.Context) (*record.RegistrationState, error) {
		return e.store.RegistrationState(ctx, nil, clientID, nil)
	}
}

// checkMetadata fills in what has the same default for every client and holds the
// result to the rules that an administrator's clients keep, and sees to it that the
// key is there which is to sign for it. The names of the fields are the same.
func (e *Engine) checkMetadata(ctx context.Context, name string, s *record.ClientSettings) *oauth.Error {
	*s = withDefaults(*s)
	var wrong problems
	err := e.checkClient(ctx, &ClientForm{Name: name, Settings: *s}, &wrong)
	if err == nil {
		err = e.ready(ctx, wrong, s.IDTokenSigningAlg)
	}
	refusal, isRefusal := errors.AsType[*Refusal](err)
	switch {
	case err == nil:
		return nil
	case !isRefusal || refusal.Kind != Invalid:
		return trouble(err)
	}
	const redirects = "redirect_uris"
	if slices.ContainsFunc(refusal.Fields, func(p FieldProblem) bool { return p.Field == redirects }) {
		return oauth.Refuse(oauth.ReasonRegistrationRedirectURI).With(redirects) // it has an error of its own
	}
	switch field := refusal.Fields[0].Field; field {
	case "name":
		return oauth.Refuse(oauth.ReasonRegistrationField).With("client_name")
	default:
		return oauth.Refuse(oauth.ReasonRegistrationField).With(field)
	}
}

// forgottenAtOnce is how many clients one commit forgets.
const forgottenAtOnce = 100

// forget drops clients that registered themselves and were never let in. One that
// is let in just now makes the commit conflict, and is not among the next.
func (e *Engine) forget(ctx context.Context) error {
	for {
		ids, err := e.store.ForgottenClients(ctx, e.clock.now(), forgottenAtOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := e.commit(ctx, decide.ForgetRegistrations(ids, e.env())); err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
