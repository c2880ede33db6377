package jose

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrAbsent is wrapped by an accessor's error when the object has no member of
// that name, as opposed to one of another type.
var ErrAbsent = errors.New("absent")

// Object is a JSON object that was read strictly: names are compared byte by
// byte and occur once. encoding/json does neither, which is why claims are not
// read with it: it takes {"sub":"alice","Sub":"mallory"} for mallory.
// The zero Object has no members. An Object never changes.
type Object struct {
	members []member
}

// DecodeObject reads a JSON object (RFC 8259). It refuses anything that readers
// are known to disagree about: invalid UTF-8, duplicate members at any depth,
// unpaired surrogates, and anything after the object (RFC 8725 §2.6, RFC 7493
// §2). At most 32 levels and 256 members an object. Its errors never quote the
// input.
func DecodeObject[Text ~string | ~[]byte](data Text) (Object, error) {
	return decodeObject(string(data))
}

func decodeObject(text string) (Object, error) {
	if !utf8.ValidString(text) {
		return Object{}, errors.New("invalid UTF-8")
	}
	s := scanner{text: text}
	if s.space() != '{' {
		return Object{}, s.fail("no object")
	}
	members, err := s.object(1)
	if err != nil {
		return Object{}, err
	}
	s.space()
	if s.pos != len(text) {
		return Object{}, s.fail("trailing data")
	}
	return Object{members}, nil
}

// Names lists the members in the order they were written.
func (o Object) Names() []string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = m.name
	}
	return names
}

// Has reports whether there is a member of that name, be it null.
func (o Object) Has(name string) bool {
	for i := range o.members {
		if o.members[i].is(name) {
			return true
		}
	}
	return false
}

// Raw returns the JSON of a member as it was written, in a copy of its own.
func (o Object) Raw(name string) ([]byte, error) {
	value, err := o.find(name)
	if err != nil {
		return nil, err
	}
	return []byte(value), nil
}

// String returns a member that is a string.
func (o Object) String(name string) (string, error) {
	value, err := o.find(name)
	if err != nil {
		return "", err
	}
	if value[0] != '"' {
		return "", notA(name, "a string")
	}
	return unquote(value), nil
}

// Bool returns a member that is true or false.
func (o Object) Bool(name string) (bool, error) {
	value, err := o.find(name)
	if err != nil {
		return false, err
	}
	if value != "true" && value != "false" {
		return false, notA(name, "a boolean")
	}
	return value == "true", nil
}

// Int64 returns a member that is written as an integer: no fraction, no
// exponent, within 64 bits.
func (o Object) Int64(name string) (int64, error) {
	value, err := o.find(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, notA(name, "an integer of 64 bits")
	}
	return n, nil
}

// Float returns a member that is a number within the range of a float64.
func (o Object) Float(name string) (float64, error) {
	value, err := o.find(name)
	if err != nil {
		return 0, err
	}
	if value[0] != '-' && !isDigit(value[0]) {
		return 0, notA(name, "a number")
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, notA(name, "a number in range")
	}
	return f, nil
}

// NumericDate returns a time in whole seconds since 1970 (RFC 7519 §2), floored
// where a fraction is given. Within ±2^53, where every reader has the same
// number; a negative exponent is refused, for no clock writes one.
func (o Object) NumericDate(name string) (int64, error) {
	value, err := o.find(name)
	if err != nil {
		return 0, err
	}
	if seconds, ok := digits(value); ok { // as nearly every writer has it
		return seconds, nil
	}
	f, err := o.Float(name)
	if err != nil {
		return 0, err
	}
	if math.Abs(f) > 1<<53 || strings.Contains(value, "e-") || strings.Contains(value, "E-") {
		return 0, notA(name, "a date")
	}
	return int64(math.Floor(f)), nil
}

// digits reads a number of at most 15 digits and nothing else.
func digits(value string) (n int64, ok bool) {
	for _, c := range []byte(value) {
		if !isDigit(c) {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(value) <= 15
}

// Strings returns a member that is an array of strings.
func (o Object) Strings(name string) ([]string, error) {
	value, err := o.find(name)
	if err != nil {
		return nil, err
	}
	if value[0] != '[' {
		return nil, notA(name, "an array of strings")
	}
	elements, err := (&scanner{text: value}).array(1, true)
	if err != nil {
		return nil, err
	}
	for i, element := range elements {
		if element[0] != '"' {
			return nil, notA(name, "an array of strings")
		}
		elements[i] = unquote(element)
	}
	return elements, nil
}

// StringOrStrings returns a member that is a string, as a list of one, or an
// array of strings: the two spellings of "aud" (RFC 7519 §4.1.3).
func (o Object) StringOrStrings(name string) ([]string, error) {
	if s, err := o.String(name); err == nil {
		return []string{s}, nil
	}
	return o.Strings(name)
}

// Object returns a member that is itself an object.
func (o Object) Object(name string) (Object, error) {
	value, err := o.find(name)
	if err != nil {
		return Object{}, err
	}
	if value[0] != '{' {
		return Object{}, notA(name, "an object")
	}
	return decodeObject(value)
}

func (o Object) find(name string) (string, error) {
	for i := range o.members {
		if o.members[i].is(name) {
			return o.members[i].value, nil
		}
	}
	return "", fmt.Errorf("member %q: %w", name, ErrAbsent)
}

func notA(name, what string) error {
	return fmt.Errorf("member %q: not %s", name, what)
}

// objects returns a member that is an array of objects.
func (o Object) objects(name string) ([]Object, error) {
	value, err := o.find(name)
	if err != nil {
		return nil, err
	}
	if value[0] != '[' {
		return nil, notA(name, "an array of objects")
	}
	elements, err := (&scanner{text: value}).array(1, true)
	if err != nil {
		return nil, err
	}
	objects := make([]Object, len(elements))
	for i, element := range elements {
		if element[0] != '{' {
			return nil, notA(name, "an array of objects")
		}
		if objects[i], err = decodeObject(element); err != nil {
			return nil, err
		}
	}
	return objects, nil
}
