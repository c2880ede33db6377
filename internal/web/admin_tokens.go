package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

func (a *administration) adminTokens(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.AdminTokenPage(ctx, query(r, "after"))
	return pageOf(rows, next, wireAdminToken), err
}

func (a *administration) createAdminToken(ctx context.Context, r *http.Request, in *admin.NewAdminToken) (any, error) {
	form := engine.AdminTokenForm{Name: in.Name, Scopes: in.Scopes, TTL: in.TTL}
	return made(ctx, a, r, in, maker[engine.ManagedAdminToken, admin.AdminToken]{wireAdminToken, func(ctx context.Context) (engine.ManagedAdminToken, error) {
		return a.Engine.CreateAdminToken(ctx, form)
	}})
}

func (a *administration) deleteAdminToken(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.DeleteAdminToken(ctx, r.PathValue("name"))
}

func wireAdminToken(t engine.ManagedAdminToken) admin.AdminToken {
	return admin.AdminToken{
		Name: t.Name, Token: t.Token, Scopes: t.Scopes, CreatedAt: moment(t.MadeAt), EndsAt: moment(t.EndsAt), UsedAt: moment(t.UsedAt),
	}
}
