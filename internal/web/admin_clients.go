package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/record"
)

func (a *administration) clients(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.ClientPage(ctx, query(r, "after"))
	return pageOf(rows, next, a.wireClient), err
}

func (a *administration) createClient(ctx context.Context, r *http.Request, in *admin.NewClient) (any, error) {
	return made(ctx, a, r, in, maker[engine.ManagedClient, admin.RegisteredClient]{a.wireClient, func(ctx context.Context) (engine.ManagedClient, error) {
		return a.Engine.CreateClient(ctx, in.ClientID, clientForm(&in.ClientMetadata))
	}})
}

func (a *administration) showClient(ctx context.Context, r *http.Request) (any, error) {
	return shown(a.wireClient)(a.Engine.ClientByID(ctx, r.PathValue("id")))
}

func (a *administration) updateClient(ctx context.Context, r *http.Request, in *admin.ClientUpdate) (any, error) {
	return shown(a.wireClient)(a.Engine.UpdateClient(ctx, r.PathValue("id"), clientForm(&in.ClientMetadata), in.Version))
}

func (a *administration) rotateSecret(ctx context.Context, r *http.Request, in *admin.Rotation) (any, error) {
	return made(ctx, a, r, in, maker[engine.ManagedClient, admin.RegisteredClient]{a.wireClient, func(ctx context.Context) (engine.ManagedClient, error) {
		return a.Engine.RotateClientSecret(ctx, r.PathValue("id"), in.Keep)
	}})
}

func (a *administration) disableClient(ctx context.Context, r *http.Request) (any, error) {
	if err := a.Engine.DisableClient(ctx, r.PathValue("id")); err != nil {
		return nil, err
	}
	return a.showClient(ctx, r)
}

func (a *administration) enableClient(ctx context.Context, r *http.Request) (any, error) {
	if err := a.Engine.EnableClient(ctx, r.PathValue("id")); err != nil {
		return nil, err
	}
	return a.showClient(ctx, r)
}

func (a *administration) deleteClient(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.DeleteClient(ctx, r.PathValue("id"))
}

// clientForm turns what came over the wire into what the engine knows.
func clientForm(m *admin.ClientMetadata) engine.ClientForm {
	return engine.ClientForm{Name: m.Name, Settings: record.ClientSettings{
		RedirectURIs:            m.RedirectURIs,
		PostLogoutRedirectURIs:  m.PostLogoutRedirectURIs,
		GrantTypes:              m.GrantTypes,
		TokenEndpointAuthMethod: m.TokenEndpointAuthMethod,
		ApplicationType:         m.ApplicationType,
		Scope:                   m.Scope,
		Resources:               m.Resources,
		DefaultResource:         m.DefaultResource,
		TokenProfile:            record.TokenProfile(m.TokenProfile),
		SecurityProfile:         record.SecurityProfile(m.SecurityProfile),
		PKCE:                    record.PKCEMode(m.PKCE),
		ResponseModes:           m.ResponseModes,
		SubjectType:             record.SubjectType(m.SubjectType),
		SectorIdentifierURI:     m.SectorIdentifierURI,
		DefaultMaxAge:           m.DefaultMaxAge,
		RequireAuthTime:         m.RequireAuthTime,
		FirstParty:              m.FirstParty,
		ReadAttributes:          m.ReadAttributes,
		LogoURI:                 m.LogoURI,
		ClientURI:               m.ClientURI,
		PolicyURI:               m.PolicyURI,
		TosURI:                  m.TosURI,
		AccessTTL:               m.AccessTokenTTL,
		IDTTL:                   m.IDTokenTTL,
		RefreshIdleTTL:          m.RefreshIdleTTL,
		RefreshAbsoluteTTL:      m.RefreshAbsoluteTTL,
		RetryWindow:             m.RetryWindow,
		RotateRefresh:           m.RotateRefresh,
		IDTokenSigningAlg:       m.IDTokenSigningAlg,
		UserinfoSigningAlg:      m.UserinfoSigningAlg,
		AccessFormat:            record.AccessFormat(m.AccessTokenFormat),
		InitiateLoginURI:        m.InitiateLoginURI,
		DefaultACRValues:        m.DefaultACRValues,
		Contacts:                m.Contacts,
		SoftwareID:              m.SoftwareID,
		SoftwareVersion:         m.SoftwareVersion,
		Localized:               m.Localized,

		TokenEndpointAuthSigningAlg: m.TokenEndpointAuthSigningAlg,
		JWKS:                        m.JWKS,
		JWKSURI:                     m.JWKSURI,
		TLSSubjectDN:                m.TLSClientAuthSubjectDN,
		TLSDNS:                      m.TLSClientAuthSANDNS,
		TLSURI:                      m.TLSClientAuthSANURI,
		TLSIP:                       m.TLSClientAuthSANIP,
		TLSEmail:                    m.TLSClientAuthSANEmail,
		CertificateBound:            m.CertificateBound,
		RequestURIs:                 m.RequestURIs,
		RequestObjectSigningAlg:     m.RequestObjectSigningAlg,
		RequireSignedRequestObject:  m.RequireSignedRequestObject,

		BackchannelLogoutURI:             m.BackchannelLogoutURI,
		BackchannelLogoutSessionRequired: m.BackchannelLogoutSessionRequired,
	}}
}

func (a *administration) wireClient(c engine.ManagedClient) admin.RegisteredClient {
	wire := admin.RegisteredClient{
		ClientID:       c.ID,
		ClientSecret:   c.Secret,
		ClientMetadata: clientMetadata(c.Name, &c.Settings),
		Enabled:        c.Enabled,
		CreatedAt:      moment(c.MadeAt),
		Version:        c.Version,
		Warnings:       c.Warnings,
	}
	if came := c.Registration; came != nil {
		wire.Registration = &admin.Registration{By: came.By, Managed: len(came.TokenHash) > 0, ForgottenAt: moment(came.EndsAt)}
	}
	now := a.Engine.Now().UnixMilli()
	for _, s := range c.Secrets {
		if s.EndsAt == 0 || now < s.EndsAt {
			wire.Secrets = append(wire.Secrets, admin.ClientSecret{CreatedAt: moment(s.MadeAt), EndsAt: moment(s.EndsAt)})
		}
	}
	return wire
}

func clientMetadata(name string, s *record.ClientSettings) admin.ClientMetadata {
	return admin.ClientMetadata{
		Name:                    name,
		RedirectURIs:            s.RedirectURIs,
		PostLogoutRedirectURIs:  s.PostLogoutRedirectURIs,
		GrantTypes:              s.GrantTypes,
		TokenEndpointAuthMethod: s.TokenEndpointAuthMethod,
		ApplicationType:         s.ApplicationType,
		Scope:                   s.Scope,
		Resources:               s.Resources,
		DefaultResource:         s.DefaultResource,
		TokenProfile:            string(s.TokenProfile),
		SecurityProfile:         string(s.SecurityProfile),
		PKCE:                    string(s.PKCE),
		ResponseModes:           s.ResponseModes,
		SubjectType:             string(s.SubjectType),
		SectorIdentifierURI:     s.SectorIdentifierURI,
		DefaultMaxAge:           s.DefaultMaxAge,
		RequireAuthTime:         s.RequireAuthTime,
		FirstParty:              s.FirstParty,
		ReadAttributes:          s.ReadAttributes,
		LogoURI:                 s.LogoURI,
		ClientURI:               s.ClientURI,
		PolicyURI:               s.PolicyURI,
		TosURI:                  s.TosURI,
		AccessTokenTTL:          s.AccessTTL,
		IDTokenTTL:              s.IDTTL,
		RefreshIdleTTL:          s.RefreshIdleTTL,
		RefreshAbsoluteTTL:      s.RefreshAbsoluteTTL,
		RetryWindow:             s.RetryWindow,
		RotateRefresh:           s.RotateRefresh,
		IDTokenSigningAlg:       s.IDTokenSigningAlg,
		UserinfoSigningAlg:      s.UserinfoSigningAlg,
		AccessTokenFormat:       string(s.AccessFormat),
		InitiateLoginURI:        s.InitiateLoginURI,
		DefaultACRValues:        s.DefaultACRValues,
		Contacts:                s.Contacts,
		SoftwareID:              s.SoftwareID,
		SoftwareVersion:         s.SoftwareVersion,
		Localized:               s.Localized,

		TokenEndpointAuthSigningAlg: s.TokenEndpointAuthSigningAlg,
		JWKS:                        s.JWKS,
		JWKSURI:                     s.JWKSURI,
		TLSClientAuthSubjectDN:      s.TLSSubjectDN,
		TLSClientAuthSANDNS:         s.TLSDNS,
		TLSClientAuthSANURI:         s.TLSURI,
		TLSClientAuthSANIP:          s.TLSIP,
		TLSClientAuthSANEmail:       s.TLSEmail,
		CertificateBound:            s.CertificateBound,
		RequestURIs:                 s.RequestURIs,
		RequestObjectSigningAlg:     s.RequestObjectSigningAlg,
		RequireSignedRequestObject:  s.RequireSignedRequestObject,

		BackchannelLogoutURI:             s.BackchannelLogoutURI,
		BackchannelLogoutSessionRequired: s.BackchannelLogoutSessionRequired,
	}
}
