package engine

import (
	"context"
	"strings"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// maxUpstreamSecret bounds a secret that somebody else chose, in bytes.
const maxUpstreamSecret = 512

// UpstreamForm is what an administrator says about an upstream. Without a secret the
// one that is there stays.
type UpstreamForm struct {
	Settings record.UpstreamSettings
	Secret   string
}

// ManagedUpstream is an upstream as an administrator sees it.
type ManagedUpstream struct {
	*record.Upstream
	RedirectURI string // to register there
	Linked      int64  // users who have an account of its issuer
}

func upstreamPurpose(id string) string { return "upstream secret " + id }

func (e *Engine) managedUpstream(ctx context.Context, row *record.Upstream) (ManagedUpstream, error) {
	linked, err := e.store.LinkCount(ctx, row.Settings.Issuer)
	return ManagedUpstream{Upstream: row, RedirectURI: decide.UpstreamCallback(e.policy.Issuer, row.ID), Linked: linked}, err
}

// UpstreamPage lists upstreams by id, those after the given one.
func (e *Engine) UpstreamPage(ctx context.Context, after string) (page []ManagedUpstream, next string, err error) {
	rows, err := e.store.UpstreamList(ctx, after, listPage)
	for i := range rows {
		row, bad := e.managedUpstream(ctx, &rows[i])
		if bad != nil {
			return nil, "", refusalOf(bad)
		}
		page = append(page, row)
	}
	if len(rows) == listPage {
		next = rows[listPage-1].ID
	}
	return page, next, refusalOf(err)
}

// UpstreamByID gives one upstream.
func (e *Engine) UpstreamByID(ctx context.Context, id string) (ManagedUpstream, error) {
	row, err := found(e.store.Upstream(ctx, id))
	if err != nil {
		return ManagedUpstream{}, refusalOf(err)
	}
	managed, err := e.managedUpstream(ctx, row)
	return managed, refusalOf(err)
}

// CreateUpstream lets people sign in with an OpenID Provider.
func (e *Engine) CreateUpstream(ctx context.Context, id string, form UpstreamForm) (ManagedUpstream, error) {
	return administer(ctx, e, func(env decide.Env) (ManagedUpstream, []record.Change, error) {
		wrong := e.checkUpstream(&form)
		if form.Secret == "" {
			wrong.add("client_secret", "is needed")
		}
		if err := e.checkUpstreamID(ctx, id, &wrong); err != nil {
			return ManagedUpstream{}, nil, err
		}
		if err := wrong.refusal(); err != nil {
			return ManagedUpstream{}, nil, err
		}
		row := record.Upstream{
			ID: id, Settings: form.Settings, Sealed: e.kek.Seal(upstreamPurpose(id), nonce(), []byte(form.Secret)), MadeAt: env.Now, Version: 1,
		}
		managed, err := e.managedUpstream(ctx, &row)
		return managed, []record.Change{
			record.PutUpstream{Upstream: row},
			administered(ctx, record.Audit{Event: "upstream_created", Detail: id + ": " + form.Settings.Issuer}, env),
		}, err
	})
}

// UpdateUpstream replaces what is said about an upstream. A secret is not sent to
// another issuer than the one that it was given for: with a new issuer it is given
// anew (ASVS 13.3.2).
func (e *Engine) UpdateUpstream(ctx context.Context, id string, form UpstreamForm, version int64) (ManagedUpstream, error) {
	return administer(ctx, e, func(env decide.Env) (ManagedUpstream, []record.Change, error) {
		row, err := found(e.store.Upstream(ctx, id))
		if err != nil {
			return ManagedUpstream{}, nil, err
		}
		if err := current(ctx, version, row.Version); err != nil {
			return ManagedUpstream{}, nil, err
		}
		wrong := e.checkUpstream(&form)
		if form.Secret == "" && form.Settings.Issuer != row.Settings.Issuer {
			wrong.add("client_secret", "is needed with another issuer")
		}
		if err := wrong.refusal(); err != nil {
			return ManagedUpstream{}, nil, err
		}
		after := *row
		after.Settings, after.Version = form.Settings, row.Version+1
		if form.Secret != "" {
			after.Sealed = e.kek.Seal(upstreamPurpose(id), nonce(), []byte(form.Secret))
		}
		managed, err := e.managedUpstream(ctx, &after)
		return managed, []record.Change{
			record.UpdateUpstream{ID: id, Settings: after.Settings, Sealed: after.Sealed, Version: row.Version},
			administered(ctx, record.Audit{Event: "upstream_updated", Detail: id + ": " + form.Settings.Issuer}, env),
		}, err
	})
}

// DeleteUpstream removes an upstream. Nothing ends by it: what was signed in to goes
// on, and the accounts stay linked to the issuer.
func (e *Engine) DeleteUpstream(ctx context.Context, id string) error {
	load := func() (*record.Upstream, error) {
		row, err := e.store.Upstream(ctx, id)
		if row != nil {
			err = current(ctx, 0, row.Version)
		}
		return row, err
	}
	return actOn(ctx, e, load,
		func(row *record.Upstream, env decide.Env) []record.Change {
			return []record.Change{
				record.DeleteUpstream{ID: row.ID, Version: row.Version},
				administered(ctx, record.Audit{Event: "upstream_deleted", Detail: row.ID + ": " + row.Settings.Issuer}, env),
			}
		})
}

func (e *Engine) checkUpstreamID(ctx context.Context, id string, wrong *problems) error {
	if !chosenClientID.MatchString(id) {
		wrong.add("id", "consists of 3 to 64 small letters, digits and hyphens")
		return nil
	}
	rows, err := e.store.UpstreamList(ctx, "", maxUpstreams)
	if len(rows) == maxUpstreams {
		wrong.add("id", "there are %d upstreams, and no more", maxUpstreams)
	}
	for _, row := range rows {
		if row.ID == id {
			wrong.add("id", "is taken")
		}
	}
	return err
}

func (e *Engine) checkUpstream(form *UpstreamForm) problems {
	var wrong problems
	s := &form.Settings
	if s.Name == "" {
		wrong.add("name", "is needed: the sign-in page says it")
	} else {
		wrong.text("name", s.Name)
	}
	switch {
	case strings.ContainsAny(s.Issuer, "?#"): // OpenID Connect Discovery §3
		wrong.add("issuer", "has no query and no fragment")
	case e.egress.Check(s.Issuer) != nil:
		wrong.add("issuer", "is an https address that may be called: %s", e.egress.Check(s.Issuer))
	case s.Issuer == e.policy.Issuer.String():
		wrong.add("issuer", "is another server's")
	}
	if s.ClientID == "" || len(s.ClientID) > 256 || strings.ContainsFunc(s.ClientID, notVisible) {
		wrong.add("client_id", "is what the upstream calls this server: 1 to 256 visible characters")
	}
	if len(form.Secret) > maxUpstreamSecret || strings.ContainsFunc(form.Secret, notVisible) {
		wrong.add("client_secret", "has at most %d visible characters", maxUpstreamSecret)
	}
	wrong.upstreamLists(s)
	return wrong
}

func notVisible(r rune) bool { return r <= ' ' || r > '~' }

func (p *problems) upstreamLists(s *record.UpstreamSettings) {
	p.twice("scopes", s.Scopes)
	asksOpenID := len(s.Scopes) == 0
	for _, scope := range s.Scopes {
		if words, ok := oauth.ParseScopes(scope); !ok || len(words) != 1 {
			p.add("scopes", "%q is not a word of visible ASCII characters", scope)
		}
		asksOpenID = asksOpenID || scope == oauth.ScopeOpenID
	}
	if !asksOpenID {
		p.add("scopes", "have openid among them") // OpenID Connect Core §3.1.2.1
	}
	p.twice("algs", s.Algs)
	for _, alg := range s.Algs {
		p.oneOf("algs", alg, decide.SigningAlgs()...)
	}
}

// UserLinks are the foreign accounts of a user.
func (e *Engine) UserLinks(ctx context.Context, sub string) ([]record.Link, error) {
	rows, err := e.store.LinkList(ctx, sub, listPage)
	return rows, refusalOf(err)
}

// UnlinkUser takes a foreign account from a user, and ends all that they have.
func (e *Engine) UnlinkUser(ctx context.Context, sub, linkID string) error {
	_, err := administer(ctx, e, func(env decide.Env) (struct{}, []record.Change, error) {
		user, err := found(e.store.User(ctx, sub))
		if err != nil {
			return struct{}{}, nil, err
		}
		links, err := e.store.LinkList(ctx, sub, listPage)
		if err != nil {
			return struct{}{}, nil, err
		}
		for i := range links {
			if links[i].ID == linkID {
				return struct{}{}, decide.UnlinkByAdmin(user, &links[i], actorOf(ctx), env), nil
			}
		}
		return struct{}{}, nil, &Refusal{Kind: NotFound}
	})
	return err
}
