package store

import "github.com/mintmark-id/mintmark/internal/record"

const (
	putRegistration = `INSERT INTO registrations (client_id, token_hash, made_by, made_at, ends_at)
	SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT 1 FROM clients WHERE id = $1 /*held*/)
	ON CONFLICT DO NOTHING`

	confirmRegistration = `UPDATE registrations SET ends_at = 0 WHERE client_id = $1`

	renewRegistration = `UPDATE registrations SET ends_at = $1 WHERE client_id = $2 AND ends_at > 0`

	forgetRegistration = `DELETE FROM registrations WHERE client_id = $1 AND ends_at > 0 AND ends_at <= $2`

	deleteRegistration = `DELETE FROM registrations WHERE client_id = $1`

	forgetConsents = `UPDATE consents SET scope = '' WHERE client_id = $1`

	putInitialToken = `INSERT INTO initial_tokens (id, token_hash, name, made_at, ends_at, most, used)
	VALUES ($1, $2, $3, $4, $5, $6, $7)`

	useInitialToken = `UPDATE initial_tokens SET used = used + 1
	WHERE id = $1 AND ends_at > $2 AND (most = 0 OR used < most)`

	deleteInitialToken = `DELETE FROM initial_tokens WHERE id = $1`
)

func (p *plan) putRegistration(r record.Registration) {
	p.guard(putRegistration, r.ClientID, bytesOf(r.TokenHash), r.By, r.MadeAt, r.EndsAt)
	p.touch(tableClients, r.ClientID)
}

func (p *plan) confirmRegistration(c record.ConfirmRegistration) {
	p.guard(confirmRegistration, c.ClientID)
	p.touch(tableClients, c.ClientID)
}

func (p *plan) renewRegistration(c record.RenewRegistration) {
	p.guard(renewRegistration, c.EndsAt, c.ClientID)
	p.touch(tableClients, c.ClientID)
}

func (p *plan) forgetRegistration(c record.ForgetRegistration) {
	p.guard(forgetRegistration, c.ClientID, c.At)
	p.deleteClient(record.DeleteClient{ID: c.ClientID, At: c.At})
}

func (p *plan) putInitialToken(t record.InitialToken) {
	p.do(putInitialToken, t.ID, bytesOf(t.Hash), t.Name, t.MadeAt, t.EndsAt, t.Most, t.Used)
}
