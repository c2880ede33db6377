package store

import "github.com/mintmark-id/mintmark/internal/record"

// The columns of each row and where they go, in the same order. An alias stands
// for the same table everywhere: u users, e and p their e-mail address and
// phone number, f their password, s sessions, g grants, co consents, c codes,
// i interactions. A row that a LEFT JOIN did not find is nil.

const (
	userColumns = `u.id, u.status, u.claims, u.token_version, u.cut, u.made_at, u.version, u.subs,
	e.value, e.verified_at, p.value, p.verified_at`

	userIdentifiers = `
	LEFT JOIN identifiers e ON e.user_id = u.id AND e.kind = 'email'
	LEFT JOIN identifiers p ON p.user_id = u.id AND p.kind = 'phone'`
)

type userRow struct {
	user         record.User
	email, phone record.Identifier
}

func (r *userRow) into() []any {
	u := &r.user
	return []any{
		(*text)(&u.ID), (*text)(&u.Status), (*blob)(&u.Claims), (*number)(&u.TokenVersion), (*number)(&u.Cut),
		(*number)(&u.MadeAt), (*number)(&u.Version), (*words)(&u.Subs),
		(*text)(&r.email.Value), (*number)(&r.email.VerifiedAt), (*text)(&r.phone.Value), (*number)(&r.phone.VerifiedAt),
	}
}

func (r *userRow) get() *record.User {
	if r.user.ID == "" {
		return nil
	}
	if r.email.Value != "" {
		r.email.Kind, r.email.UserID = record.IdentifierEmail, r.user.ID
		r.user.Email = &r.email
	}
	if r.phone.Value != "" {
		r.phone.Kind, r.phone.UserID = record.IdentifierPhone, r.user.ID
		r.user.Phone = &r.phone
	}
	return &r.user
}

const (
	passwordColumns = `f.id, f.user_id, f.kind, f.data, f.made_at`
	userPassword    = ` LEFT JOIN factors f ON f.user_id = u.id AND f.kind = 'password'`
)

type factorRow struct{ factor record.Factor }

func (r *factorRow) into() []any {
	f := &r.factor
	return []any{(*text)(&f.ID), (*text)(&f.UserID), (*text)(&f.Kind), (*text)(&f.Data), (*number)(&f.MadeAt)}
}

func (r *factorRow) get() *record.Factor {
	if r.factor.ID == "" {
		return nil
	}
	return &r.factor
}

const sessionColumns = `s.id, s.cookie_hash, s.browser_hash, s.user_id, s.proofs, s.auth_time, s.rvs, s.agent,
	s.made_at, s.seen_at, s.idle_until, s.abs_until, s.ended_at`

type sessionRow struct{ session record.Session }

func (r *sessionRow) into() []any {
	s := &r.session
	return []any{
		(*text)(&s.ID), (*blob)(&s.CookieHash), (*blob)(&s.BrowserHash), (*text)(&s.UserID),
		packed{&s.Proofs},
		(*number)(&s.AuthTime), (*number)(&s.RVS), (*text)(&s.Agent), (*number)(&s.MadeAt), (*number)(&s.SeenAt),
		(*number)(&s.IdleUntil), (*number)(&s.AbsUntil), (*number)(&s.EndedAt),
	}
}

func (r *sessionRow) get() *record.Session {
	if r.session.ID == "" {
		return nil
	}
	return &r.session
}

const grantColumns = `g.id, g.user_id, g.client_id, g.sid, g.scope, g.resources, g.auth_time, g.acr, g.amr, g.rvs,
	g.made_at, g.gen, g.rotated_at, g.late_gen, g.late_run, g.jkt, g.idle_until, g.abs_until, g.ended_at,
	g.origin, g.claims, g.x5t`

type grantRow struct{ grant record.Grant }

func (r *grantRow) into() []any {
	g := &r.grant
	return []any{
		(*text)(&g.ID), (*text)(&g.UserID), (*text)(&g.ClientID), (*text)(&g.SID), (*words)(&g.Scope),
		(*words)(&g.Resources), (*number)(&g.Facts.AuthTime), (*text)(&g.Facts.ACR), (*words)(&g.Facts.AMR),
		(*number)(&g.RVS), (*number)(&g.MadeAt), (*number)(&g.Gen), (*number)(&g.RotatedAt),
		(*number)(&g.LateGen), (*number)(&g.LateRun), (*text)(&g.JKT), (*number)(&g.IdleUntil),
		(*number)(&g.AbsUntil), (*number)(&g.EndedAt), (*text)(&g.Origin),
		packed{&g.Claims},
		(*text)(&g.X5T),
	}
}

func (r *grantRow) get() *record.Grant {
	if r.grant.ID == "" {
		return nil
	}
	return &r.grant
}

const consentColumns = `co.user_id, co.client_id, co.scope, co.cut, co.made_at, co.claims, co.face`

type consentRow struct{ consent record.Consent }

func (r *consentRow) into() []any {
	c := &r.consent
	return []any{
		(*text)(&c.UserID), (*text)(&c.ClientID), (*words)(&c.Scope), (*number)(&c.Cut), (*number)(&c.MadeAt),
		(*words)(&c.Claims), (*text)(&c.Face),
	}
}

func (r *consentRow) get() *record.Consent {
	if r.consent.UserID == "" {
		return nil
	}
	return &r.consent
}

const codeColumns = `c.hash, c.client_id, c.user_id, c.sid, c.gid, c.request, c.challenge, c.rvs, c.used_at, c.ends_at`

type codeRow struct{ code record.Code }

func (r *codeRow) into() []any {
	c := &r.code
	return []any{
		(*blob)(&c.Hash), (*text)(&c.ClientID), (*text)(&c.UserID), (*text)(&c.SID), (*text)(&c.GID),
		packed{&c.Request},
		(*text)(&c.Challenge), (*number)(&c.RVS), (*number)(&c.UsedAt), (*number)(&c.EndsAt),
	}
}

func (r *codeRow) get() *record.Code {
	if r.code.Hash == nil {
		return nil
	}
	return &r.code
}

const interactionColumns = `i.id_hash, i.browser_hash, i.request, i.made_at, i.used_at, i.ends_at,
	i.chosen`

type interactionRow struct{ interaction record.Interaction }

func (r *interactionRow) into() []any {
	i := &r.interaction
	return []any{
		(*blob)(&i.IDHash), (*blob)(&i.BrowserHash),
		packed{&i.Request},
		(*number)(&i.MadeAt), (*number)(&i.UsedAt), (*number)(&i.EndsAt),
		(*text)(&i.Chosen),
	}
}

func (r *interactionRow) get() *record.Interaction {
	if r.interaction.IDHash == nil {
		return nil
	}
	return &r.interaction
}
