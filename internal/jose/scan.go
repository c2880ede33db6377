package jose

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Bounds on a JSON document. They keep the work linear in its length: a new
// name is compared with at most maxMembers others.
const (
	maxDepth   = 32
	maxMembers = 256
)

// member is one name of an object, decoded, and its value as it stood there.
type member struct {
	name, value string
}

// is compares names. Most claims have three letters, and few of them the last one in
// common: to look at that first is half of what finding them costs.
func (m *member) is(name string) bool {
	last := len(name) - 1
	return len(m.name) == len(name) && (last < 0 || m.name[last] == name[last]) && m.name == name
}

// scanner walks a JSON text (RFC 8259) that is known to be valid UTF-8.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("invalid JSON at byte %d: %s", s.pos, what)
}

// peek returns the byte at the cursor, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// space skips insignificant whitespace and returns the byte after it.
func (s *scanner) space() byte {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return s.text[s.pos]
		}
	}
	return 0
}

// value passes over one value. depth counts the containers around it.
func (s *scanner) value(depth int) error {
	switch c := s.space(); {
	case c == '{':
		_, err := s.object(depth + 1)
		return err
	case c == '[':
		_, err := s.array(depth+1, false)
		return err
	case c == '"':
		_, err := s.literal()
		return err
	case c == '-' || isDigit(c):
		return s.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.pos:], word) {
			s.pos += len(word)
			return nil
		}
	}
	return s.fail("no value")
}

// object reads an object and refuses a name that occurs twice
// (RFC 7515 §4, RFC 7519 §4 leave the choice; encoding/json takes the last).
func (s *scanner) object(depth int) ([]member, error) {
	if depth > maxDepth {
		return nil, s.fail("too deep")
	}
	s.pos++ // the opening brace
	if s.space() == '}' {
		s.pos++
		return nil, nil
	}
	members := make([]member, 0, s.expected(depth))
	for {
		m, err := s.member(depth)
		if err != nil {
			return nil, err
		}
		if len(members) == maxMembers {
			return nil, s.fail("too many members")
		}
		for i := range members {
			if members[i].is(m.name) {
				return nil, s.fail("duplicate member")
			}
		}
		members = append(members, m)
		more, err := s.next('}')
		if err != nil || !more {
			return members, err
		}
	}
}

// expected is a guess at how many members an object has. Only the outermost is worth
// counting for, as only it is counted once.
func (s *scanner) expected(depth int) int {
	const usual = 16
	if depth > 1 {
		return usual
	}
	return min(usual, 1+strings.Count(s.text, ","))
}

func (s *scanner) member(depth int) (member, error) {
	if s.space() != '"' {
		return member{}, s.fail("no member name")
	}
	quoted, err := s.literal()
	if err != nil {
		return member{}, err
	}
	if s.space() != ':' {
		return member{}, s.fail("no colon")
	}
	s.pos++
	s.space()
	start := s.pos
	if err := s.value(depth); err != nil {
		return member{}, err
	}
	return member{unquote(quoted), s.text[start:s.pos]}, nil
}

// array reads an array and returns its elements, if they are wanted, as they stood there.
func (s *scanner) array(depth int, wanted bool) ([]string, error) {
	if depth > maxDepth {
		return nil, s.fail("too deep")
	}
	s.pos++ // the opening bracket
	if s.space() == ']' {
		s.pos++
		return nil, nil
	}
	var elements []string
	for {
		s.space()
		start := s.pos
		if err := s.value(depth); err != nil {
			return nil, err
		}
		if wanted {
			elements = append(elements, s.text[start:s.pos])
		}
		more, err := s.next(']')
		if err != nil || !more {
			return elements, err
		}
	}
}

// next passes over a comma (more follows) or the closing bracket.
func (s *scanner) next(closing byte) (more bool, err error) {
	c := s.space()
	if c != ',' && c != closing {
		return false, s.fail("neither a comma nor an end")
	}
	s.pos++
	return c == ',', nil
}

// literal passes over a string and returns it with its quotes.
func (s *scanner) literal() (string, error) {
	start := s.pos
	s.pos++ // the opening quote
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return s.text[start:s.pos], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return "", err
			}
		case c < ' ':
			return "", s.fail("control character in a string")
		default:
			s.pos++
		}
	}
	return "", s.fail("unterminated string")
}

func (s *scanner) escape() error {
	if s.pos+1 < len(s.text) && strings.IndexByte(`"\/bfnrt`, s.text[s.pos+1]) >= 0 {
		s.pos += 2
		return nil
	}
	unit, ok := s.codeUnit()
	if !ok {
		return s.fail("invalid escape")
	}
	s.pos += 6
	if unit < 0xD800 || unit > 0xDFFF {
		return nil
	}
	// RFC 7493 §2.1: a surrogate comes in a pair or not at all; readers disagree
	// on what a lone one means.
	low, ok := s.codeUnit()
	if unit > 0xDBFF || !ok || low < 0xDC00 || low > 0xDFFF {
		return s.fail("unpaired surrogate")
	}
	s.pos += 6
	return nil
}

// codeUnit reads the \uXXXX at the cursor without passing over it.
func (s *scanner) codeUnit() (uint64, bool) {
	rest := s.text[s.pos:]
	if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(rest[2:6], 16, 16)
	return unit, err == nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if s.digits() == 0 {
		return s.fail("invalid number")
	}
	if s.peek() == '.' {
		s.pos++
		if s.digits() == 0 {
			return s.fail("invalid number")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if s.digits() == 0 {
			return s.fail("invalid number")
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for ; isDigit(s.peek()); n++ {
		s.pos++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// unquote returns what a literal that was already checked says.
func unquote(literal string) string {
	if strings.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	var s string
	if err := json.Unmarshal([]byte(literal), &s); err != nil {
		panic("jose: a checked literal does not unquote: " + err.Error())
	}
	return s
}
