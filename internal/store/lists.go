package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
)

// Long lists go in the order of their ids and continue after the last id that was
// seen (empty: from the start). What is read by id is nil when it is not there.

// row is what rows.go has one of for each table.
type row[R any] interface {
	into() []any
	get() *R
}

// listOf reads rows with a fresh destination for each.
func listOf[R any](ctx context.Context, s *Store, query string, args []any, fresh func() row[R]) ([]R, error) {
	var list []R
	err := s.each(ctx, query, args, func(rows *sql.Rows) error {
		r := fresh()
		if err := rows.Scan(r.into()...); err != nil {
			return err
		}
		if found := r.get(); found != nil {
			list = append(list, *found)
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("reading a list", err)
	}
	return list, nil
}

func oneOf[R any](ctx context.Context, s *Store, query string, args []any, r row[R]) (*R, error) {
	if err := s.one(ctx, query, args, r.into()); err != nil {
		return nil, unavailable("reading a row", err)
	}
	return r.get(), nil
}

const (
	readUser = `SELECT ` + userColumns + ` FROM users u` + userIdentifiers + ` WHERE u.id = $1`

	listUsers = `SELECT ` + userColumns + ` FROM users u` + userIdentifiers + ` WHERE u.id > $1 ORDER BY u.id LIMIT $2`

	readUserByIdentifier = `SELECT ` + userColumns + ` FROM identifiers n JOIN users u ON u.id = n.user_id` +
		userIdentifiers + ` WHERE n.kind = $1 AND n.value = $2`

	// Whoever opens the setup page has them counted.
	countUsers = `SELECT count(*) FROM (SELECT id FROM users LIMIT 1000) u`
)

// User reads a user by id.
func (s *Store) User(ctx context.Context, id string) (*record.User, error) {
	return oneOf(ctx, s, readUser, []any{id}, new(userRow))
}

// UserByIdentifier reads the user who has an identifier in canonical form.
func (s *Store) UserByIdentifier(ctx context.Context, kind, value string) (*record.User, error) {
	return oneOf(ctx, s, readUserByIdentifier, []any{kind, value}, new(userRow))
}

// UserList lists users.
func (s *Store) UserList(ctx context.Context, after string, limit int) ([]record.User, error) {
	return listOf(ctx, s, listUsers, []any{after, limit}, func() row[record.User] { return new(userRow) })
}

const readSignUp = `SELECT EXISTS (SELECT 1 FROM sign_ups WHERE user_id = $1)`

// SignedUp reports whether a user made the account and nobody has seen yet that
// the address is theirs.
func (s *Store) SignedUp(ctx context.Context, userID string) (bool, error) {
	var found flag
	err := s.one(ctx, readSignUp, []any{userID}, []any{&found})
	if err != nil {
		return false, unavailable("reading a sign-up", err)
	}
	return bool(found), nil
}

// UserCount counts the users, up to a thousand; a server without any is still to be
// set up.
func (s *Store) UserCount(ctx context.Context) (int64, error) {
	var n int64
	if err := s.one(ctx, countUsers, nil, []any{&n}); err != nil {
		return 0, unavailable("counting users", err)
	}
	return n, nil
}

const (
	readSession = `SELECT ` + sessionColumns + ` FROM sessions s WHERE s.id = $1`

	listSessions = `SELECT ` + sessionColumns + ` FROM sessions s
	WHERE s.user_id = $1 AND s.ended_at = 0 ORDER BY s.id`

	listSomeSessions = `SELECT ` + sessionColumns + ` FROM sessions s
	WHERE s.user_id = $1 AND s.id > $2 AND s.ended_at = 0 ORDER BY s.id LIMIT $3`

	listAllSessions = `SELECT ` + sessionColumns + ` FROM sessions s
	WHERE s.id > $1 AND s.ended_at = 0 ORDER BY s.id LIMIT $2`
)

// Session reads a session by its sid, ended or not.
func (s *Store) Session(ctx context.Context, sid string) (*record.Session, error) {
	return oneOf(ctx, s, readSession, []any{sid}, new(sessionRow))
}

// SessionList lists the sessions of a user that were not ended. Whether each is
// alive is for decide to say.
func (s *Store) SessionList(ctx context.Context, userID string) ([]record.Session, error) {
	return listOf(ctx, s, listSessions, []any{userID}, freshSession)
}

// SomeSessions is SessionList a part at a time.
func (s *Store) SomeSessions(ctx context.Context, userID, after string, limit int) ([]record.Session, error) {
	return listOf(ctx, s, listSomeSessions, []any{userID, after, limit}, freshSession)
}

// AllSessions is SomeSessions for every user.
func (s *Store) AllSessions(ctx context.Context, after string, limit int) ([]record.Session, error) {
	return listOf(ctx, s, listAllSessions, []any{after, limit}, freshSession)
}

func freshSession() row[record.Session] { return new(sessionRow) }

const (
	readGrant = `SELECT ` + grantColumns + ` FROM grants g WHERE g.id = $1`

	listGrants         = `SELECT ` + grantColumns + ` FROM grants g WHERE `
	grantsOfUser       = `g.user_id = $1 AND g.id > $2 AND g.ended_at = 0 ORDER BY g.id LIMIT $3`
	grantsOfClient     = `g.client_id = $1 AND g.id > $2 AND g.ended_at = 0 ORDER BY g.id LIMIT $3`
	grantsOfUserClient = `g.user_id = $1 AND g.id > $2 AND g.ended_at = 0 AND g.client_id = $4 ORDER BY g.id LIMIT $3`
	grantsOfAll        = `g.id > $1 AND g.ended_at = 0 ORDER BY g.id LIMIT $2`
)

// Grant reads a grant by its gid, ended or not.
func (s *Store) Grant(ctx context.Context, gid string) (*record.Grant, error) {
	return oneOf(ctx, s, readGrant, []any{gid}, new(grantRow))
}

// GrantList lists the grants that were not ended, of a user, of a client, of
// both or (empty) of all. Whether each is alive is for decide to say.
func (s *Store) GrantList(ctx context.Context, userID, clientID, after string, limit int) ([]record.Grant, error) {
	fresh := func() row[record.Grant] { return new(grantRow) }
	switch {
	case userID != "" && clientID != "":
		return listOf(ctx, s, listGrants+grantsOfUserClient, []any{userID, after, limit, clientID}, fresh)
	case userID != "":
		return listOf(ctx, s, listGrants+grantsOfUser, []any{userID, after, limit}, fresh)
	case clientID != "":
		return listOf(ctx, s, listGrants+grantsOfClient, []any{clientID, after, limit}, fresh)
	}
	return listOf(ctx, s, listGrants+grantsOfAll, []any{after, limit}, fresh)
}

const listConsents = `SELECT ` + consentColumns + ` FROM consents co WHERE co.user_id = $1 ORDER BY co.client_id`

// ConsentList lists what a user lets clients do, in the order of the clients'
// ids. A consent that was taken back has no scope.
func (s *Store) ConsentList(ctx context.Context, userID string) ([]record.Consent, error) {
	return listOf(ctx, s, listConsents, []any{userID}, func() row[record.Consent] { return new(consentRow) })
}

const listClientIDs = `SELECT id FROM clients WHERE id > $1 ORDER BY id LIMIT $2`

// Client reads a client with its secrets.
func (s *Store) Client(ctx context.Context, id string) (*record.Client, error) {
	return s.client(ctx, id)
}

// ClientList lists clients with their secrets.
func (s *Store) ClientList(ctx context.Context, after string, limit int) ([]*record.Client, error) {
	return eachByID(ctx, s, listClientIDs, []any{after, limit}, s.client)
}

const listAudiences = `SELECT aud FROM resources WHERE aud > $1 ORDER BY aud LIMIT $2`

// Resource reads a resource by its audience.
func (s *Store) Resource(ctx context.Context, aud string) (*record.Resource, error) {
	return s.resource(ctx, aud)
}

// ResourceList lists resources in the order of their audiences.
func (s *Store) ResourceList(ctx context.Context, after string, limit int) ([]*record.Resource, error) {
	return eachByID(ctx, s, listAudiences, []any{after, limit}, s.resource)
}

// eachByID lists rows of the cache by the ids that a query gives.
func eachByID[R any](
	ctx context.Context, s *Store, query string, args []any, get func(context.Context, string) (*R, error),
) ([]*R, error) {
	var ids []string
	err := s.each(ctx, query, args, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, unavailable("reading a list", err)
	}
	list := make([]*R, len(ids))
	for i, id := range ids {
		if list[i], err = get(ctx, id); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(list, func(r *R) bool { return r == nil }), nil // deleted meanwhile
}

const readKeys = `SELECT kid, alg, use, status, public_jwk, sealed, made_at, signs_from, published_until
	FROM signing_keys ORDER BY made_at, kid`

// Keys reads all signing keys, oldest first.
func (s *Store) Keys(ctx context.Context) ([]record.SigningKey, error) {
	var keys []record.SigningKey
	err := s.each(ctx, readKeys, nil, func(rows *sql.Rows) error {
		var k record.SigningKey
		err := rows.Scan((*text)(&k.KID), (*text)(&k.Alg), (*text)(&k.Use), (*text)(&k.Status), (*blob)(&k.PublicJWK),
			(*blob)(&k.Sealed), (*number)(&k.MadeAt), (*number)(&k.SignsFrom), (*number)(&k.PublishedUntil))
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, unavailable("reading keys", err)
	}
	return keys, nil
}

const readRoots = `SELECT key_id, use, sealed, made_at FROM roots ORDER BY key_id`

// Roots reads all sealed roots in the order of their key ids.
func (s *Store) Roots(ctx context.Context) ([]record.SealedRoot, error) {
	var roots []record.SealedRoot
	err := s.each(ctx, readRoots, nil, func(rows *sql.Rows) error {
		var r record.SealedRoot
		err := rows.Scan((*number)(&r.KeyID), (*text)(&r.Use), (*blob)(&r.Sealed), (*number)(&r.MadeAt))
		roots = append(roots, r)
		return err
	})
	if err != nil {
		return nil, unavailable("reading roots", err)
	}
	return roots, nil
}

const (
	auditColumns = `SELECT id, at, event, actor, user_id, client_id, gid, n, detail FROM audit`

	firstAudit = auditColumns + ` ORDER BY id DESC LIMIT $1`

	nextAudit = auditColumns + ` WHERE id < $1 ORDER BY id DESC LIMIT $2`
)

// AuditList lists the audit trail, newest first, on from the id of the last one
// seen: the ids are in the order of time.
func (s *Store) AuditList(ctx context.Context, after string, limit int) ([]record.AuditEntry, error) {
	query, args := firstAudit, []any{limit}
	if after != "" {
		query, args = nextAudit, []any{after, limit}
	}
	var list []record.AuditEntry
	err := s.each(ctx, query, args, func(rows *sql.Rows) error {
		var a record.AuditEntry
		err := rows.Scan((*text)(&a.ID), (*number)(&a.At), (*text)(&a.Event), (*text)(&a.Actor),
			(*text)(&a.UserID), (*text)(&a.ClientID), (*text)(&a.GID), (*number)(&a.N), (*text)(&a.Detail))
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, unavailable("reading the audit trail", err)
	}
	return list, nil
}
