package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
)

// tellAfter is how many rows are read until whoever watches is told of them, and
// the context is asked.
const tellAfter = 1000

// tableRows is a table that is read row by row. It implements pgx.CopyFromSource.
type tableRows struct {
	ctx    context.Context //nolint:containedctx // of the one call that it lives in
	rows   *sql.Rows
	types  []string // of the columns, as the database names them
	values []any
	scan   []any
	err    error
	tally  tally
	told   func(rows int64)
}

// read begins to read all rows of a table, in no order.
func (s *copySession) read(ctx context.Context, table string, columns []string) (*tableRows, error) {
	rows, err := s.QueryContext(ctx, `SELECT `+allQuoted(columns)+` FROM `+quoted(table)) //nolint:rowserrcheck // close does both
	if err != nil {
		return nil, err
	}
	r := &tableRows{ctx: ctx, rows: rows, values: make([]any, len(columns)), scan: make([]any, len(columns))}
	for i := range r.values {
		r.scan[i] = &r.values[i]
	}
	types, err := rows.ColumnTypes()
	for _, t := range types {
		r.types = append(r.types, t.DatabaseTypeName())
	}
	if err != nil {
		return nil, errors.Join(err, rows.Close()) //nolint:sqlclosecheck // it goes no further
	}
	return r, nil
}

// Next reads a row.
func (r *tableRows) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	if r.err = r.rows.Scan(r.scan...); r.err != nil {
		return false
	}
	for i, t := range r.types {
		if r.values[i], r.err = plain(t, r.values[i]); r.err != nil {
			return false
		}
	}
	r.tally.add(r.values)
	if r.told != nil && r.tally.rows%tellAfter == 0 {
		r.told(r.tally.rows)
		r.err = r.ctx.Err()
	}
	return r.err == nil
}

// Values are those of the row.
func (r *tableRows) Values() ([]any, error) { return r.values, r.err }

// Err is what went wrong.
func (r *tableRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.rows.Err()
}

func (r *tableRows) close() error {
	if err := r.Err(); err != nil {
		_ = r.rows.Close() // the reason is the error at hand
		return err
	}
	return r.rows.Close()
}

// plain is a value as both databases have it: SQLite keeps with each value what it
// is, PostgreSQL with each column.
func plain(column string, value any) (any, error) {
	switch v := value.(type) {
	case nil, int64:
		return v, nil
	case string:
		if column == "BYTEA" {
			return []byte(v), nil
		}
		return v, nil
	case []byte:
		if column == "TEXT" {
			return string(v), nil
		}
		return v, nil
	}
	return nil, fmt.Errorf("a column of %s has a %T", column, value)
}

// tally are rows, counted and summed up whatever their order is: two tables with
// one tally have the same rows.
type tally struct {
	rows int64
	sum  [4]uint64
}

func (t *tally) add(values []any) {
	text := make([]byte, 0, 512)
	for _, value := range values {
		switch v := value.(type) {
		case nil:
			text = append(text, 0)
		case int64:
			text = binary.BigEndian.AppendUint64(append(text, 1), uint64(v))
		case string:
			text = append(binary.BigEndian.AppendUint64(append(text, 2), uint64(len(v))), v...)
		case []byte:
			text = append(binary.BigEndian.AppendUint64(append(text, 3), uint64(len(v))), v...)
		}
	}
	row := sha256.Sum256(text)
	t.rows++
	var carry uint64
	for i := len(t.sum) - 1; i >= 0; i-- {
		t.sum[i], carry = bits.Add64(t.sum[i], binary.BigEndian.Uint64(row[8*i:]), carry)
	}
}

func (t *tally) hex() string {
	var sum []byte
	for _, part := range t.sum {
		sum = binary.BigEndian.AppendUint64(sum, part)
	}
	return hex.EncodeToString(sum)
}

// String is for people.
func (t *tally) String() string { return fmt.Sprintf("%d rows with the sum %.16s", t.rows, t.hex()) }

// tally reads a whole table.
func (s *copySession) tally(ctx context.Context, table string, columns []string) (tally, error) {
	r, err := s.read(ctx, table, columns)
	if err != nil {
		return tally{}, err
	}
	for r.Next() {
		// The tally is all there is to it.
	}
	return r.tally, r.close()
}
