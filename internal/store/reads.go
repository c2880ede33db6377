package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// On PostgreSQL a read of one row costs less than the way there and back. So reads
// that wait for a connection are sent together, as commits are: what is asked first
// goes at once, and what is asked while it is under way goes with the next. Each is a
// statement of its own, hence a snapshot that was taken after it was asked for.

const (
	// askersAtOnce is how many connections such reads have.
	askersAtOnce = 2
	// mostQuestions bounds how many are sent at once.
	mostQuestions = 64
)

// settings are those of a connection that somebody keeps. It runs a few short
// statements for ever, each planned once, perhaps while the tables are all but empty:
// no plan may rest on that. Each finds its rows by an index, as a test sees to.
const settings = `SELECT set_config('lock_timeout', '2s', false), set_config('statement_timeout', '5s', false),
	set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),
	set_config('jit', 'off', false)`

// question is a read of at most one row, and where that goes.
type question struct {
	text       string
	args, into []any
	answered   chan error
}

// ask reads at most one row, as Store.one does.
func (n *nodes) ask(ctx context.Context, text string, args, into []any) error {
	q := &question{text: text, args: args, into: into, answered: make(chan error, 1)}
	patience := time.NewTimer(answerWithin)
	defer patience.Stop()
	select {
	case n.questions <- q:
		return <-q.answered
	case <-patience.C:
		return errNoAnswer
	case <-ctx.Done():
		return ctx.Err()
	case <-n.closing:
		return errClosed
	}
}

var errNoAnswer = fmt.Errorf("no answer within %s", answerWithin)

// startAsking starts who asks.
func (n *nodes) startAsking() {
	n.questions, n.closing = make(chan *question), make(chan struct{})
	for range askersAtOnce {
		n.asking.Go(func() { (&asker{line{nodes: n}}).run() })
	}
}

func (n *nodes) stopAsking() {
	n.stopping.Do(func() { close(n.closing) })
	n.asking.Wait()
}

// asker sends what waits over one connection.
type asker struct{ line }

func (a *asker) run() {
	defer a.release()
	group := make([]*question, 0, mostQuestions)
	for {
		select {
		case q := <-a.nodes.questions:
			group = a.gather(append(group[:0], q))
			a.answer(group)
			clear(group)
		case <-a.nodes.closing:
			return
		}
	}
}

// gather adds what waits already, and waits for nothing.
func (a *asker) gather(group []*question) []*question {
	for len(group) < mostQuestions {
		select {
		case q := <-a.nodes.questions:
			group = append(group, q)
		default:
			return group
		}
	}
	return group
}

// answer answers all of a group. Who lost the connection asks again: the server was
// restarted, or another one took its place. Who made an error has it, and the others,
// whose part of the same transaction it ended, ask again.
func (a *asker) answer(group []*question) {
	const tries = 3
	for try := 1; len(group) > 0; {
		done, err := a.send(group)
		group = group[done:]
		switch {
		case err == nil:
		case isLost(err) && try < tries:
			try++
			a.nodes.pool.Reset() // the others are lost too
		case isCollision(err) && try < tries: // a migration takes tables in another order
			try++
		default:
			group[0].answered <- err
			group = group[1:]
		}
	}
}

// send asks a group at once. It gives how many have their answer, and what befell the
// one after them.
func (a *asker) send(group []*question) (done int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	if err := a.connect(ctx); err != nil {
		return 0, err
	}
	batch := &pgx.Batch{}
	for _, q := range group {
		batch.Queue(q.text, q.args...)
	}
	sent := a.conn.SendBatch(ctx, batch)
	for _, q := range group {
		rows, err := sent.Query()
		if err != nil {
			return done, a.end(sent, err)
		}
		wrong := q.scan(rows)
		if err := rows.Err(); err != nil && wrong == nil {
			return done, a.end(sent, err)
		}
		q.answered <- wrong
		done++
	}
	if err := sent.Close(); err != nil {
		a.disconnect() // all have their answers
	}
	return done, nil
}

// end gives up a batch, and the connection with it unless only a statement was wrong.
func (a *asker) end(sent pgx.BatchResults, err error) error {
	_ = sent.Close() // err says why
	if stateOf(err) == "" || isLost(err) {
		a.disconnect()
	}
	return err
}

// scan takes the rows, of which there is at most one. Its error is that of a column.
func (q *question) scan(rows pgx.Rows) error {
	defer rows.Close()
	for rows.Next() {
		if err := scanColumns(rows, q.into); err != nil {
			return err
		}
	}
	return nil
}

// scanColumns gives each column to its destination, past what the driver would look
// up for every one of them.
func scanColumns(rows pgx.Rows, into []any) error {
	fields, columns := rows.FieldDescriptions(), rows.RawValues()
	if len(columns) != len(into) {
		return fmt.Errorf("%d columns for %d destinations", len(columns), len(into))
	}
	for i, column := range columns {
		if err := scanColumn(&fields[i], column, into[i]); err != nil {
			return fmt.Errorf("%s: %w", fields[i].Name, err)
		}
	}
	return nil
}

// scanColumn knows the types that the schema has, in binary and, as they come
// through a pooler, in text.
func scanColumn(f *pgconn.FieldDescription, column []byte, into any) (err error) {
	var value any // as database/sql would have it
	binaryFormat := f.Format == pgx.BinaryFormatCode
	switch {
	case column == nil:
	case f.DataTypeOID == pgtype.TextOID:
		value = column // copied by whoever takes it
	case f.DataTypeOID == pgtype.ByteaOID && binaryFormat:
		value = column
	case f.DataTypeOID == pgtype.ByteaOID:
		value, err = hex.DecodeString(strings.TrimPrefix(string(column), `\x`))
	case f.DataTypeOID == pgtype.Int8OID && binaryFormat && len(column) == 8:
		value = int64(binary.BigEndian.Uint64(column)) //nolint:gosec // two's complement
	case f.DataTypeOID == pgtype.Int8OID:
		value, err = strconv.ParseInt(string(column), 10, 64)
	case f.DataTypeOID == pgtype.BoolOID && len(column) == 1:
		value = column[0] == 1 || column[0] == 't'
	default:
		err = fmt.Errorf("a column of type %d in format %d", f.DataTypeOID, f.Format)
	}
	if err != nil {
		return err
	}
	switch into := into.(type) {
	case *int64:
		return (*number)(into).Scan(value)
	case sql.Scanner:
		return into.Scan(value)
	}
	return fmt.Errorf("nowhere to put a column: %T", into)
}

// line is a connection that somebody keeps.
type line struct {
	nodes *nodes
	conn  *pgxpool.Conn // nil until it is needed, and after it was lost
}

func (l *line) connect(ctx context.Context) error {
	if l.conn != nil && !l.conn.Conn().IsClosed() {
		return nil
	}
	l.disconnect()
	conn, err := l.nodes.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	l.conn = conn
	if !l.nodes.direct {
		return nil
	}
	if _, err := conn.Exec(ctx, settings); err != nil {
		l.disconnect()
		return err
	}
	return nil
}

// disconnect gives up the connection: what is wrong with it is not known.
func (l *line) disconnect() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Conn().Close(ctx) // it is given up
	l.release()
}

func (l *line) release() {
	if l.conn != nil {
		l.conn.Release()
		l.conn = nil
	}
}
