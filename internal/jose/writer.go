package jose

import (
	"strconv"
	"unicode/utf8"
)

// Writer appends a JSON object to a buffer, member by member, without
// reflection; into a buffer that is large enough it allocates nothing. It does
// not look for duplicate names: those are the caller's own. Used for claims
// and for the answers of the token endpoint.
type Writer struct {
	buf []byte
}

// BeginObject opens an object at the end of buf, which may be nil. Each
// BeginObject and each [Writer.Object] needs one [Writer.End].
func BeginObject(buf []byte) Writer {
	return Writer{append(buf, '{')}
}

// End closes the innermost object that is still open and returns the buffer,
// which is a whole JSON text once the outermost is closed.
func (w *Writer) End() []byte {
	w.buf = append(w.buf, '}')
	return w.buf
}

// Open returns the buffer with the object still open, for members that are JSON
// already.
func (w *Writer) Open() []byte { return w.buf }

// String adds a string. Bytes that are not UTF-8 become U+FFFD.
func (w *Writer) String(name, value string) {
	w.name(name)
	w.buf = appendString(w.buf, value)
}

// Strings adds an array of strings, empty (not null) for nil.
func (w *Writer) Strings(name string, values []string) {
	w.name(name)
	w.buf = append(w.buf, '[')
	for i, value := range values {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = appendString(w.buf, value)
	}
	w.buf = append(w.buf, ']')
}

// Int adds an integer.
func (w *Writer) Int(name string, value int64) {
	w.name(name)
	w.buf = strconv.AppendInt(w.buf, value, 10)
}

// Bool adds true or false.
func (w *Writer) Bool(name string, value bool) {
	w.name(name)
	w.buf = strconv.AppendBool(w.buf, value)
}

// Raw adds a value that already is JSON, as [Object.Raw] returns it. It is
// taken on trust.
func (w *Writer) Raw(name string, json []byte) {
	w.name(name)
	w.buf = append(w.buf, json...)
}

// Object opens an object as the value of name; what follows goes into it until
// [Writer.End].
func (w *Writer) Object(name string) {
	w.name(name)
	w.buf = append(w.buf, '{')
}

// name writes the comma, if one is due, the name and the colon. No value ends
// in an opening brace, so one at the end of the buffer is ours.
func (w *Writer) name(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(appendString(w.buf, name), ':')
}

// appendString quotes s, escaping what RFC 8259 §7 requires and no more.
func appendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	start := 0 // of the run not yet copied
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		buf = appendEscaped(append(buf, s[start:i]...), c)
		i += size
		start = i
	}
	return append(append(buf, s[start:]...), '"')
}

// appendEscaped writes what stands for a byte that cannot stand for itself.
func appendEscaped(buf []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(buf, '\\', c)
	case c == '\n':
		return append(buf, `\n`...)
	case c == '\r':
		return append(buf, `\r`...)
	case c == '\t':
		return append(buf, `\t`...)
	case c < ' ':
		return append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return utf8.AppendRune(buf, utf8.RuneError)
}
