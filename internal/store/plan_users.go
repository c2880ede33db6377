package store

import (
	"slices"

	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	putUser = `INSERT INTO users (id, status, claims, token_version, cut, made_at, version)
	VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

	updateUser = `UPDATE users SET status = $1, claims = $2, version = version + 1 WHERE id = $3 AND version = $4`

	cutUser = `UPDATE users SET cut = $1, token_version = token_version + 1 WHERE id = $2 AND subs = $3`

	giveSubject = `UPDATE users SET subs = $1 WHERE id = $2 AND subs = $3`

	deleteUser            = `DELETE FROM users WHERE id = $1 AND (CAST($2 AS BIGINT) = 0 OR version = $2)`
	deleteUserIdentifiers = `DELETE FROM identifiers WHERE user_id = $1`
	deleteUserFactors     = `DELETE FROM factors WHERE user_id = $1`
	deleteUserConsents    = `DELETE FROM consents WHERE user_id = $1`
	deleteSignUp          = `DELETE FROM sign_ups WHERE user_id = $1`
	deleteUserLinks       = `DELETE FROM links WHERE user_id = $1`
	endUserSessions       = `UPDATE sessions SET ended_at = $1 WHERE id IN (SELECT id FROM sessions WHERE user_id = $2 AND ended_at = 0 ORDER BY id /*in order*/)`
	endUserGrants         = `UPDATE grants SET ended_at = $1 WHERE id IN (SELECT id FROM grants WHERE user_id = $2 AND ended_at = 0 ORDER BY id /*in order*/)`
)

func (p *plan) putUser(u record.User) {
	p.guard(putUser, u.ID, string(u.Status), string(u.Claims), u.TokenVersion, u.Cut, u.MadeAt, u.Version)
	p.made = u.ID
}

func (p *plan) updateUser(c record.UpdateUser) {
	p.guard(updateUser, string(c.Status), string(c.Claims), c.UserID, c.Version)
	p.touch(tableUsers, c.UserID)
}

// cutUser goes with the entry that says so (tokens.md I9), which tells other nodes
// of the row too.
func (p *plan) cutUser(c record.CutUser) {
	p.guard(cutUser, planClock{}, c.UserID, p.words(c.Subs))
	p.evict(tableUsers, c.UserID)
}

func (p *plan) giveSubject(c record.GiveSubject) {
	p.wide = true
	p.guard(giveSubject, p.words(append(slices.Clone(c.Had), c.Sub)), c.UserID, p.words(c.Had))
}

func (p *plan) deleteUser(c record.DeleteUser) {
	p.wide = true
	p.add(step{text: deleteUser, args: []any{c.UserID, c.Version}, guard: c.Version != 0})
	p.do(deleteUserIdentifiers, c.UserID)
	p.do(deleteUserFactors, c.UserID)
	p.do(deleteUserLinks, c.UserID)
	p.do(deleteUserConsents, c.UserID)
	p.do(deleteSignUp, c.UserID)
	p.do(endUserSessions, c.At, c.UserID)
	p.do(endUserGrants, c.At, c.UserID)
	p.evict(tableUsers, c.UserID) // as of cutUser
}

const putSignUp = `INSERT INTO sign_ups (user_id, made_at)
	SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM users WHERE id = $1) ON CONFLICT DO NOTHING`

func (p *plan) confirmSignUp(userID string) {
	p.guard(deleteSignUp, userID)
	p.do(deleteUserFactors, userID)
	p.do(deleteUserLinks, userID)
}

const (
	putIdentifier = `INSERT INTO identifiers (kind, value, user_id, verified_at)
	SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM users WHERE id = $3 /*kept*/)
	ON CONFLICT DO NOTHING`

	deleteIdentifier = `DELETE FROM identifiers WHERE user_id = $1 AND kind = $2`

	replaceIdentifier = `UPDATE identifiers SET value = $1, verified_at = $2 WHERE user_id = $3 AND kind = $4
	AND NOT EXISTS (SELECT 1 FROM identifiers o WHERE o.kind = $4 AND o.value = $1 AND o.user_id <> $3)`
)

func (p *plan) putIdentifier(i record.Identifier) {
	p.guard(putIdentifier, i.Kind, i.Value, i.UserID, i.VerifiedAt)
	if p.made != i.UserID { // nobody has the row of a user who is made
		p.touch(tableUsers, i.UserID)
	}
}

func (p *plan) deleteIdentifier(c record.DeleteIdentifier) {
	p.do(deleteIdentifier, c.UserID, c.Kind)
	p.touch(tableUsers, c.UserID)
}

func (p *plan) replaceIdentifier(i record.Identifier) {
	p.guard(replaceIdentifier, i.Value, i.VerifiedAt, i.UserID, i.Kind)
	p.touch(tableUsers, i.UserID)
}

const (
	replaceFactor = `UPDATE factors SET id = $1, data = $2, made_at = $3 WHERE user_id = $4 AND kind = $5 AND data = $6`

	forgetFactor = `DELETE FROM factors WHERE user_id = $1 AND kind = $2`

	putFactor = `INSERT INTO factors (id, user_id, kind, data, made_at)
	SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT 1 FROM users WHERE id = $2 /*kept*/)
	ON CONFLICT DO NOTHING`
)

func (p *plan) putFactor(c record.PutFactor) {
	f := c.Factor
	if c.OldData != "" {
		p.guard(replaceFactor, f.ID, f.Data, f.MadeAt, f.UserID, f.Kind, c.OldData)
		return
	}
	p.do(forgetFactor, f.UserID, f.Kind)
	p.guard(putFactor, f.ID, f.UserID, f.Kind, f.Data, f.MadeAt)
}
