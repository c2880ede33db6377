package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/record"
)

func (a *administration) upstreams(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.UpstreamPage(ctx, query(r, "after"))
	return pageOf(rows, next, wireUpstream), err
}

func (a *administration) createUpstream(ctx context.Context, r *http.Request, in *admin.NewUpstream) (any, error) {
	form := upstreamForm(&in.UpstreamSettings, in.ClientSecret)
	return made(ctx, a, r, in, maker[engine.ManagedUpstream, admin.Upstream]{wireUpstream, func(ctx context.Context) (engine.ManagedUpstream, error) {
		return a.Engine.CreateUpstream(ctx, in.ID, form)
	}})
}

func (a *administration) showUpstream(ctx context.Context, r *http.Request) (any, error) {
	return shown(wireUpstream)(a.Engine.UpstreamByID(ctx, r.PathValue("id")))
}

func (a *administration) updateUpstream(ctx context.Context, r *http.Request, in *admin.UpstreamUpdate) (any, error) {
	return shown(wireUpstream)(a.Engine.UpdateUpstream(ctx, r.PathValue("id"), upstreamForm(&in.UpstreamSettings, in.ClientSecret), in.Version))
}

func (a *administration) deleteUpstream(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.DeleteUpstream(ctx, r.PathValue("id"))
}

func upstreamForm(s *admin.UpstreamSettings, secret string) engine.UpstreamForm {
	return engine.UpstreamForm{Secret: secret, Settings: record.UpstreamSettings(*s)}
}

func wireUpstream(u engine.ManagedUpstream) admin.Upstream {
	return admin.Upstream{
		ID: u.ID, UpstreamSettings: admin.UpstreamSettings(u.Settings), RedirectURI: u.RedirectURI, Linked: u.Linked,
		CreatedAt: moment(u.MadeAt), Version: u.Version,
	}
}
