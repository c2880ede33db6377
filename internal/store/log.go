package store

import (
	"context"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// The revocation log: tokens.md, part 2.

// leeway is the clock skew that verifiers allow, in milliseconds.
const leeway = 30_000

const readHead = `SELECT log_id, seq, lc, all_cut, chain, feed_key, longest_ttl, longest_until
	FROM revlog_head WHERE one = 1`

// Head reads the head of the revocation log.
func (s *Store) Head(ctx context.Context) (record.Head, error) {
	var h record.Head
	var chain, key blob
	err := s.one(ctx, readHead, nil, []any{
		(*text)(&h.LogID), (*number)(&h.Seq), (*number)(&h.LC), (*number)(&h.AllCut), &chain, &key,
		(*number)(&h.LongestTTL), (*number)(&h.LongestUntil),
	})
	if err == nil && (len(chain) != len(h.Chain) || len(key) != len(h.FeedKey)) {
		err = errNoHead
	}
	if err != nil {
		return record.Head{}, unavailable("reading the head of the log", err)
	}
	copy(h.Chain[:], chain)
	copy(h.FeedKey[:], key)
	return h, nil
}

const (
	// I4: lc never goes back, whatever the clock does.
	moveHead = `UPDATE revlog_head
	SET seq = seq + $1, lc = CASE WHEN lc + 1 > $2 THEN lc + 1 ELSE $2 END
	WHERE one = 1
	RETURNING seq, lc, chain, feed_key, longest_ttl`

	moveChain = `UPDATE revlog_head SET chain = $1 WHERE one = 1`

	putEntry = `INSERT INTO revlog (seq, lc, kind, value, cut, keep_until, reason, actor, at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	cutAll = `UPDATE revlog_head SET all_cut = $1 WHERE one = 1`

	// I5: the longest lifetime falls only once no token of the old one is in force.
	raiseLongest = `UPDATE revlog_head SET
		longest_until = CASE WHEN longest_ttl = $1 AND longest_until > $2 THEN longest_until ELSE $2 END,
		longest_ttl = $1
	WHERE one = 1 AND (longest_ttl <= $1 OR longest_until <= $3)`
)

const (
	// I8: beyond the clock that any reader of the old log has seen. The plan's own
	// entries move it by the last millisecond of the day.
	restartLog = `UPDATE revlog_head SET log_id = $1, feed_key = $2, seq = 0, chain = $3,
		lc = CASE WHEN lc > $4 THEN lc ELSE $4 END + $5
	WHERE one = 1 AND log_id = $6`

	dropLog = `DELETE FROM revlog`

	restartAhead = 24*3600*1000 - 1
)

func (p *plan) restartLog(c record.RestartLog) {
	var none revocation.Chain
	p.clocked = true
	p.newLog = &logName{c.LogID, c.FeedKey}
	p.first = append(p.first, step{guard: true, text: restartLog, args: []any{
		string(c.LogID), c.FeedKey[:], none[:], nodeClock{}, int64(restartAhead), string(c.From),
	}}, step{text: dropLog})
	// What was taken back after a backup does not come back with it, and whether a
	// token was is not known.
	p.do(dropAdminTokens)
}

func (p *plan) cutAll() {
	p.cutsAll = true
	p.do(cutAll, planClock{})
}

func (p *plan) raiseLongest(c record.RaiseLongest) {
	p.longest = max(p.longest, c.TTL)
	p.do(raiseLongest, c.TTL, c.Until, nodeClock{})
}

// moveHead moves the log and its clock for a plan and writes the plan's entries.
// It gives the plan's logical clock.
func (w *writer) moveHead(p *plan, at int64) (int64, error) {
	var seq, lc, longest int64
	var rawChain, rawKey blob
	head, err := w.statement(moveHead) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return 0, err
	}
	err = head.QueryRow(int64(len(p.entries)), at).Scan( //nolint:noctx // see writer
		&seq, &lc, &rawChain, &rawKey, &longest)
	if err != nil {
		return 0, err
	}
	var chain revocation.Chain
	var key revocation.FeedKey
	copy(chain[:], rawChain)
	copy(key[:], rawKey)

	keepUntil := lc + max(longest, p.longest) + 2*leeway
	before := chain
	for i, entry := range p.entries {
		e := revocation.Entry{
			Seq:   seq - int64(len(p.entries)-1-i),
			Name:  key.Name(entry.Target),
			Cut:   cutoff(entry.Target.Kind(), lc),
			Until: keepUntil,
		}
		if entry.Target.Kind() != revocation.Touch { // never served on the feed, so not in its chain
			chain = chain.Next(e)
		}
		if err := w.putEntry(entry, e, lc); err != nil {
			return 0, err
		}
	}
	if chain == before {
		return lc, nil
	}
	_, err = w.exec(moveChain, chain[:])
	return lc, err
}

func cutoff(kind revocation.Kind, lc int64) int64 {
	if kind.Forever() {
		return revocation.Forever
	}
	return lc
}

func (w *writer) putEntry(entry record.Append, e revocation.Entry, lc int64) error {
	_, err := w.exec(putEntry, e.Seq, lc, int64(entry.Target.Kind()), entry.Target.Append(nil), e.Cut, e.Until,
		entry.Reason, entry.Actor, entry.At)
	return err
}
