package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// The outbox: rows that a decision's plan has made, to be delivered once it is
// committed. Whoever delivers one leases it first; two that want the same row
// conflict, and one that died leaves a lease that runs out.

// A logout goes to every client that has a grant from the session, whether or not
// that has ended, and whether or not it outlives the session. The id says whose it
// is, so that nobody hears of the same end twice, and grants of one client are one
// row.
const (
	tell = `INSERT INTO outbox
	(id, kind, about, receiver, payload, made_at, due_at, tries, leased_until, done_at, outcome, answer)
	SELECT 'logout ' || s.id || ' ' || a.id, 'logout', s.id, a.id, s.user_id,
		CAST($1 AS BIGINT), CAST($1 AS BIGINT), 0, 0, 0, '', ''
	FROM sessions s JOIN grants g ON g.origin = s.id AND g.origin <> '' JOIN clients a ON a.id = g.client_id
	WHERE a.logout_uri <> '' AND s.ended_at = 0 AND `

	tellOfSession = tell + `s.id = $2 ON CONFLICT DO NOTHING`

	// What a cut ends: the sessions that were above the one before, but for the one
	// that the same plan has lifted.
	cutNow = `s.rvs < $2 AND s.rvs >= (SELECT all_cut FROM revlog_head WHERE one = 1)
	AND s.rvs >= (SELECT cut FROM users WHERE id = s.user_id)`

	tellOfUser = tell + `s.user_id = $3 AND ` + cutNow + ` ON CONFLICT DO NOTHING`

	tellOfAll = tell + cutNow + ` ON CONFLICT DO NOTHING`
)

// tellClients comes before every cut of the plan, wherever the plan has it, and
// after the session that is kept.
func (p *plan) tellClients(c record.TellClients) {
	s := step{text: tellOfSession, args: []any{c.At, c.Of.Part(0)}}
	switch c.Of.Kind() {
	case revocation.Sub:
		s = step{text: tellOfUser, args: []any{c.At, planClock{}, c.Of.Part(0)}}
	case revocation.All:
		s = step{text: tellOfAll, args: []any{c.At, planClock{}}}
	}
	p.clocked = true // it goes with the end's entry of the log
	p.steps = slices.Insert(p.steps, p.before, s)
}

// mostBusy is how many receivers a search can pass over.
const mostBusy = 32

const deliveryColumns = `o.id, o.kind, o.about, o.receiver, o.payload, o.made_at, o.due_at, o.tries, o.leased_until,
	o.done_at, o.outcome, o.answer`

type deliveryRow struct{ delivery record.Delivery }

func (r *deliveryRow) into() []any {
	d := &r.delivery
	return []any{
		(*text)(&d.ID), (*text)(&d.Kind), (*text)(&d.About), (*text)(&d.Receiver), (*text)(&d.Payload),
		(*number)(&d.MadeAt), (*number)(&d.DueAt), (*number)(&d.Tries), (*number)(&d.LeasedUntil),
		(*number)(&d.DoneAt), (*text)(&d.Outcome), (*text)(&d.Answer),
	}
}

func (r *deliveryRow) get() *record.Delivery {
	if r.delivery.ID == "" {
		return nil
	}
	return &r.delivery
}

// dueDeliveries has a place for each receiver that is passed over.
var dueDeliveries = `SELECT ` + deliveryColumns + ` FROM outbox o
	WHERE o.done_at = 0 AND o.due_at <= $1 AND o.leased_until <= $1 AND o.receiver NOT IN (` + places(3, mostBusy) + `)
	ORDER BY o.due_at LIMIT $2`

func places(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(list, ", ")
}

// DueDeliveries lists what is due at now (Unix milliseconds) and nobody is at,
// what has waited longest first, passing over what is for the receivers in busy,
// of which there are at most 32.
func (s *Store) DueDeliveries(ctx context.Context, now int64, busy []string, limit int) ([]record.Delivery, error) {
	args := []any{now, limit}
	for i := range mostBusy {
		name := ""
		if i < len(busy) {
			name = busy[i]
		}
		args = append(args, name)
	}
	return listOf(ctx, s, dueDeliveries, args, func() row[record.Delivery] { return new(deliveryRow) })
}

const (
	deliveriesAbout = `SELECT ` + deliveryColumns + ` FROM outbox o WHERE o.about = $1 ORDER BY o.id LIMIT $2`

	grantsOfSession = `SELECT ` + grantColumns + ` FROM grants g WHERE g.origin = $1 AND g.origin <> '' AND g.id > $2
	ORDER BY g.id LIMIT $3`
)

// DeliveriesAbout lists what was and is to be delivered about something.
func (s *Store) DeliveriesAbout(ctx context.Context, about string, limit int) ([]record.Delivery, error) {
	return listOf(ctx, s, deliveriesAbout, []any{about, limit}, func() row[record.Delivery] { return new(deliveryRow) })
}

// GrantsOfSession lists the grants that were made in a session, ended or not,
// also those that outlive it.
func (s *Store) GrantsOfSession(ctx context.Context, sid, after string, limit int) ([]record.Grant, error) {
	return listOf(ctx, s, grantsOfSession, []any{sid, after, limit}, func() row[record.Grant] { return new(grantRow) })
}

const (
	leaseDelivery = `UPDATE outbox SET leased_until = $1, tries = tries + 1
	WHERE id = $2 AND leased_until = $3 AND done_at = 0`

	endDelivery = `UPDATE outbox SET done_at = $1, outcome = $2, answer = $3, leased_until = 0
	WHERE id = $4 AND leased_until = $5 AND done_at = 0`

	postponeDelivery = `UPDATE outbox SET due_at = $1, answer = $2, leased_until = 0
	WHERE id = $3 AND leased_until = $4 AND done_at = 0`
)

// LeaseDelivery counts an attempt and keeps others from it until then, if the row
// is as it was read; else ErrConflict. The lease is in the answer.
func (s *Store) LeaseDelivery(ctx context.Context, d record.Delivery, until int64) (record.Delivery, error) {
	err := s.commitGuarded(ctx, leaseDelivery, until, d.ID, d.LeasedUntil)
	d.LeasedUntil, d.Tries = until, d.Tries+1
	return d, err
}

// EndDelivery says how a leased delivery came to its end; what is in the audit trail
// about it stands in the same commit. ErrConflict means that the lease had run out
// and somebody else has it.
func (s *Store) EndDelivery(ctx context.Context, d record.Delivery, audit ...record.Audit) error {
	p := &plan{result: make(chan error, 1)}
	p.guard(endDelivery, d.DoneAt, string(d.Outcome), d.Answer, d.ID, d.LeasedUntil)
	for _, row := range audit {
		p.audit(row)
	}
	return s.commit(ctx, p)
}

// PostponeDelivery gives a leased delivery back, to be tried again at DueAt.
// ErrConflict is as of EndDelivery.
func (s *Store) PostponeDelivery(ctx context.Context, d record.Delivery) error {
	return s.commitGuarded(ctx, postponeDelivery, d.DueAt, d.Answer, d.ID, d.LeasedUntil)
}

// commitGuarded is commitStep for a statement that is to find its row.
func (s *Store) commitGuarded(ctx context.Context, text string, args ...any) error {
	p := &plan{result: make(chan error, 1)}
	p.guard(text, args...)
	return s.commit(ctx, p)
}
