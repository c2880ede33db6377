package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/record"
)

func (a *administration) resources(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.ResourcePage(ctx, query(r, "after"))
	return pageOf(rows, next, wireResource), err
}

func (a *administration) createResource(ctx context.Context, r *http.Request, in *admin.NewResource) (any, error) {
	return made(ctx, a, r, in, maker[*record.Resource, admin.Resource]{wireResource, func(ctx context.Context) (*record.Resource, error) {
		return a.Engine.CreateResource(ctx, in.Audience, resourceSettings(&in.ResourceSettings))
	}})
}

func (a *administration) showResource(ctx context.Context, r *http.Request) (any, error) {
	return shown(wireResource)(a.Engine.ResourceByAudience(ctx, r.PathValue("aud")))
}

func (a *administration) updateResource(ctx context.Context, r *http.Request, in *admin.ResourceUpdate) (any, error) {
	settings := resourceSettings(&in.ResourceSettings)
	return shown(wireResource)(a.Engine.UpdateResource(ctx, r.PathValue("aud"), settings, in.Version))
}

func (a *administration) deleteResource(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.DeleteResource(ctx, r.PathValue("aud"))
}

func resourceSettings(s *admin.ResourceSettings) record.ResourceSettings {
	return record.ResourceSettings{
		Name: s.Name, Scopes: s.Scopes, AccessTTL: s.AccessTokenTTL, Alg: s.Alg,
		AccessFormat: record.AccessFormat(s.AccessTokenFormat),
	}
}

func wireResource(row *record.Resource) admin.Resource {
	s := &row.Settings
	return admin.Resource{
		Audience: row.Aud,
		ResourceSettings: admin.ResourceSettings{
			Name: s.Name, Scopes: s.Scopes, AccessTokenTTL: s.AccessTTL, Alg: s.Alg, AccessTokenFormat: string(s.AccessFormat),
		},
		Version: row.Version,
	}
}
