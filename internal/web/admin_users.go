package web

import (
	"context"
	"net/http"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
)

func (a *administration) users(ctx context.Context, r *http.Request) (any, error) {
	rows, next, err := a.Engine.UserPage(ctx, query(r, "email"), query(r, "after"))
	return pageOf(rows, next, wireUser), err
}

func (a *administration) createUser(ctx context.Context, r *http.Request, in *admin.NewUser) (any, error) {
	return made(ctx, a, r, in, maker[engine.ManagedUser, admin.User]{wireUser, func(ctx context.Context) (engine.ManagedUser, error) {
		return a.Engine.CreateUser(ctx, profileForm(&in.UserProfile), in.Password)
	}})
}

func (a *administration) showUser(ctx context.Context, r *http.Request) (any, error) {
	user, err := a.Engine.UserByID(ctx, r.PathValue("sub"))
	if err != nil {
		return nil, err
	}
	links, err := a.Engine.UserLinks(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	wire := wireUser(user)
	for _, l := range links {
		wire.Links = append(wire.Links, admin.Link{ID: l.ID, Issuer: l.Issuer, Subject: l.Subject, CreatedAt: moment(l.MadeAt), UsedAt: moment(l.UsedAt)})
	}
	return wire, nil
}

func (a *administration) unlinkUser(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.UnlinkUser(ctx, r.PathValue("sub"), r.PathValue("id"))
}

func (a *administration) updateUser(ctx context.Context, r *http.Request, in *admin.UserUpdate) (any, error) {
	return shown(wireUser)(a.Engine.UpdateUser(ctx, r.PathValue("sub"), profileForm(&in.UserProfile), in.Version))
}

func (a *administration) setPassword(ctx context.Context, r *http.Request, in *admin.NewPassword) (any, error) {
	return made(ctx, a, r, in, maker[engine.ManagedUser, admin.User]{wireUser, func(ctx context.Context) (engine.ManagedUser, error) {
		return a.Engine.SetPassword(ctx, r.PathValue("sub"), in.Password)
	}})
}

func (a *administration) disableUser(ctx context.Context, r *http.Request) (any, error) {
	if err := a.Engine.DisableUser(ctx, r.PathValue("sub")); err != nil {
		return nil, err
	}
	return a.showUser(ctx, r)
}

func (a *administration) enableUser(ctx context.Context, r *http.Request) (any, error) {
	if err := a.Engine.EnableUser(ctx, r.PathValue("sub")); err != nil {
		return nil, err
	}
	return a.showUser(ctx, r)
}

func (a *administration) deleteUser(ctx context.Context, r *http.Request) (any, error) {
	return nil, a.Engine.DeleteUser(ctx, r.PathValue("sub"))
}

func profileForm(p *admin.UserProfile) engine.Profile {
	return engine.Profile{
		Email:         p.Email,
		EmailVerified: p.EmailVerified,
		Phone:         p.PhoneNumber,
		PhoneVerified: p.PhoneNumberVerified,
		Claims: engine.Claims{
			Name:              p.Name,
			GivenName:         p.GivenName,
			FamilyName:        p.FamilyName,
			MiddleName:        p.MiddleName,
			Nickname:          p.Nickname,
			PreferredUsername: p.PreferredUsername,
			Profile:           p.Profile,
			Picture:           p.Picture,
			Website:           p.Website,
			Gender:            p.Gender,
			Birthdate:         p.Birthdate,
			Zoneinfo:          p.Zoneinfo,
			Locale:            p.Locale,
			Address:           (*engine.Address)(p.Address),
		},
	}
}

func wireUser(u engine.ManagedUser) admin.User {
	c := &u.Claims
	wire := admin.User{
		Sub:      u.ID,
		Password: u.Password,
		Status:   string(u.Status),
		UserProfile: admin.UserProfile{
			Name:              c.Name,
			GivenName:         c.GivenName,
			FamilyName:        c.FamilyName,
			MiddleName:        c.MiddleName,
			Nickname:          c.Nickname,
			PreferredUsername: c.PreferredUsername,
			Profile:           c.Profile,
			Picture:           c.Picture,
			Website:           c.Website,
			Gender:            c.Gender,
			Birthdate:         c.Birthdate,
			Zoneinfo:          c.Zoneinfo,
			Locale:            c.Locale,
			Address:           (*admin.Address)(c.Address),
		},
		CreatedAt: moment(u.MadeAt),
		Version:   u.Version,
	}
	if u.Email != nil {
		wire.Email, wire.EmailVerified = u.Email.Value, u.Email.VerifiedAt != 0
	}
	if u.Phone != nil {
		wire.PhoneNumber, wire.PhoneNumberVerified = u.Phone.Value, u.Phone.VerifiedAt != 0
	}
	return wire
}
