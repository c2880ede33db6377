package store

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
)

// Every insert says ON CONFLICT DO NOTHING, so that an id that is taken is a
// guard without a row like any other and leaves the transaction usable. What
// must have a parent names it in its WHERE, and says that it is held: on PostgreSQL
// nobody else can end the parent before the child is committed (tokens.md I3). Where it
// must only not be deleted it is kept.
//
// What is found by its id says ended_at < 1 of what has not ended, which is no less
// true of zero, and client_id in a CASE: no other index may look as good. PostgreSQL
// plans a statement once, and on an empty table all indexes cost the same.

const (
	putInteraction = `INSERT INTO interactions
	(id_hash, browser_hash, client_id, request, made_at, used_at, ends_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

	chooseAccount = `UPDATE interactions SET chosen = $1 WHERE id_hash = $2 AND used_at = 0`

	useInteraction = `UPDATE interactions SET used_at = $1 WHERE id_hash = $2 AND used_at = 0`
)

func (p *plan) putInteraction(i record.Interaction) {
	p.guard(putInteraction, bytesOf(i.IDHash), bytesOf(i.BrowserHash), i.Request.ClientID, p.json(i.Request),
		i.MadeAt, i.UsedAt, i.EndsAt)
}

const (
	putSession = `INSERT INTO sessions (id, cookie_hash, browser_hash, user_id, proofs, auth_time, rvs, agent,
	made_at, seen_at, idle_until, abs_until, ended_at)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
	WHERE $14 = '' OR EXISTS (SELECT 1 FROM factors f JOIN users u ON u.id = f.user_id
		WHERE f.id = $14 AND u.status = 'active' /*held*/)
	ON CONFLICT DO NOTHING`

	renewSession = `UPDATE sessions
	SET cookie_hash = $1, proofs = $2, auth_time = $3, rvs = CASE WHEN rvs > $4 THEN rvs ELSE $4 END,
	seen_at = $5, idle_until = $6
	WHERE id = $7 AND cookie_hash = $8 AND ended_at < 1
	AND ($9 = '' OR EXISTS (SELECT 1 FROM factors f JOIN users u ON u.id = f.user_id
		WHERE f.id = $9 AND u.status = 'active' /*held*/))`

	seeSession = `UPDATE sessions SET seen_at = $1, idle_until = $2 WHERE id = $3 AND ended_at < 1`

	endSession = `UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ended_at < 1`

	// A session that was cut after the decision read it stays cut.
	markSession = `UPDATE sessions SET rvs = $1 WHERE id = $2 AND ended_at = 0
	AND rvs >= (SELECT all_cut FROM revlog_head WHERE one = 1)
	AND rvs >= (SELECT cut FROM users WHERE id = sessions.user_id)`

	// Only what was alive is lifted: an app that the user removed stays removed.
	// The LIKE may take a % or _ of an audience for any character, and then leaves
	// a grant behind that might have been lifted.
	markGrants = `UPDATE grants SET rvs = $1
	WHERE id IN (SELECT id FROM grants WHERE origin = $2 AND origin <> '' AND sid <> '' AND ended_at = 0 ORDER BY id /*in order*/)
	AND rvs >= (SELECT all_cut FROM revlog_head WHERE one = 1)
	AND rvs >= (SELECT cut FROM users WHERE id = grants.user_id)
	AND rvs >= (SELECT cut FROM clients WHERE id = grants.client_id)
	AND NOT EXISTS (SELECT 1 FROM consents
		WHERE user_id = grants.user_id AND client_id = grants.client_id AND cut > grants.rvs)
	AND NOT EXISTS (SELECT 1 FROM resources
		WHERE cut > grants.rvs AND ' ' || grants.resources || ' ' LIKE '% ' || aud || ' %')`
)

func (p *plan) putSession(s record.Session, factorID string) {
	p.guard(putSession, s.ID, bytesOf(s.CookieHash), bytesOf(s.BrowserHash), s.UserID, p.json(s.Proofs), s.AuthTime,
		s.RVS, s.Agent, s.MadeAt, s.SeenAt, s.IdleUntil, s.AbsUntil, s.EndedAt, factorID)
}

func (p *plan) renewSession(c record.RenewSession) {
	p.changesSession(c.ID)
	p.guard(renewSession, bytesOf(c.CookieHash), p.json(c.Proofs), c.AuthTime, c.RVS, c.SeenAt, c.IdleUntil,
		c.ID, bytesOf(c.OldCookieHash), c.FactorID)
}

// onSession is a statement about a session that depends on nothing else.
func (p *plan) onSession(sid, text string, args ...any) {
	p.changesSession(sid)
	p.do(text, args...)
}

// markSession comes before every cut of the plan, wherever the plan has it: what
// is alive is asked of the state before.
func (p *plan) markSession(sid string) {
	p.clocked = true
	p.changesSession(sid)
	p.before += 2
	p.steps = slices.Insert(p.steps, 0,
		step{text: markSession, args: []any{planClock{}, sid}, guard: true},
		step{text: markGrants, args: []any{planClock{}, sid}})
}

const (
	putConsent = `INSERT INTO consents (user_id, client_id, scope, claims, face, cut, made_at)
	SELECT $1, $2, $3, $4, $5, $6, $7
	WHERE EXISTS (SELECT 1 FROM users WHERE id = $1 /*kept*/) AND EXISTS (SELECT 1 FROM clients WHERE id = $2 /*kept*/)
	ON CONFLICT (user_id, client_id) DO UPDATE SET
		scope = excluded.scope, claims = excluded.claims, face = excluded.face, made_at = excluded.made_at`

	cutConsent = `INSERT INTO consents (user_id, client_id, scope, cut, made_at)
	SELECT $1, $2, '', $3, $4
	WHERE EXISTS (SELECT 1 FROM users WHERE id = $1 /*kept*/) AND EXISTS (SELECT 1 FROM clients WHERE id = $2 /*kept*/)
	ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, claims = '', cut = excluded.cut`
)

func (p *plan) putConsent(c record.Consent) {
	p.wide = true
	p.guard(putConsent, c.UserID, c.ClientID, p.words(c.Scope), p.words(c.Claims), c.Face, c.Cut, c.MadeAt)
}

func (p *plan) cutConsent(c record.CutConsent) {
	p.wide = true
	p.guard(cutConsent, c.UserID, c.ClientID, planClock{}, c.At)
}

const (
	putCode = `INSERT INTO codes (hash, client_id, user_id, sid, gid, request, challenge, rvs, used_at, ends_at)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
	WHERE EXISTS (SELECT 1 FROM sessions WHERE id = $4 AND ended_at < 1 /*held*/)
	ON CONFLICT DO NOTHING`

	useCode = `UPDATE codes SET used_at = $1 WHERE hash = $2 AND used_at = 0 AND CASE client_id WHEN $3 THEN 1 ELSE 0 END = 1`
)

func (p *plan) putCode(c record.Code) {
	p.holdsSession(c.SID)
	p.guard(putCode, bytesOf(c.Hash), c.ClientID, c.UserID, c.SID, c.GID, p.json(c.Request), c.Challenge,
		c.RVS, c.UsedAt, c.EndsAt)
}

const (
	putGrant = `INSERT INTO grants (id, user_id, client_id, sid, scope, resources, auth_time, acr, amr, rvs,
	made_at, gen, rotated_at, late_gen, late_run, jkt, idle_until, abs_until, ended_at, origin, claims, x5t)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22
	WHERE $23 = '' OR EXISTS (SELECT 1 FROM sessions WHERE id = $23 AND ended_at < 1 /*held*/)
	ON CONFLICT DO NOTHING`

	rotateGrant = `UPDATE grants SET gen = gen + 1, rotated_at = $1, idle_until = $2
	WHERE id = $3 AND gen = $4 AND ended_at < 1`

	noteLate = `UPDATE grants SET late_gen = $1, late_run = $2
	WHERE id = $3 AND gen = $4 AND late_gen = $5 AND late_run = $6 AND ended_at < 1`

	touchGrant = `UPDATE grants SET idle_until = $1 WHERE id = $2 AND ended_at < 1`

	endGrant = `UPDATE grants SET ended_at = $1 WHERE id = $2 AND ended_at < 1`
)

func (p *plan) putGrant(g record.Grant, sessionID string) {
	p.holdsSession(sessionID)
	p.guard(putGrant, g.ID, g.UserID, g.ClientID, g.SID, p.words(g.Scope), p.words(g.Resources),
		g.Facts.AuthTime, g.Facts.ACR, p.words(g.Facts.AMR), g.RVS,
		g.MadeAt, g.Gen, g.RotatedAt, g.LateGen, g.LateRun, g.JKT, g.IdleUntil, g.AbsUntil, g.EndedAt, g.Origin,
		p.claims(g.Claims), g.X5T, sessionID)
}

// claims packs what was asked for; most grants have none.
func (p *plan) claims(asked record.AskedClaims) string {
	if asked.Empty() {
		return ""
	}
	return p.json(asked)
}

const (
	// A counter whose window has ended starts again; the limit is a guard on what
	// stands there now.
	countAttempt = `INSERT INTO counters (name, n, window_ends)
	SELECT $1, 1, $2 WHERE CAST($4 AS BIGINT) > 0
	ON CONFLICT (name) DO UPDATE SET
		n = CASE WHEN counters.window_ends <= $3 THEN 1 ELSE counters.n + 1 END,
		window_ends = excluded.window_ends
	WHERE counters.n < $4 OR counters.window_ends <= $3`

	clearCounter = `DELETE FROM counters WHERE name = $1`

	spend = `INSERT INTO spent (key_hash, ends_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`
)
