package store

import (
	"fmt"

	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	putClient = `INSERT INTO clients (id, name, settings, enabled, cut, made_at, version, logout_uri)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`

	updateClient = `UPDATE clients SET name = $1, settings = $2, enabled = $3, version = version + 1, logout_uri = $4
	WHERE id = $5 AND version = $6`

	cutClient = `UPDATE clients SET cut = $1 WHERE id = $2`

	endClientSecrets = `UPDATE client_secrets SET ends_at = $1 WHERE client_id = $2 AND (ends_at = 0 OR ends_at > $1)`

	putClientSecret = `INSERT INTO client_secrets (client_id, secret_hash, made_at, ends_at)
	SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM clients WHERE id = $1 /*held*/)
	ON CONFLICT DO NOTHING`

	deleteClient         = `DELETE FROM clients WHERE id = $1 AND (CAST($2 AS BIGINT) = 0 OR version = $2)`
	deleteClientSecrets  = `DELETE FROM client_secrets WHERE client_id = $1`
	deleteClientCodes    = `DELETE FROM codes WHERE client_id = $1`
	deleteClientConsents = `DELETE FROM consents WHERE client_id = $1`
	endClientGrants      = `UPDATE grants SET ended_at = $1 WHERE id IN (SELECT id FROM grants WHERE client_id = $2 AND ended_at = 0 ORDER BY id /*in order*/)`
)

func (p *plan) putClient(c record.Client) {
	p.guard(putClient, c.ID, c.Name, p.json(c.Settings), numberOf(c.Enabled), planClock{}, c.MadeAt, c.Version,
		c.Settings.BackchannelLogoutURI)
	for _, secret := range c.Secrets {
		p.guard(putClientSecret, c.ID, bytesOf(secret.Hash), secret.MadeAt, secret.EndsAt)
	}
	p.touch(tableClients, c.ID)
}

func (p *plan) updateClient(c record.UpdateClient) {
	p.guard(updateClient, c.Name, p.json(c.Settings), numberOf(c.Enabled), c.Settings.BackchannelLogoutURI, c.ID, c.Version)
	p.touch(tableClients, c.ID)
}

func (p *plan) putClientSecret(c record.PutClientSecret) {
	p.do(endClientSecrets, c.OthersEnd, c.ClientID)
	p.guard(putClientSecret, c.ClientID, bytesOf(c.Secret.Hash), c.Secret.MadeAt, c.Secret.EndsAt)
	p.touch(tableClients, c.ClientID)
}

func (p *plan) deleteClient(c record.DeleteClient) {
	p.wide = true
	p.add(step{text: deleteClient, args: []any{c.ID, c.Version}, guard: c.Version != 0})
	p.do(deleteClientSecrets, c.ID)
	p.do(deleteRegistration, c.ID)
	p.do(deleteClientCodes, c.ID)
	p.do(deleteClientConsents, c.ID)
	p.do(endClientGrants, c.At, c.ID)
	p.touch(tableClients, c.ID)
}

const (
	putResource = `INSERT INTO resources (aud, settings, cut, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	updateResource = `UPDATE resources SET settings = $1, version = version + 1 WHERE aud = $2 AND version = $3`

	cutResource = `UPDATE resources SET cut = $1 WHERE aud = $2`

	deleteResource = `DELETE FROM resources WHERE aud = $1 AND (CAST($2 AS BIGINT) = 0 OR version = $2)`
)

func (p *plan) putResource(r record.Resource) {
	p.words([]string{r.Aud}) // a grant's audiences are a list of words
	p.guard(putResource, r.Aud, p.json(r.Settings), planClock{}, r.Version)
	p.touch(tableResources, r.Aud)
}

func (p *plan) cutClient(c record.CutClient) {
	p.do(cutClient, planClock{}, c.ClientID)
	p.touch(tableClients, c.ClientID)
}

func (p *plan) updateResource(c record.UpdateResource) {
	p.guard(updateResource, p.json(c.Settings), c.Aud, c.Version)
	p.touch(tableResources, c.Aud)
}

func (p *plan) cutResource(c record.CutResource) {
	p.do(cutResource, planClock{}, c.Aud)
	p.touch(tableResources, c.Aud)
}

func (p *plan) deleteResource(c record.DeleteResource) {
	p.add(step{text: deleteResource, args: []any{c.Aud, c.Version}, guard: c.Version != 0})
	p.touch(tableResources, c.Aud)
}

const (
	putKey = `INSERT INTO signing_keys
	(kid, alg, use, status, public_jwk, sealed, made_at, signs_from, published_until)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`

	moveKey = `UPDATE signing_keys SET status = $1, signs_from = $2, published_until = $3 WHERE kid = $4 AND status = $5`

	putRoot = `INSERT INTO roots (key_id, use, sealed, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	dropRoot = `DELETE FROM roots WHERE key_id = $1`
)

func (p *plan) putKey(k record.SigningKey) {
	p.guard(putKey, k.KID, k.Alg, k.Use, string(k.Status), bytesOf(k.PublicJWK), bytesOf(k.Sealed), k.MadeAt,
		k.SignsFrom, k.PublishedUntil)
	p.touch(tableKeys, k.KID)
}

// auditMinute is the time in which equal events are one row (contract.md), in ms.
const auditMinute = 60_000

const audit = `INSERT INTO audit (id, merge_key, at, event, actor, user_id, client_id, gid, n, detail)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
	ON CONFLICT (merge_key) DO UPDATE SET n = audit.n + 1`

func (p *plan) audit(c record.Audit) {
	var key any // NULL, which equals no other
	if c.Key != "" {
		p.shares = fmt.Sprintf("%x %s", c.At/auditMinute, c.Key)
		key = p.shares
	}
	p.do(audit, c.ID, key, c.At, c.Event, c.Actor, c.UserID, c.ClientID, c.GID, c.Detail)
}
