package store

import (
	"context"
	"database/sql"

	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	clientColumns = `c.id, c.name, c.settings, c.enabled, c.cut, c.made_at, c.version`

	readClient = `SELECT h.lc, ` + clientColumns + `, r.client_id, r.token_hash, r.made_by, r.made_at, r.ends_at,
	x.secret_hash, x.made_at, x.ends_at
	FROM revlog_head h
	LEFT JOIN clients c ON c.id = $1
	LEFT JOIN registrations r ON r.client_id = c.id
	LEFT JOIN client_secrets x ON x.client_id = c.id
	WHERE h.one = 1 ORDER BY x.made_at DESC`

	readResource = `SELECT h.lc, r.aud, r.settings, r.cut, r.version
	FROM revlog_head h LEFT JOIN resources r ON r.aud = $1 WHERE h.one = 1`

	readCachedUser = `SELECT h.lc, ` + userColumns + `
	FROM revlog_head h LEFT JOIN users u ON u.id = $1` + userIdentifiers + ` WHERE h.one = 1`
)

func clientInto(c *record.Client) []any {
	return []any{
		(*text)(&c.ID), (*text)(&c.Name),
		packed{&c.Settings},
		(*flag)(&c.Enabled), (*number)(&c.Cut),
		(*number)(&c.MadeAt), (*number)(&c.Version),
	}
}

func registrationInto(r *record.Registration) []any {
	return []any{(*text)(&r.ClientID), (*blob)(&r.TokenHash), (*text)(&r.By), (*number)(&r.MadeAt), (*number)(&r.EndsAt)}
}

// client gives a client of the cache, or of the database. It is not older than
// the clock that was published when it was called; nil means that there is none.
func (s *Store) client(ctx context.Context, id string) (*record.Client, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // there is no such client, as below
	}
	if c := s.cache.clients.get(id); c != nil {
		return c, nil
	}
	var lc int64
	var client record.Client
	err := s.each(ctx, readClient, []any{id}, func(rows *sql.Rows) error {
		var row record.Client
		var came record.Registration
		var secret record.ClientSecret
		into := append([]any{&lc}, clientInto(&row)...)
		into = append(into, registrationInto(&came)...)
		into = append(into, (*blob)(&secret.Hash), (*number)(&secret.MadeAt), (*number)(&secret.EndsAt))
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if came.ClientID != "" {
			row.Registration = &came
		}
		row.Secrets = client.Secrets
		if secret.Hash != nil {
			row.Secrets = append(row.Secrets, secret)
		}
		client = row
		return nil
	})
	if err != nil {
		return nil, unavailable("reading a client", err)
	}
	if client.ID == "" {
		return nil, nil
	}
	client.ScopeList, client.Sector = record.SplitScope(client.Settings.Scope), client.Settings.Sector()
	put(&s.cache, &s.cache.clients, id, &client, lc)
	return &client, nil
}

// resource is to resources what client is to clients.
func (s *Store) resource(ctx context.Context, aud string) (*record.Resource, error) {
	if r := s.cache.resources.get(aud); r != nil {
		return r, nil
	}
	var lc int64
	var r record.Resource
	err := s.one(ctx, readResource, []any{aud},
		[]any{&lc, (*text)(&r.Aud), packed{&r.Settings}, (*number)(&r.Cut), (*number)(&r.Version)})
	if err != nil {
		return nil, unavailable("reading a resource", err)
	}
	if r.Aud == "" {
		return nil, nil //nolint:nilnil // there is no such resource
	}
	put(&s.cache, &s.cache.resources, aud, &r, lc)
	return &r, nil
}

// user is to users what client is to clients.
func (s *Store) user(ctx context.Context, id string) (*record.User, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // there is no such user, as below
	}
	if u := s.cache.users.get(id); u != nil {
		return u, nil
	}
	var lc int64
	var row userRow
	if err := s.one(ctx, readCachedUser, []any{id}, append([]any{&lc}, row.into()...)); err != nil {
		return nil, unavailable("reading a user", err)
	}
	u := row.get()
	if u != nil {
		put(&s.cache, &s.cache.users, id, u, lc)
	}
	return u, nil
}

// ClientState is what client_credentials is decided from. It comes from memory
// when client and resources are there; its clock is the cache's, read before them.
// A row that was cut after that would be refused for a cutoff that the request
// began before: the clock is read again then (tokens.md I2).
func (s *Store) ClientState(ctx context.Context, clientID string, auds []string) (record.ClientState, error) {
	if err := s.Fit(); err != nil {
		return record.ClientState{}, err
	}
	for {
		at := *s.cache.at.Load()
		state, err := s.askedState(ctx, at, clientID, auds)
		cut := latestCut(&state)
		if err != nil || cut <= at.lc {
			return state, err
		}
		if err := s.reach(ctx, cut); err != nil {
			return record.ClientState{}, unavailable("waiting for a commit to be seen", err)
		}
	}
}

// latestCut is the largest cutoff of a client and resources that were loaded.
func latestCut(state *record.ClientState) (cut int64) {
	if state.Client != nil {
		cut = state.Client.Cut
	}
	for _, r := range state.Resources {
		cut = max(cut, r.Cut)
	}
	return cut
}

// askedState is clientState for a request that may still name its resources:
// where it names none, the client's default resource is loaded too.
func (s *Store) askedState(
	ctx context.Context, at view, clientID string, auds []string,
) (record.ClientState, error) {
	state, err := s.clientState(ctx, at, clientID, auds)
	if err != nil || len(auds) > 0 || state.Client == nil || state.Client.Settings.DefaultResource == "" {
		return state, err
	}
	r, err := s.resource(ctx, state.Client.Settings.DefaultResource)
	if err == nil && r != nil {
		state.Resources = map[string]*record.Resource{r.Aud: r}
	}
	return state, err
}

// clientState adds client and resources to a snapshot, which the cache has reached.
func (s *Store) clientState(
	ctx context.Context, at view, clientID string, auds []string,
) (state record.ClientState, err error) {
	state.LC, state.AllCut = at.lc, at.allCut
	if state.Client, err = s.client(ctx, clientID); err != nil {
		return record.ClientState{}, err
	}
	for _, aud := range auds {
		r, err := s.resource(ctx, aud)
		if err != nil {
			return record.ClientState{}, err
		}
		if r == nil {
			continue // the issuer, a client, or nothing that we know
		}
		if state.Resources == nil {
			state.Resources = make(map[string]*record.Resource, len(auds))
		}
		state.Resources[aud] = r
	}
	return state, nil
}
