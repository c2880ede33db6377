package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// What an initial access token may be, where it may be anything.
const (
	longestInitialTTL = 3650 * 24 * 3600 // seconds
	mostClients       = 1_000_000
)

// InitialTokenForm is what an administrator says about an initial access token.
type InitialTokenForm struct {
	Name string
	TTL  int64 // seconds
	Most int64 // clients that may come with it; zero: as many as they like
}

// ManagedInitialToken is an initial access token as an administrator sees it.
type ManagedInitialToken struct {
	record.InitialToken
	Token string // only in the answer that made it
}

// InitialTokenPage lists initial access tokens by id, those after the given one.
func (e *Engine) InitialTokenPage(ctx context.Context, after string) (page []ManagedInitialToken, next string, err error) {
	rows, err := e.store.InitialTokenList(ctx, after, listPage)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	for _, row := range rows {
		page = append(page, ManagedInitialToken{InitialToken: row})
		next = row.ID
	}
	return page, next, nil
}

// CreateInitialToken lets whoever gets the token register clients.
func (e *Engine) CreateInitialToken(ctx context.Context, form InitialTokenForm) (ManagedInitialToken, error) {
	return administer(ctx, e, func(env decide.Env) (ManagedInitialToken, []record.Change, error) {
		var wrong problems
		wrong.name("name", form.Name)
		if form.TTL < 1 || form.TTL > longestInitialTTL {
			wrong.add("ttl", "is from 1 to %d seconds", longestInitialTTL)
		}
		if form.Most < 0 || form.Most > mostClients {
			wrong.add("uses", "is from 0, which is any number, to %d", mostClients)
		}
		if err := wrong.refusal(); err != nil {
			return ManagedInitialToken{}, nil, err
		}
		made := ManagedInitialToken{Token: secret.NewInitialToken(env.Seed, "initial access token")}
		made.InitialToken = record.InitialToken{
			ID: env.Seed.ID("initial access token id"), Hash: secret.Hash(made.Token), Name: form.Name,
			MadeAt: env.Now, EndsAt: env.Now + form.TTL*1000, Most: form.Most,
		}
		return made, []record.Change{
			record.PutInitialToken{Token: made.InitialToken},
			administered(ctx, record.Audit{Event: "initial_token_created", Detail: made.ID}, env),
		}, nil
	})
}

// DeleteInitialToken takes an initial access token back; the clients that came with
// it stay.
func (e *Engine) DeleteInitialToken(ctx context.Context, id string) error {
	return actOn(ctx, e, func() (*record.InitialToken, error) { return e.store.InitialToken(ctx, id) },
		func(row *record.InitialToken, env decide.Env) []record.Change {
			return []record.Change{
				record.DeleteInitialToken{ID: row.ID},
				administered(ctx, record.Audit{Event: "initial_token_deleted", Detail: row.ID}, env),
			}
		})
}
