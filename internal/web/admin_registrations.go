package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

func (a *administration) registrationTokens(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.InitialTokenPage(ctx, query(r, "after"))
	return pageOf(rows, next, wireRegistrationToken), err
}

func (a *administration) createRegistrationToken(ctx context.Context, r *http.Request, in *admin.NewRegistrationToken) (any, error) {
	form := engine.InitialTokenForm{Name: in.Name, TTL: in.TTL, Most: in.Uses}
	return made(ctx, a, r, in, maker[engine.ManagedInitialToken, admin.RegistrationToken]{wireRegistrationToken, func(ctx context.Context) (engine.ManagedInitialToken, error) {
		return a.Engine.CreateInitialToken(ctx, form)
	}})
}

func (a *administration) deleteRegistrationToken(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.DeleteInitialToken(ctx, r.PathValue("id"))
}

func wireRegistrationToken(t engine.ManagedInitialToken) admin.RegistrationToken {
	return admin.RegistrationToken{
		ID: t.ID, Token: t.Token, Name: t.Name, Uses: t.Most, Used: t.Used, CreatedAt: moment(t.MadeAt), EndsAt: moment(t.EndsAt),
	}
}
