package store

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	putUpstream = `INSERT INTO upstreams (id, settings, sealed, made_at, version)
	VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

	updateUpstream = `UPDATE upstreams SET settings = $1, sealed = $2, version = version + 1 WHERE id = $3 AND version = $4`

	deleteUpstream = `DELETE FROM upstreams WHERE id = $1 AND version = $2`

	putLink = `INSERT INTO links (id, issuer, subject, user_id, made_at, used_at)
	SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM users WHERE id = $4 /*held*/)
	ON CONFLICT DO NOTHING`

	useLink = `UPDATE links SET used_at = $1 WHERE issuer = $2 AND subject = $3 AND user_id = $4
	AND EXISTS (SELECT 1 FROM users WHERE id = $4 AND status = 'active' /*held*/)`

	deleteLink = `DELETE FROM links WHERE id = $1 AND user_id = $2
	AND (CAST($3 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM links o WHERE o.user_id = $2 AND o.id <> $1))`
)

func (p *plan) putUpstream(u record.Upstream) {
	p.guard(putUpstream, u.ID, p.json(u.Settings), bytesOf(u.Sealed), u.MadeAt, u.Version)
}

func (p *plan) putLink(l record.Link) {
	p.guard(putLink, l.ID, l.Issuer, l.Subject, l.UserID, l.MadeAt, l.UsedAt)
}

const (
	upstreamColumns = `o.id, o.settings, o.sealed, o.made_at, o.version`

	readUpstream = `SELECT ` + upstreamColumns + ` FROM upstreams o WHERE o.id = $1`

	listUpstreams = `SELECT ` + upstreamColumns + ` FROM upstreams o WHERE o.id > $1 ORDER BY o.id LIMIT $2`

	linkColumns = `l.id, l.issuer, l.subject, l.user_id, l.made_at, l.used_at`

	listLinks = `SELECT ` + linkColumns + ` FROM links l WHERE l.user_id = $1 ORDER BY l.id LIMIT $2`

	countLinks = `SELECT count(*) FROM links WHERE issuer = $1`
)

type upstreamRow struct{ upstream record.Upstream }

func (r *upstreamRow) into() []any {
	u := &r.upstream
	return []any{(*text)(&u.ID), packed{&u.Settings}, (*blob)(&u.Sealed), (*number)(&u.MadeAt), (*number)(&u.Version)}
}

func (r *upstreamRow) get() *record.Upstream {
	if r.upstream.ID == "" {
		return nil
	}
	return &r.upstream
}

type linkRow struct{ link record.Link }

func (r *linkRow) into() []any {
	l := &r.link
	return []any{
		(*text)(&l.ID), (*text)(&l.Issuer), (*text)(&l.Subject), (*text)(&l.UserID), (*number)(&l.MadeAt), (*number)(&l.UsedAt),
	}
}

func (r *linkRow) get() *record.Link {
	if r.link.ID == "" {
		return nil
	}
	return &r.link
}

// Upstream reads an upstream by its id.
func (s *Store) Upstream(ctx context.Context, id string) (*record.Upstream, error) {
	return oneOf(ctx, s, readUpstream, []any{id}, new(upstreamRow))
}

// UpstreamList lists upstreams in the order of their ids.
func (s *Store) UpstreamList(ctx context.Context, after string, limit int) ([]record.Upstream, error) {
	return listOf(ctx, s, listUpstreams, []any{after, limit}, func() row[record.Upstream] { return new(upstreamRow) })
}

// LinkList lists the foreign accounts of a user.
func (s *Store) LinkList(ctx context.Context, userID string, limit int) ([]record.Link, error) {
	return listOf(ctx, s, listLinks, []any{userID, limit}, func() row[record.Link] { return new(linkRow) })
}

// LinkCount is how many users have an account of an issuer.
func (s *Store) LinkCount(ctx context.Context, issuer string) (n int64, err error) {
	if err := s.one(ctx, countLinks, []any{issuer}, []any{(*number)(&n)}); err != nil {
		return 0, unavailable("counting links", err)
	}
	return n, nil
}

// ArrivalQuery names the trip that ends, its browser, and once they are known the
// foreign account and its address.
type ArrivalQuery struct {
	Upstream        string
	SpentHash       []byte
	InteractionHash []byte
	BrowserHash     []byte
	CookieHash      []byte
	Issuer, Subject string
	Email           string // canonical
	Counters        []string
}

// ArrivalState loads what the end of a trip to an upstream is decided from.
func (s *Store) ArrivalState(ctx context.Context, q ArrivalQuery) (*record.ArrivalState, error) {
	login, err := s.signInState(ctx, query{"a sign-in by an upstream", readArrivalState, []any{
		probe(q.InteractionHash), q.Issuer, q.Subject, probe(q.BrowserHash), probe(q.CookieHash),
	}}, q.Counters)
	if err != nil {
		return nil, err
	}
	state := &record.ArrivalState{LoginState: *login}
	if state.Upstream, err = s.Upstream(ctx, q.Upstream); err != nil {
		return nil, err
	}
	if state.Spent, err = s.Spent(ctx, q.SpentHash); err != nil || q.Email == "" {
		return state, err
	}
	has, err := s.UserByIdentifier(ctx, record.IdentifierEmail, q.Email)
	if has != nil {
		state.Taken = has.ID
	}
	return state, err
}

// linksOfUser is more than anybody has: there are fewer upstreams.
const linksOfUser = 100

// LinksState loads what an act on the foreign accounts of whoever is signed in is
// decided from.
func (s *Store) LinksState(ctx context.Context, cookieHash []byte) (*record.LinksState, error) {
	account, err := s.SessionState(ctx, cookieHash, nil)
	if err != nil {
		return nil, err
	}
	state := &record.LinksState{SessionState: *account}
	if state.User == nil {
		return state, nil
	}
	if state.Links, err = s.LinkList(ctx, state.User.ID, linksOfUser); err != nil {
		return nil, err
	}
	state.Upstreams, err = s.UpstreamList(ctx, "", linksOfUser)
	return state, err
}
