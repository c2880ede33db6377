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
// as JSON. What is wrong with the body is said to whom may register alone.
func (e *Engine) Register(ctx context.Context, token, body, network string) (clientID string, information []byte, refused *oauth.Error) {
	metadata, wrong := decide.ReadMetadata(body, false)
	metadata.Settings = withDefaults(metadata.Settings)
	r := decide.Registering{Shown: token != "", Network: network, Metadata: metadata}
	j := journey[*record.RegistrationState, decide.Registered]{
		load: e.registrationState(&r, token, wrong == nil),
		decide: func(st *record.RegistrationState, env decide.Env) decide.Outcome[decide.Registered] {
			return decide.Register(r, st, env)
		},
	}
	st, refused := read(ctx, j.load)
	if refused == nil {
		refused = decide.MayRegister(r, st, e.env())
	}
	if refused == nil {
		refused = wrong
	}
	if refused == nil {
		refused = e.checkMetadata(ctx, metadata.Name, &metadata.Settings)
	}
	if refused != nil {
		return "", nil, refused
	}
	made, refused := runFrom(ctx, e, j, st)
	return e.informed(made, refused)
}

// registrationState loads the token that was shown, or else what the network has
// registered already, and of a public client the row that is there.
func (e *Engine) registrationState(r *decide.Registering, token string, readable bool) func(context.Context) (*record.RegistrationState, error) {
	publicID, counters := "", []string(nil)
	if readable && r.Metadata.Settings.TokenEndpointAuthMethod == string(oauth.AuthNone) {
		publicID = decide.PublicClientID(e.policy.Issuer, &r.Metadata)
	}
	if !r.Shown {
		counters = decide.RegistrationCounters(r.Network)
	}
	return func(ctx context.Context) (*record.RegistrationState, error) {
		return e.store.RegistrationState(ctx, hashOrNone(token), publicID, counters)
	}
}

// informed renders what a client is told.
func (e *Engine) informed(r decide.Registered, refused *oauth.Error) (string, []byte, *oauth.Error) {
	if refused != nil {
		return "", nil, refused
	}
	return r.Client.ID, decide.ClientInformation(r, e.policy.Issuer), nil
}

// Registration answers RFC 7592 §2.1: what is registered for a client. Its secret is
// not in it: only a hash of that is known. Its token is, for it was shown (§3).
func (e *Engine) Registration(ctx context.Context, clientID, token string) ([]byte, *oauth.Error) {
	st, refused := read(ctx, e.registrationOf(clientID))
	if refused == nil {
		refused = decide.Manages(token, st.Client)
	}
	if refused != nil {
		return nil, refused
	}
	return decide.ClientInformation(decide.Registered{Client: st.Client, Token: token}, e.policy.Issuer), nil
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
		m.Metadata.Settings = withDefaults(m.Metadata.Settings)
	}
	if refused == nil {
		result := decide.Resulting(&m.Metadata, &st.Client.Settings)
		refused = e.checkMetadata(ctx, m.Metadata.Name, &result)
	}
	if refused != nil {
		return nil, refused
	}
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

// checkMetadata holds a client to the rules that an administrator's clients keep,
// and sees to it that the key is there which is to sign for it. The names of the
// fields are the same.
func (e *Engine) checkMetadata(ctx context.Context, name string, s *record.ClientSettings) *oauth.Error {
	var wrong problems
	err := e.checkClient(ctx, &ClientForm{Name: name, Settings: *s}, &wrong)
	if err == nil {
		err = e.ready(ctx, wrong, s.IDTokenSigningAlg, s.UserinfoSigningAlg)
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
