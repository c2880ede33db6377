package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// On PostgreSQL a group of plans is one flight: all their statements sent at once,
// as one implicit transaction that ends with them. Nothing is open while anybody
// waits for this process, which may be stopped at any moment: what has arrived
// commits or not without it.
//
// So nothing can be looked at in between. A guard that finds no row divides by
// zero, which drops the flight; it flies again without that plan, which is told of
// its conflict. A plan of a single statement needs no such thing: its guard that
// finds no row has written nothing.

const (
	// flightsAtOnce is how many connections commit.
	flightsAtOnce = 2
	// mostFlights is how often a group flies before each plan of it flies alone.
	mostFlights = 4
	// flightWithin bounds a flight. What became of one that took longer is unknown.
	flightWithin = 15 * time.Second
)

// limits bound how long a flight waits for another's locks and for itself, where a
// pooler is in between: there they are of the transaction. Elsewhere settings has them.
const limits = `SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '5s', true)`

// The clock of a plan, I4: lc never goes back, whatever $1, the node's clock, does.
// $1 is notFirst in all statements of a plan on the head but its first.
const nextClock = `(CASE WHEN CAST($1 AS BIGINT) = -1 THEN lc WHEN lc + 1 > $1 THEN lc + 1 ELSE $1 END)`

const notFirst = -1

const (
	// The name of an entry is made under the log's key, so a node must know which log
	// it is.
	moveClock = `WITH h AS (
		UPDATE revlog_head SET lc = ` + nextClock + ` WHERE one = 1 AND log_id = $2 RETURNING 1
	) SELECT 1 / count(*) FROM h`

	// The row lock of the head makes the order of the commits that of the numbers, and
	// the chain is that of revocation.Chain: over number, name, cut and until.
	appendEntry = `WITH h AS (
		UPDATE revlog_head SET seq = seq + 1, lc = ` + nextClock + `,
			chain = CASE WHEN $3 = '' THEN chain ELSE sha256(chain || int8send(seq + 1) || decode($3, 'hex')
				|| int8send(CASE WHEN CAST($4 AS BIGINT) > 0 THEN $4 ELSE ` + nextClock + ` END)
				|| int8send(` + nextClock + ` + GREATEST(longest_ttl, CAST($5 AS BIGINT)) + 60000)) END
		WHERE one = 1 AND log_id = $2
		RETURNING seq, lc, longest_ttl
	), e AS (
		INSERT INTO revlog (seq, lc, kind, value, cut, keep_until, reason, actor, at)
		SELECT seq, lc, $6, $7, CASE WHEN $4 > 0 THEN $4 ELSE lc END, lc + GREATEST(longest_ttl, $5) + 60000, $8, $9, $10 FROM h
		RETURNING 1
	) SELECT 1 / count(*) FROM e`

	// What stands in a plan for its clock, which is the head's once it has moved it.
	clockOfPlan = `(SELECT lc FROM revlog_head WHERE one = 1)`
)

// logName is which log it is and the key to its names.
type logName struct {
	id  revocation.LogID
	key revocation.FeedKey
}

// flights are the writers of a PostgreSQL database.
func (s *Store) flights() []groupWriter {
	var all []groupWriter
	for range s.nodes.flights {
		all = append(all, &flights{line: line{nodes: s.nodes}, store: s, texts: map[textKey]string{}})
	}
	return all
}

// flights writes groups over one connection.
type flights struct {
	line
	store *Store
	texts map[textKey]string

	exchange string // see join
}

// textKey says what was made of a step's text.
type textKey struct {
	text  string
	guard bool   // it drops the flight
	clock string // which arguments are the plan's clock
}

// leg is a statement of a flight.
type leg struct {
	plan int // whose it is; -1: nobody's
	what legKind
}

type legKind int

const (
	legOther legKind = iota
	legGuard         // drops the flight when it finds no row
	legAlone         // the only statement of its plan, a guard
	legHead          // drops the flight when the log is another
)

// write flies a group, and then by itself what cannot keep to the order of locks.
func (w *flights) write(group []*plan, at int64) ([]error, *view) {
	for _, p := range group {
		p.inLockOrder()
	}
	slices.SortStableFunc(group, byLocks)
	results := make([]error, len(group))
	var waiting, alone []int
	for i, p := range group {
		if p.wide && len(group) > 1 {
			alone = append(alone, i)
		} else {
			waiting = append(waiting, i)
		}
	}
	w.together(group, waiting, at, results)
	for _, i := range alone {
		results[i] = w.alone(group[i], at)
	}
	return results, nil
}

// together flies plans again and again, without those that cannot come along.
func (w *flights) together(group []*plan, waiting []int, at int64, results []error) {
	for try := 1; len(waiting) > 0; try++ {
		if try > mostFlights && len(waiting) > 1 {
			for _, i := range waiting {
				results[i] = w.alone(group[i], at)
			}
			return
		}
		landed := w.fly(group, waiting, at, results)
		switch {
		case landed == nil:
			return
		case landed.plan >= 0:
			results[landed.plan] = landed.err
			waiting = slices.DeleteFunc(waiting, func(i int) bool { return i == landed.plan })
		case !landed.again || try > mostFlights:
			for _, i := range waiting {
				results[i] = unavailable("committing", landed.err)
			}
			return
		case stateOf(landed.err) == deadlockDetected && len(waiting) > 1:
			try = mostFlights // a second of waiting is enough: each flies alone
		}
	}
}

// alone flies a single plan.
func (w *flights) alone(p *plan, at int64) error {
	result, _ := w.write([]*plan{p}, at)
	return result[0]
}

// crash is why a flight was dropped, nothing of it written.
type crash struct {
	err   error
	plan  int  // whose fault it is; -1: nobody's
	again bool // the same flight may fare better
}

// fly sends the waiting plans as one transaction. nil: they are committed, and
// results has the conflicts of those which wrote nothing.
func (w *flights) fly(group []*plan, waiting []int, at int64, results []error) *crash {
	ctx, cancel := context.WithTimeout(context.Background(), flightWithin)
	defer cancel()
	if err := w.connect(ctx); err != nil {
		return &crash{err: err, plan: -1}
	}
	batch, legs := w.load(group, waiting, at)
	sent := w.conn.SendBatch(ctx, batch)
	var failed error
	last := 0
	for i, l := range legs {
		tag, err := sent.Exec()
		if err != nil {
			failed, last = err, i
			break
		}
		if l.plan < 0 {
			continue
		}
		p := group[l.plan]
		p.written += tag.RowsAffected()
		results[l.plan] = nil
		if l.what == legAlone && tag.RowsAffected() == 0 {
			results[l.plan] = ErrConflict
		}
	}
	if err := sent.Close(); failed == nil && err != nil {
		failed, last = fmt.Errorf("%w: %w", errCommitting, err), 0
	}
	if failed == nil {
		return nil
	}
	for _, i := range waiting {
		results[i] = nil
	}
	return w.explain(legs[last], failed, len(waiting))
}

// explain says what a failed flight means.
func (w *flights) explain(at leg, err error, plans int) *crash {
	state := stateOf(err)
	switch {
	case state == divisionByZero && at.what == legHead:
		return &crash{err: errOtherLog, plan: -1, again: w.store.rename() == nil}
	case state == divisionByZero && at.what == legGuard, state == uniqueViolation && at.plan >= 0:
		return &crash{err: ErrConflict, plan: at.plan}
	case isCollision(err):
		return &crash{err: err, plan: -1, again: true}
	case state == "" && !w.conn.Conn().IsClosed(): // it was not sent
		return &crash{err: err, plan: -1, again: plans > 1}
	case state == "", strings.HasPrefix(state, "57"), strings.HasPrefix(state, "08"), state == readOnlyTransaction:
		w.disconnect()
		// Whether it was committed is not known, unless nothing was sent.
		return &crash{err: err, plan: -1, again: pgconn.SafeToRetry(err)}
	case at.plan >= 0:
		return &crash{err: unavailable("committing", err), plan: at.plan}
	}
	return &crash{err: err, plan: -1, again: plans > 1 && !errors.Is(err, errCommitting)}
}

var errOtherLog = errors.New("the revocation log is another")

func (w *flights) close() error {
	w.release()
	return nil
}

// load puts the statements of the waiting plans into a batch.
func (w *flights) load(group []*plan, waiting []int, at int64) (*pgx.Batch, []leg) {
	batch := &pgx.Batch{}
	var legs []leg
	if !w.nodes.direct {
		batch.Queue(limits)
		legs = append(legs, leg{plan: -1})
	}
	flying := make([]*plan, len(waiting))
	for n, i := range waiting {
		flying[n] = group[i]
	}
	legs = append(legs, slices.Repeat([]leg{{plan: -1}}, lockFirst(batch, flying))...)
	for _, i := range waiting {
		p := group[i]
		p.written = 0
		add := func(what legKind, text string, args ...any) {
			batch.Queue(text, args...)
			legs = append(legs, leg{i, what})
		}
		if text, args := w.join(p); text != "" {
			add(legGuard, text, args...)
			continue
		}
		alone := p.one()
		for _, s := range p.first {
			w.addStep(add, s, alone, at)
		}
		if p.clocked {
			w.addHead(add, p, at)
		}
		for _, s := range p.steps {
			w.addStep(add, s, alone, at)
		}
	}
	return batch, legs
}

func (w *flights) addStep(add func(legKind, string, ...any), s step, alone bool, at int64) {
	what := legOther
	switch {
	case s.guard && alone:
		what = legAlone
	case s.guard:
		what = legGuard
	}
	text, args := w.translate(s, what == legGuard, at)
	add(what, text, args...)
}

// addHead moves the log's clock for a plan, and appends its entries.
func (w *flights) addHead(add func(legKind, string, ...any), p *plan, at int64) {
	log := w.store.nodes.current.Load()
	if p.newLog != nil {
		log = p.newLog
	}
	if len(p.entries) == 0 {
		add(legHead, moveClock, at, string(log.id))
	}
	for _, entry := range p.entries {
		add(legHead, appendEntry, w.entryArgs(p, log, entry, at)...)
		at = notFirst // one clock for all
	}
}

func (w *flights) entryArgs(p *plan, log *logName, entry record.Append, at int64) []any {
	kind := entry.Target.Kind()
	name, forever := "", int64(0)
	if kind != revocation.Touch { // never served on the feed, so not in its chain
		name = fmt.Sprintf("%016x", log.key.Name(entry.Target))
	}
	if kind.Forever() {
		forever = revocation.Forever
	}
	return []any{
		at, string(log.id), name, forever, p.longest,
		int64(kind), entry.Target.Append(nil), entry.Reason, entry.Actor, entry.At,
	}
}

// exchange is a plan whose statements are sent as one, since none of them sees what
// another writes: the most frequent of those that have several. Its guards are looked
// at in this order, and so its locks are taken.
func exchange() []string { return []string{putGrant, useCode, audit} }

// join gives the plan as one statement, or nothing.
func (w *flights) join(p *plan) (text string, args []any) {
	if p.clocked || !slices.EqualFunc(p.steps, exchange(), func(s step, text string) bool { return s.text == text }) {
		return "", nil
	}
	if w.exchange == "" {
		w.exchange = joined(p.steps)
	}
	for _, s := range p.steps {
		args = append(args, s.args...)
	}
	return w.exchange, args
}

// joined makes one statement of several, which drops the flight when a guard among
// them finds no row.
func joined(steps []step) string {
	var parts, guards []string
	before := 0 // arguments of the statements before
	for i, s := range steps {
		text := parameter.ReplaceAllStringFunc(postgresText(textKey{text: s.text, clock: strings.Repeat(".", len(s.args))}), func(name string) string {
			n, err := strconv.Atoi(name[1:])
			if err != nil {
				return name
			}
			return "$" + strconv.Itoa(before+n)
		})
		before += len(s.args)
		name := fmt.Sprint("s", i)
		parts = append(parts, name+` AS (`+text+` RETURNING 1)`)
		if s.guard {
			guards = append(guards, `(SELECT count(*) FROM `+name+`)`)
		}
	}
	return `WITH ` + strings.Join(parts, ", ") + ` SELECT 1 / (` + strings.Join(guards, " * ") + `)`
}

var (
	// held marks a row that must stay as it is until the commit, as on SQLite all do.
	held = "/*held*/"
	// kept marks one that must only not be deleted: others may change it.
	kept = "/*kept*/"
	// inOrder marks rows that are found to be changed, and locked as they are listed.
	inOrder = "/*in order*/"
	// idle marks rows that are left where somebody else is at them.
	idle      = "/*idle*/"
	parameter = regexp.MustCompile(`\$\d+`)
)

// translate gives a step as PostgreSQL takes it. Its clocks are filled in: the
// node's as an argument, the plan's as what the head's row says.
func (w *flights) translate(s step, guard bool, at int64) (string, []any) {
	var clock []byte
	args := make([]any, 0, len(s.args))
	for _, arg := range s.args {
		switch arg.(type) {
		case planClock:
			clock = append(clock, 'p')
		case nodeClock:
			args, clock = append(args, at), append(clock, '.')
		default:
			args, clock = append(args, arg), append(clock, '.')
		}
	}
	key := textKey{s.text, guard, string(clock)}
	text, ok := w.texts[key]
	if !ok {
		text = postgresText(key)
		w.texts[key] = text
	}
	return text, args
}

func locking() *strings.Replacer {
	return strings.NewReplacer(held, "FOR SHARE", kept, "FOR KEY SHARE", inOrder, "FOR UPDATE", idle, "FOR UPDATE SKIP LOCKED")
}

func postgresText(key textKey) string {
	text := locking().Replace(key.text)
	text = parameter.ReplaceAllStringFunc(text, func(name string) string {
		n, err := strconv.Atoi(name[1:])
		if err != nil || n > len(key.clock) {
			return name
		}
		if key.clock[n-1] == 'p' {
			return clockOfPlan
		}
		return "$" + strconv.Itoa(n-strings.Count(key.clock[:n], "p"))
	})
	if key.guard {
		return `WITH g AS (` + text + ` RETURNING 1) SELECT 1 / count(*) FROM g`
	}
	return text
}
