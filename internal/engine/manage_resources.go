package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ResourcePage lists resources by audience, those after the given one.
func (e *Engine) ResourcePage(ctx context.Context, after string) (page []*record.Resource, next string, err error) {
	rows, err := e.store.ResourceList(ctx, after, listPage)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	if len(rows) > 0 {
		next = rows[len(rows)-1].Aud
	}
	return rows, next, nil
}

// ResourceByAudience gives one resource.
func (e *Engine) ResourceByAudience(ctx context.Context, aud string) (*record.Resource, error) {
	row, err := found(e.store.Resource(ctx, aud))
	return row, refusalOf(err)
}

// CreateResource adds a resource. The keys that its tokens need are there before
// it is.
func (e *Engine) CreateResource(ctx context.Context, aud string, settings record.ResourceSettings) (*record.Resource, error) {
	return administer(ctx, e, func(env decide.Env) (*record.Resource, []record.Change, error) {
		wrong := checkResource(&settings)
		if err := e.checkAudience(ctx, aud, &wrong); err != nil {
			return nil, nil, err
		}
		if err := e.ready(ctx, wrong, settings.Alg); err != nil {
			return nil, nil, err
		}
		row := record.Resource{Aud: aud, Settings: settings, Version: 1}
		return &row, []record.Change{
			record.PutResource{Resource: row},
			administered(ctx, record.Audit{Event: "resource_created", Detail: aud}, env),
		}, nil
	})
}

// UpdateResource replaces a resource's settings.
func (e *Engine) UpdateResource(
	ctx context.Context, aud string, settings record.ResourceSettings, version int64,
) (*record.Resource, error) {
	return administer(ctx, e, func(env decide.Env) (*record.Resource, []record.Change, error) {
		row, err := found(e.store.Resource(ctx, aud))
		if err != nil {
			return nil, nil, err
		}
		if err := current(ctx, version, row.Version); err != nil {
			return nil, nil, err
		}
		if err := e.ready(ctx, checkResource(&settings), settings.Alg); err != nil {
			return nil, nil, err
		}
		after := *row
		after.Settings, after.Version = settings, row.Version+1
		return &after, []record.Change{
			record.UpdateResource{Aud: aud, Settings: settings, Version: row.Version},
			administered(ctx, record.Audit{Event: "resource_updated", Detail: aud}, env),
		}, nil
	})
}

// DeleteResource removes a resource and ends all tokens for it.
func (e *Engine) DeleteResource(ctx context.Context, aud string) error {
	return actOn(ctx, e,
		func() (*record.Resource, error) {
			row, err := e.store.Resource(ctx, aud)
			if row != nil {
				err = current(ctx, 0, row.Version)
			}
			return row, err
		},
		func(row *record.Resource, env decide.Env) []record.Change {
			return decide.DeleteResource(row, actorOf(ctx), env)
		})
}

// ready reports what is wrong with a form; if nothing is, it makes the keys of
// the algorithms that the form chooses.
func (e *Engine) ready(ctx context.Context, wrong problems, algs ...string) error {
	if err := wrong.refusal(); err != nil {
		return err
	}
	if rehearsed(ctx) {
		return nil
	}
	for _, alg := range algs {
		if alg == "" || e.minting.Load().Ring.Signs(alg) {
			continue
		}
		if err := e.ensureKeys(ctx, alg); err != nil {
			return err
		}
	}
	return nil
}

// signingAlgs are the algorithms that tokens may be signed with. The keys of those
// that are not made with the database are made when somebody chooses one.
func signingAlgs() []string { return []string{mint.ES256, mint.RS256, mint.PS256, mint.Ed25519} }

func (e *Engine) checkAudience(ctx context.Context, aud string, wrong *problems) error {
	switch {
	case !oauth.IsResource(aud):
		wrong.add("audience", "is an absolute URI without a fragment") // RFC 8707 §2
		return nil
	case aud == e.policy.Issuer.String():
		wrong.add("audience", "must not be the issuer, whose tokens are for userinfo")
		return nil
	}
	taken, err := e.store.Resource(ctx, aud)
	if taken != nil {
		wrong.add("audience", "is taken")
	}
	return err
}

func checkResource(s *record.ResourceSettings) problems {
	var wrong problems
	if s.Name != "" {
		wrong.text("name", s.Name)
	}
	wrong.twice("scopes", s.Scopes)
	for _, scope := range s.Scopes {
		switch words, ok := oauth.ParseScopes(scope); {
		case !ok || len(words) != 1:
			wrong.add("scopes", "%q is not a word of visible ASCII characters", scope)
		case oauth.StandardScopes().Has(scope):
			wrong.add("scopes", "%s has its meaning from OpenID Connect", scope)
		}
	}
	wrong.lifetime("access_token_ttl", s.AccessTTL, maxTTL)
	if s.Alg != "" {
		wrong.oneOf("alg", s.Alg, signingAlgs()...)
	}
	wrong.accessFormat(s.AccessFormat)
	return wrong
}
