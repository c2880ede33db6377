package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// maxSecretKeep, in seconds: two live secrets are for changing over, not for ever.
const maxSecretKeep = 30 * 24 * 3600

// ClientForm is what an administrator says about a client. Defaults stand in for
// what is left out; nothing that is said is changed.
type ClientForm struct {
	Name     string
	Settings record.ClientSettings

	before *record.ClientSettings // of a client that is updated
}

// ManagedClient is a client as an administrator sees it.
type ManagedClient struct {
	*record.Client
	Secret   string   // only in the answer that made it
	Warnings []string // what is allowed and probably not meant
}

// ClientPage lists clients by id, those after the given one.
func (e *Engine) ClientPage(ctx context.Context, after string) (page []ManagedClient, next string, err error) {
	rows, err := e.store.ClientList(ctx, after, listPage)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	for _, row := range rows {
		page = append(page, managed(row))
		next = row.ID
	}
	return page, next, nil
}

// ClientByID gives one client.
func (e *Engine) ClientByID(ctx context.Context, id string) (ManagedClient, error) {
	row, err := found(e.store.Client(ctx, id))
	if err != nil {
		return ManagedClient{}, refusalOf(err)
	}
	return managed(row), nil
}

func managed(row *record.Client) ManagedClient {
	return ManagedClient{Client: row, Warnings: clientWarnings(&row.Settings)}
}

// CreateClient adds a client; a confidential one gets its secret. An empty id is
// replaced by a generated one.
func (e *Engine) CreateClient(ctx context.Context, id string, form ClientForm) (ManagedClient, error) {
	form.Settings = withDefaults(form.Settings)
	return administer(ctx, e, func(env decide.Env) (ManagedClient, []record.Change, error) {
		var wrong problems
		if err := e.checkClientID(ctx, id, &wrong); err != nil {
			return ManagedClient{}, nil, err
		}
		if err := e.checkClient(ctx, &form, &wrong); err != nil {
			return ManagedClient{}, nil, err
		}
		if err := e.ready(ctx, wrong, form.Settings.IDTokenSigningAlg, form.Settings.UserinfoSigningAlg); err != nil {
			return ManagedClient{}, nil, err
		}
		client := record.Client{
			ID: id, Name: form.Name, Settings: form.Settings, Enabled: true, MadeAt: env.Now, Version: 1,
		}
		if id == "" {
			client.ID = env.Seed.ID("client_id")
		}
		answer := managed(&client)
		if client.HasSecret() {
			answer.Secret = secret.NewClientSecret(env.Seed, "client secret")
			client.Secrets = []record.ClientSecret{{Hash: secret.Hash(answer.Secret), MadeAt: env.Now}}
		}
		return answer, []record.Change{
			record.PutClient{Client: client},
			administered(ctx, record.Audit{Event: "client_created", ClientID: client.ID}, env),
		}, nil
	})
}

// UpdateClient replaces a client's name and settings. Nothing ends by it: the
// next token is made by the new settings, those that are out live on. Only if its
// users get other subjects all that it has ends.
func (e *Engine) UpdateClient(ctx context.Context, id string, form ClientForm, version int64) (ManagedClient, error) {
	form.Settings = withDefaults(form.Settings)
	return administer(ctx, e, func(env decide.Env) (ManagedClient, []record.Change, error) {
		row, err := found(e.store.Client(ctx, id))
		if err != nil {
			return ManagedClient{}, nil, err
		}
		if err := current(ctx, version, row.Version); err != nil {
			return ManagedClient{}, nil, err
		}
		var wrong problems
		form.before = &row.Settings
		if err := e.checkClient(ctx, &form, &wrong); err != nil {
			return ManagedClient{}, nil, err
		}
		after := *row
		after.Name, after.Settings, after.Version = form.Name, form.Settings, row.Version+1
		if row.Unconfirmed() {
			came := *row.Registration
			came.EndsAt, after.Registration = 0, &came
		}
		if after.Public() != row.Public() {
			// RFC 6749 §2.1: the type says how its refresh tokens are bound to it.
			wrong.add("token_endpoint_auth_method",
				"a public client does not become a confidential one, nor the other way round; make another client")
		}
		if row.Registered() && form.Settings.FirstParty {
			// Whoever holds its registration access token says where its codes go.
			wrong.add("first_party", "a client that registered itself is never trusted; make another client")
		}
		if err := e.ready(ctx, wrong, form.Settings.IDTokenSigningAlg, form.Settings.UserinfoSigningAlg); err != nil {
			return ManagedClient{}, nil, err
		}
		return managed(&after), append(decide.Confirm(row), decide.UpdateClient(row, form.Name, form.Settings, actorOf(ctx), env)...), nil
	})
}

// RotateClientSecret gives a confidential client a new secret; the older ones work
// for keep more seconds.
func (e *Engine) RotateClientSecret(ctx context.Context, id string, keep int64) (ManagedClient, error) {
	return administer(ctx, e, func(env decide.Env) (ManagedClient, []record.Change, error) {
		row, err := found(e.store.Client(ctx, id))
		if err != nil {
			return ManagedClient{}, nil, err
		}
		var wrong problems
		if keep < 0 || keep > maxSecretKeep {
			wrong.add("keep_seconds", "is from 0 to %d, which is 30 days", maxSecretKeep)
		}
		if !row.HasSecret() {
			wrong.add("client_id", "is of a client that authenticates without a secret")
		}
		if err := wrong.refusal(); err != nil {
			return ManagedClient{}, nil, err
		}
		outcome := decide.RotateSecret(row, keep*1000, actorOf(ctx), env)
		if outcome.Err != nil {
			return ManagedClient{}, nil, outcome.Err
		}
		answer := managed(row)
		answer.Secret = outcome.Answer
		return answer, outcome.Changes, nil
	})
}

// DisableClient keeps a client from every endpoint and ends all that it has.
func (e *Engine) DisableClient(ctx context.Context, id string) error {
	return actOn(ctx, e, e.clientRow(ctx, id), func(row *record.Client, env decide.Env) []record.Change {
		if !row.Enabled {
			return nil
		}
		return decide.DisableClient(row, actorOf(ctx), env)
	})
}

// EnableClient lets a client in again. What ended stays ended.
func (e *Engine) EnableClient(ctx context.Context, id string) error {
	return actOn(ctx, e, e.clientRow(ctx, id), func(row *record.Client, env decide.Env) []record.Change {
		if row.Enabled {
			return nil
		}
		return decide.EnableClient(row, actorOf(ctx), env)
	})
}

// DeleteClient removes a client and ends all that it has.
func (e *Engine) DeleteClient(ctx context.Context, id string) error {
	return actOn(ctx, e, e.clientRow(ctx, id), func(row *record.Client, env decide.Env) []record.Change {
		return decide.DeleteClient(row, actorOf(ctx), env)
	})
}

func (e *Engine) clientRow(ctx context.Context, id string) func() (*record.Client, error) {
	return func() (*record.Client, error) {
		row, err := e.store.Client(ctx, id)
		if row != nil {
			err = current(ctx, 0, row.Version)
		}
		return row, err
	}
}
