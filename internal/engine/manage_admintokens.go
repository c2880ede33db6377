package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
)

// longestAdminTTL, in seconds: whoever needs a token for longer makes a new one.
const longestAdminTTL = 366 * 24 * 3600

// AdminTokenForm is what an administrator says about an admin token.
type AdminTokenForm struct {
	Name   string
	Scopes []string
	TTL    int64 // seconds
}

// ManagedAdminToken is an admin token as an administrator sees it.
type ManagedAdminToken struct {
	record.AdminToken
	Token string // only in the answer that made it
}

// AdmitAdmin decides whether the bearer of a token that came over the network is an
// administrator, and which.
func (e *Engine) AdmitAdmin(ctx context.Context, token, network string) (record.AdminToken, *oauth.Error) {
	if !secret.IsAdminToken(token) {
		return record.AdminToken{}, oauth.Refuse(oauth.ReasonTokenMalformed)
	}
	return run(ctx, e, journey[*record.AdminState, record.AdminToken]{
		load: func(ctx context.Context) (*record.AdminState, error) {
			return e.store.AdminState(ctx, secret.Hash(token), decide.AdminCounters(network))
		},
		decide: func(st *record.AdminState, env decide.Env) decide.Outcome[record.AdminToken] {
			return decide.AdmitAdmin(network, st, env)
		},
	})
}

// AdminTokenPage lists admin tokens by name, those after the given one.
func (e *Engine) AdminTokenPage(ctx context.Context, after string) (page []ManagedAdminToken, next string, err error) {
	rows, err := e.store.AdminTokenList(ctx, after, listPage)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	for _, row := range rows {
		page = append(page, ManagedAdminToken{AdminToken: row})
		next = row.Name
	}
	return page, next, nil
}

// CreateAdminToken lets whoever gets the token administer from elsewhere.
func (e *Engine) CreateAdminToken(ctx context.Context, form AdminTokenForm) (ManagedAdminToken, error) {
	return administer(ctx, e, func(env decide.Env) (ManagedAdminToken, []record.Change, error) {
		if err := e.checkAdminToken(ctx, &form); err != nil {
			return ManagedAdminToken{}, nil, err
		}
		made := ManagedAdminToken{Token: secret.NewAdminToken(env.Seed, "admin token")}
		made.AdminToken = record.AdminToken{
			Name: form.Name, Hash: secret.Hash(made.Token), Scopes: slices.Sorted(slices.Values(form.Scopes)),
			MadeAt: env.Now, EndsAt: env.Now + form.TTL*1000,
		}
		return made, []record.Change{
			record.PutAdminToken{Token: made.AdminToken},
			administered(ctx, record.Audit{Event: "admin_token_created", Detail: made.Name + ": " + strings.Join(made.Scopes, " ")}, env),
		}, nil
	})
}

func (e *Engine) checkAdminToken(ctx context.Context, form *AdminTokenForm) error {
	var wrong problems
	if !chosenClientID.MatchString(form.Name) {
		wrong.add("name", "consists of 3 to 64 small letters, digits and hyphens")
	} else if taken, err := e.store.AdminToken(ctx, form.Name); err != nil {
		return err
	} else if taken != nil {
		wrong.add("name", "is taken")
	}
	if len(form.Scopes) == 0 {
		wrong.add("scopes", "are needed: a token without them is of no use")
	}
	wrong.twice("scopes", form.Scopes)
	for _, scope := range form.Scopes {
		if !slices.Contains(record.AdminScopes(), scope) {
			wrong.add("scopes", "each is one of %s", strings.Join(record.AdminScopes(), ", "))
			break
		}
	}
	if form.TTL < 1 || form.TTL > longestAdminTTL {
		wrong.add("ttl", "is from 1 to %d seconds", longestAdminTTL)
	}
	return wrong.refusal()
}

// DeleteAdminToken takes an admin token back.
func (e *Engine) DeleteAdminToken(ctx context.Context, name string) error {
	return actOn(ctx, e, func() (*record.AdminToken, error) { return e.store.AdminToken(ctx, name) },
		func(row *record.AdminToken, env decide.Env) []record.Change {
			return []record.Change{
				record.DeleteAdminToken{Name: row.Name},
				administered(ctx, record.Audit{Event: "admin_token_deleted", Detail: row.Name}, env),
			}
		})
}
