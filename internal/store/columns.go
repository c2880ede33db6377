package store

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Columns scan through these types rather than through database/sql's own
// conversions, for two reasons: a LEFT JOIN that finds nothing gives NULLs,
// which are zero values here, and reflection on forty columns would cost more
// than SQLite does.

type text string

// Scan implements sql.Scanner.
func (t *text) Scan(source any) error {
	switch v := source.(type) {
	case nil:
		*t = ""
	case string:
		*t = text(v)
	case []byte:
		*t = text(v)
	default:
		return wrongColumn("text", source)
	}
	return nil
}

type number int64

// Scan implements sql.Scanner.
func (n *number) Scan(source any) error {
	switch v := source.(type) {
	case nil:
		*n = 0
	case int64:
		*n = number(v)
	default:
		return wrongColumn("a number", source)
	}
	return nil
}

// flag is a boolean, kept as 0 or 1.
type flag bool

// Scan implements sql.Scanner.
func (f *flag) Scan(source any) error {
	switch v := source.(type) {
	case nil:
		*f = false
	case int64:
		*f = v != 0
	case bool: // what EXISTS gives on PostgreSQL
		*f = flag(v)
	default:
		return wrongColumn("a flag", source)
	}
	return nil
}

// blob keeps NULL and the empty string apart from nothing: both are nil.
type blob []byte

// Scan implements sql.Scanner. The driver reuses its memory, so the bytes are copied.
func (b *blob) Scan(source any) error {
	switch v := source.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = append(blob(nil), v...)
	case string:
		*b = append(blob(nil), v...)
	default:
		return wrongColumn("bytes", source)
	}
	return nil
}

// words is a list of words with one space between them.
type words []string

// Scan implements sql.Scanner.
func (w *words) Scan(source any) error {
	var joined text
	if err := joined.Scan(source); err != nil {
		return err
	}
	*w = nil
	if joined != "" {
		*w = strings.Split(string(joined), " ")
	}
	return nil
}

// packed is a value that is kept as JSON.
type packed struct{ value any }

// Scan implements sql.Scanner.
func (p packed) Scan(source any) error {
	var raw blob
	if err := raw.Scan(source); err != nil || len(raw) == 0 {
		return err
	}
	return json.Unmarshal(raw, p.value)
}

func wrongColumn(want string, got any) error {
	return fmt.Errorf("a column should hold %s and holds %T", want, got)
}

// The other way: what a statement's arguments are made of.

// bytesOf makes an empty value of nil, which a driver would write as NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// probe makes NULL, which equals nothing, of an empty hash.
func probe(hash []byte) any {
	if len(hash) == 0 {
		return nil
	}
	return hash
}

func numberOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
