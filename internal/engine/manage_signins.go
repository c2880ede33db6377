package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// ManagedSession is a session that was not ended, as an administrator sees it.
type ManagedSession struct {
	record.Session
	// Dead is why it can start nothing more; empty: it is alive.
	Dead oauth.Reason
}

// ManagedGrant is a grant that was not ended, as an administrator sees it.
type ManagedGrant struct {
	record.Grant
	ClientName string
	// Dead is why its tokens are refused; empty: it is alive.
	Dead oauth.Reason
	// Refreshes says whether the client can still get tokens from it.
	Refreshes bool
}

// SessionPage lists the sessions of a user that were not ended, or of all users.
// It is for reading: head, user and session need not be of one snapshot.
func (e *Engine) SessionPage(ctx context.Context, userID, after string) (page []ManagedSession, next string, err error) {
	var rows []record.Session
	if userID == "" {
		rows, err = e.store.AllSessions(ctx, after, listPage)
	} else {
		rows, err = e.store.SomeSessions(ctx, userID, after, listPage)
	}
	if err != nil {
		return nil, "", refusalOf(err)
	}
	above, err := e.sessionParents(ctx, rows)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	now := e.env().Now
	for i := range rows {
		s, parents := rows[i], above[rows[i].UserID]
		parents.SID, parents.SessionEndedAt = s.ID, s.EndedAt
		parents.SessionIdleUntil, parents.SessionAbsUntil = s.IdleUntil, s.AbsUntil
		page = append(page, ManagedSession{Session: s, Dead: decide.Alive(s.RVS, &parents, now)})
	}
	if len(rows) == listPage {
		next = rows[listPage-1].ID
	}
	return page, next, nil
}

// sessionParents reads, once for each user, what is above their sessions.
func (e *Engine) sessionParents(ctx context.Context, rows []record.Session) (map[string]record.Parents, error) {
	head, err := e.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	above := map[string]record.Parents{}
	for i := range rows {
		id := rows[i].UserID
		if _, known := above[id]; known {
			continue
		}
		parents := record.Parents{LC: head.LC, AllCut: head.AllCut, UserID: id}
		user, err := e.store.User(ctx, id)
		if err != nil {
			return nil, err
		}
		if user != nil {
			parents.UserStatus, parents.UserCut = user.Status, user.Cut
		}
		above[id] = parents
	}
	return above, nil
}

// GrantPage lists the grants of a user, of a client, or of both, that were not ended.
func (e *Engine) GrantPage(ctx context.Context, userID, clientID, after string) (page []ManagedGrant, next string, err error) {
	rows, err := e.store.GrantList(ctx, userID, clientID, after, listPage)
	if err != nil {
		return nil, "", refusalOf(err)
	}
	now := e.env().Now
	for i := range rows {
		st, err := e.store.RefreshState(ctx, rows[i].ID, rows[i].ClientID)
		if err != nil {
			return nil, "", refusalOf(err)
		}
		if st.Grant == nil {
			continue // purged meanwhile
		}
		grant := ManagedGrant{Grant: *st.Grant, Dead: decide.Alive(st.Grant.RVS, &st.Parents, now)}
		if st.Client != nil {
			grant.ClientName = st.Client.Name
			grant.Refreshes = grant.Dead == "" && st.Client.Allows(oauth.GrantRefreshToken) &&
				now < min(grant.IdleUntil, grant.AbsUntil)
		}
		page = append(page, grant)
	}
	if len(rows) == listPage {
		next = rows[listPage-1].ID
	}
	return page, next, nil
}

// EndSession ends a session and what hangs from it.
func (e *Engine) EndSession(ctx context.Context, sid string) error {
	return actOn(ctx, e,
		func() (*record.Session, error) { return e.store.Session(ctx, sid) },
		func(row *record.Session, env decide.Env) []record.Change {
			return decide.EndSessionByAdmin(row, actorOf(ctx), env)
		})
}

// EndGrant ends a grant and its tokens.
func (e *Engine) EndGrant(ctx context.Context, gid string) error {
	return actOn(ctx, e,
		func() (*record.Grant, error) { return e.store.Grant(ctx, gid) },
		func(row *record.Grant, env decide.Env) []record.Change {
			return decide.EndGrantByAdmin(row, actorOf(ctx), env)
		})
}
