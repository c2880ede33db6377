package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/record"
)

func (a *administration) sessions(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.SessionPage(ctx, query(r, "user"), query(r, "after"))
	return pageOf(rows, next, wireSession), err
}

func (a *administration) showSession(ctx context.Context, r *http.Request) (any, error) {
	return shown(wireReceipt)(a.Engine.SessionReceipt(ctx, r.PathValue("sid")))
}

func (a *administration) endSession(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.EndSession(ctx, r.PathValue("sid"))
}

func (a *administration) grants(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.GrantPage(ctx, query(r, "user"), query(r, "client"), query(r, "after"))
	return pageOf(rows, next, wireGrant), err
}

func (a *administration) endGrant(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.EndGrant(ctx, r.PathValue("gid"))
}

func (a *administration) keys(ctx context.Context, r *http.Request) (any, error) {
	keys, err := a.Engine.SigningKeys(ctx)
	keys, next := pageAfter(keys, query(r, "after"), func(k record.SigningKey) string { return fmt.Sprintf("%016d.%s", k.MadeAt, k.KID) })
	return pageOf(keys, next, wireKey), err
}

func (a *administration) rotateKeys(ctx context.Context, r *http.Request, in *admin.KeyRotation) (any, error) {
	if err := a.Engine.RotateKeys(ctx, in.Emergency); err != nil {
		return nil, err
	}
	return a.keys(ctx, r)
}

func wireSession(s engine.ManagedSession) admin.Session {
	wire := admin.Session{
		SID:         s.ID,
		Sub:         s.UserID,
		Agent:       s.Agent,
		SignedInAt:  moment(s.AuthTime),
		SeenAt:      moment(s.SeenAt),
		Alive:       s.Dead == "",
		Why:         string(s.Dead),
		Until:       moment(min(s.IdleUntil, s.AbsUntil)),
		GrantsUntil: moment(s.AbsUntil),
	}
	for _, proof := range s.Proofs {
		wire.Factors = append(wire.Factors, proof.Factor)
	}
	return wire
}

func wireReceipt(r engine.SessionReceipt) admin.SessionReceipt {
	wire := admin.SessionReceipt{
		Session: wireSession(r.ManagedSession), EndedAt: moment(r.EndedAt), Clients: []admin.SessionClient{}, More: r.More,
	}
	for _, c := range r.Clients {
		wire.Clients = append(wire.Clients, wireSessionClient(c))
	}
	return wire
}

func wireSessionClient(c engine.SessionClient) admin.SessionClient {
	wire := admin.SessionClient{
		ClientID: c.ID, ClientName: c.Name, Logout: admin.LogoutNone, AccessUntil: moment(c.AccessUntil),
	}
	for _, grant := range c.Living {
		wire.Grants = append(wire.Grants, wireGrant(grant))
	}
	told := c.Told
	if told == nil {
		return wire
	}
	wire.Attempts, wire.Answer, wire.EndedAt = told.Tries, told.Answer, moment(told.DoneAt)
	switch told.Outcome {
	case record.Delivered:
		wire.Logout = admin.LogoutAcknowledged
	case record.GivenUp:
		wire.Logout = admin.LogoutGivenUp
	case record.Withdrawn:
		wire.Logout = admin.LogoutWithdrawn
	default:
		wire.Logout, wire.NextAttempt = admin.LogoutWaiting, moment(told.DueAt)
		if told.Answer != "" {
			wire.Logout = admin.LogoutRetrying
		}
	}
	return wire
}

func wireGrant(g engine.ManagedGrant) admin.Grant {
	wire := admin.Grant{
		GID:        g.ID,
		Sub:        g.UserID,
		ClientID:   g.ClientID,
		ClientName: g.ClientName,
		SID:        g.SID,
		Scope:      strings.Join(g.Scope, " "),
		Resources:  g.Resources,
		Offline:    g.Offline(),
		CreatedAt:  moment(g.MadeAt),
		Generation: g.Gen,
		Alive:      g.Dead == "",
		Why:        string(g.Dead),
		Refreshes:  g.Refreshes,
		Until:      moment(min(g.IdleUntil, g.AbsUntil)),
	}
	if g.Gen > 0 {
		wire.RefreshedAt = moment(g.RotatedAt)
	}
	return wire
}

func wireKey(k record.SigningKey) admin.Key {
	return admin.Key{
		KID:            k.KID,
		Alg:            k.Alg,
		Status:         string(k.Status),
		Use:            k.Use,
		CreatedAt:      moment(k.MadeAt),
		SignsFrom:      moment(k.SignsFrom),
		PublishedUntil: moment(k.PublishedUntil),
	}
}
