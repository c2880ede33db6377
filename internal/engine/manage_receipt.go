package engine

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// mostOfSession bounds what a receipt looks at: grants, and clients told.
const mostOfSession = 1000

// SessionReceipt is a session, ended or not, with what its clients were told of its
// end, and what they can still do.
type SessionReceipt struct {
	ManagedSession
	EndedAt int64 // zero: it has not
	Clients []SessionClient
	More    bool // there are more grants than were looked at
}

// SessionClient is a client that had a token in the session.
type SessionClient struct {
	ID      string
	Name    string           // empty: it is gone
	Told    *record.Delivery // the logout that it is sent; nil: none
	Listens bool             // it names an address for logouts
	// AccessUntil is when the last access token of what has ended runs out; until then
	// an API that follows no revocations may take it. Zero: nothing of it has ended.
	AccessUntil int64
	Living      []ManagedGrant // what it can go on with
}

// SessionReceipt says what became of a session. It is for reading: what it tells
// need not be of one snapshot.
func (e *Engine) SessionReceipt(ctx context.Context, sid string) (SessionReceipt, error) {
	row, err := found(e.store.Session(ctx, sid))
	if err != nil {
		return SessionReceipt{}, refusalOf(err)
	}
	above, err := e.sessionParents(ctx, []record.Session{*row})
	if err != nil {
		return SessionReceipt{}, refusalOf(err)
	}
	parents := above[row.UserID]
	parents.SID, parents.SessionEndedAt = row.ID, row.EndedAt
	parents.SessionIdleUntil, parents.SessionAbsUntil = row.IdleUntil, row.AbsUntil
	r := SessionReceipt{ManagedSession: ManagedSession{Session: *row, Dead: decide.Alive(row.RVS, &parents, e.env().Now)}}
	r.EndedAt = decide.SessionEndedAt(row, &parents, r.Dead != "")
	if err := e.addGrants(ctx, &r); err != nil {
		return SessionReceipt{}, refusalOf(err)
	}
	return r, refusalOf(e.addTold(ctx, &r))
}

// addGrants adds the clients by what they were given in the session.
func (e *Engine) addGrants(ctx context.Context, r *SessionReceipt) error {
	rows, err := e.store.GrantsOfSession(ctx, r.ID, "", mostOfSession)
	if err != nil {
		return err
	}
	r.More = len(rows) == mostOfSession
	for i := range rows {
		st, err := e.store.RefreshState(ctx, rows[i].ID, rows[i].ClientID)
		if err != nil {
			return err
		}
		if st.Grant != nil { // not purged meanwhile
			r.client(st.Grant.ClientID).add(st, r, e.policy, e.env().Now)
		}
	}
	return nil
}

// client gives a client of the session, in the order in which they were found.
func (r *SessionReceipt) client(id string) *SessionClient {
	for i := range r.Clients {
		if r.Clients[i].ID == id {
			return &r.Clients[i]
		}
	}
	r.Clients = append(r.Clients, SessionClient{ID: id})
	return &r.Clients[len(r.Clients)-1]
}

// add says what a grant still gives.
func (c *SessionClient) add(st *record.RefreshState, r *SessionReceipt, policy *decide.Policy, now int64) {
	grant := ManagedGrant{Grant: *st.Grant, Dead: decide.Alive(st.Grant.RVS, &st.Parents, now)}
	if st.Client == nil {
		return // with the client all of it ended
	}
	c.Name, c.Listens = st.Client.Name, st.Client.Settings.BackchannelLogoutURI != ""
	grant.ClientName = c.Name
	grant.Refreshes = grant.Dead == "" && st.Client.Allows(oauth.GrantRefreshToken) && now < min(grant.IdleUntil, grant.AbsUntil)
	if grant.Dead == "" {
		if now < min(grant.IdleUntil, grant.AbsUntil) {
			c.Living = append(c.Living, grant)
		}
		return
	}
	ended := grant.EndedAt
	if ended == 0 {
		ended = r.EndedAt
	}
	if ended == 0 {
		return // by a cut of the client, the consent or a resource, which is not the session's
	}
	var resources []*record.Resource
	for _, resource := range st.Resources {
		resources = append(resources, resource)
	}
	until := min(ended+decide.LongestAccess(st.Client, resources, policy), r.AbsUntil)
	c.AccessUntil = max(c.AccessUntil, until)
}

// addTold adds what the clients were told, also one whose grants are purged.
func (e *Engine) addTold(ctx context.Context, r *SessionReceipt) error {
	told, err := e.store.DeliveriesAbout(ctx, r.ID, mostOfSession)
	for i := range told {
		if told[i].Kind == record.DeliveryLogout {
			r.client(told[i].Receiver).Told = &told[i]
		}
	}
	return err
}
