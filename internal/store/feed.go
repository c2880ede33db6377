package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// What the revocation feed reads (docs/reference/revocation-feed.md). Each read is
// one statement, hence one snapshot of entries and head.

const (
	feedHead = `h.log_id, h.seq, h.lc, h.all_cut, h.chain, h.feed_key, h.longest_ttl, h.longest_until`

	readLogAfter = `SELECT ` + feedHead + `, r.seq, r.kind, r.value, r.cut, r.keep_until
	FROM revlog_head h LEFT JOIN revlog r ON r.seq > $1 WHERE h.one = 1 ORDER BY r.seq LIMIT $2`

	// What was said twice of a target counts once: the largest cutoff wins. Kind 64
	// is a touch.
	readLiveLog = `SELECT ` + feedHead + `, max(r.seq), r.kind, r.value, max(r.cut), max(r.keep_until)
	FROM revlog_head h LEFT JOIN revlog r ON r.kind <> 64 AND r.keep_until > $1
	WHERE h.one = 1 GROUP BY h.one, r.kind, r.value`
)

// logRow is a row of the log.
type logRow struct {
	seq    int64 // zero: there is none, and the head stands alone
	kind   int64
	value  blob
	cut    int64
	keepTo int64
}

// eachOfLog reads rows of the log, and the head of the same snapshot, which every
// row repeats.
func (s *Store) eachOfLog(
	ctx context.Context, query string, args []any, visit func(*record.Head, *logRow) error,
) (h record.Head, err error) {
	var chain, key blob
	var row logRow
	into := []any{
		(*text)(&h.LogID), (*number)(&h.Seq), (*number)(&h.LC), (*number)(&h.AllCut), &chain, &key,
		(*number)(&h.LongestTTL), (*number)(&h.LongestUntil),
		(*number)(&row.seq), (*number)(&row.kind), &row.value, (*number)(&row.cut), (*number)(&row.keepTo),
	}
	err = s.each(ctx, query, args, func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if len(chain) != len(h.Chain) || len(key) != len(h.FeedKey) {
			return errNoHead
		}
		copy(h.Chain[:], chain)
		copy(h.FeedKey[:], key)
		if row.seq == 0 {
			return nil
		}
		return visit(&h, &row)
	})
	if err == nil && h.LogID == "" {
		err = errNoHead
	}
	if err != nil {
		return record.Head{}, unavailable("reading the log", err)
	}
	return h, nil
}

// entry is a row as the feed serves it.
func (r *logRow) entry(key revocation.FeedKey, target revocation.Target) revocation.Entry {
	return revocation.Entry{Seq: r.seq, Name: key.Name(target), Cut: r.cut, Until: r.keepTo}
}

// LogAfter reads the entries that the feed serves after the number seq, of at
// most so many rows of the log; Seq is then how far they reach.
func (s *Store) LogAfter(ctx context.Context, seq int64, most int) (record.LogPart, error) {
	part, _, err := s.logAfter(ctx, seq, most)
	return part, err
}

// logAfter is LogAfter with the rows of which the entries say that they changed.
func (s *Store) logAfter(ctx context.Context, seq int64, most int) (record.LogPart, []cachedRow, error) {
	part := record.LogPart{Seq: seq}
	var changed []cachedRow
	rows := 0
	head, err := s.eachOfLog(ctx, readLogAfter, []any{seq, most}, func(h *record.Head, r *logRow) error {
		rows++
		part.Gap = part.Gap || r.seq != part.Seq+1 // numbers are given without gaps, so a row was purged
		part.Seq = r.seq
		target, err := revocation.ParseTarget(r.value)
		if row, ok := changedBy(target); ok {
			changed = append(changed, row)
		}
		if err == nil && target.Kind() == revocation.Touch {
			return nil
		}
		part.Entries = append(part.Entries, r.entry(h.FeedKey, target))
		return err
	})
	if err != nil {
		return record.LogPart{}, nil, err
	}
	part.Head = head
	part.Gap = part.Gap || rows < most && part.Seq < head.Seq
	return part, changed, nil
}

// changedBy is the row that is not as it was once the target has an entry.
func changedBy(target revocation.Target) (cachedRow, bool) {
	switch target.Kind() {
	case revocation.Touch:
		return cachedRow{target.Part(0), target.Part(1)}, true
	case revocation.Sub:
		return cachedRow{tableUsers, target.Part(0)}, true
	case revocation.Client:
		return cachedRow{tableClients, target.Part(0)}, true
	case revocation.Aud:
		return cachedRow{tableResources, target.Part(0)}, true
	default:
		return cachedRow{}, false
	}
}

// LiveLog reads what a verifier that starts at now (Unix milliseconds) must know:
// for every target its largest cutoff, of the entries that a living token could
// match.
func (s *Store) LiveLog(ctx context.Context, now int64) (part record.LogPart, err error) {
	part.Head, err = s.eachOfLog(ctx, readLiveLog, []any{now}, func(h *record.Head, r *logRow) error {
		target, err := revocation.ParseTarget(r.value)
		part.Entries = append(part.Entries, r.entry(h.FeedKey, target))
		return err
	})
	if err != nil {
		return record.LogPart{}, err
	}
	part.Seq = part.Head.Seq
	return part, nil
}

var errNoHead = errors.New("the log has no head")

// KeysMoved gives a channel that is closed when signing keys change, on whatever
// node. Whoever waits takes it before reading.
func (s *Store) KeysMoved() <-chan struct{} {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return s.cache.keys
}

// Moved gives a channel that is closed by the next commit that moves the log,
// before anybody is told of that commit. Whoever waits takes it before reading.
func (s *Store) Moved() <-chan struct{} {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return s.cache.moved
}
