package clientcert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// attribute is one part of a distinguished name: a type, and its value as text or,
// where the string said it in that way, as DER.
type attribute struct {
	kind string // an object identifier in dotted decimal
	text string
	der  []byte // nil: text counts
}

// attributeKinds are the short names of types: those of RFC 4514 §3, and others
// that certificates have and tools write.
var attributeKinds = map[string]string{
	"CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6",
	"STREET": "2.5.4.9", "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",

	"SERIALNUMBER": "2.5.4.5", "SN": "2.5.4.4", "GIVENNAME": "2.5.4.42", "TITLE": "2.5.4.12", "POSTALCODE": "2.5.4.17",
	"BUSINESSCATEGORY": "2.5.4.15", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"EMAILADDRESS": "1.2.840.113549.1.9.1", "E": "1.2.840.113549.1.9.1",
	"JURISDICTIONC": "1.3.6.1.4.1.311.60.2.1.3", "JURISDICTIONCOUNTRYNAME": "1.3.6.1.4.1.311.60.2.1.3",
}

// parseDN reads a distinguished name as a string (RFC 4514 §3). The last part of a
// certificate's name stands first (§2.1).
func parseDN(text string) ([][]attribute, error) {
	p := dnParser{rest: text}
	var name [][]attribute
	for {
		var part []attribute
		for {
			one, err := p.attribute()
			if err != nil {
				return nil, err
			}
			part = append(part, one)
			if !p.take('+') {
				break
			}
		}
		name = append(name, part)
		if p.rest == "" {
			return name, nil
		}
		if !p.take(',') {
			return nil, errors.New("is no distinguished name: a comma or a plus sign is missing")
		}
	}
}

// dnParser reads a name from left to right. Spaces around the signs between parts
// are left out, as OpenSSL and others write them.
type dnParser struct{ rest string }

func (p *dnParser) space() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *dnParser) take(sign byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != sign {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *dnParser) attribute() (attribute, error) {
	p.space()
	kind, rest, found := strings.Cut(p.rest, "=")
	if !found {
		return attribute{}, errors.New("is no distinguished name: a part has no value")
	}
	kind = strings.TrimRight(kind, " ")
	id, known := attributeKinds[strings.ToUpper(kind)] // RFC 4514 §3: descr is not case-sensitive
	if !known {
		if id = kind; !isOID(kind) {
			return attribute{}, fmt.Errorf("is no distinguished name: %q is no type of attribute that is known here", kind)
		}
	}
	p.rest = rest
	p.space()
	if strings.HasPrefix(p.rest, "#") {
		return p.hex(id)
	}
	value, err := p.value()
	return attribute{kind: id, text: value}, err
}

func isOID(text string) bool {
	for arc := range strings.SplitSeq(text, ".") {
		if arc == "" || strings.Trim(arc, "0123456789") != "" || len(arc) > 1 && arc[0] == '0' {
			return false
		}
	}
	return strings.Contains(text, ".")
}

// hex reads a value that is written as its BER (RFC 4514 §2.4).
func (p *dnParser) hex(kind string) (attribute, error) {
	end := strings.IndexAny(p.rest, ",+ ")
	if end < 0 {
		end = len(p.rest)
	}
	der, err := hex.DecodeString(p.rest[1:end])
	if err != nil || len(der) == 0 {
		return attribute{}, errors.New("is no distinguished name: a value after # is no hex")
	}
	p.rest = p.rest[end:]
	return attribute{kind: kind, der: der}, nil
}

// value reads a string and undoes its escapes (RFC 4514 §2.4, §3).
func (p *dnParser) value() (string, error) {
	bad := errors.New("is no distinguished name: a value is empty, or has a sign that must be escaped")
	var value []byte
	spaces := 0 // at the end, unescaped
	for p.rest != "" {
		c := p.rest[0]
		switch {
		case c == ',' || c == '+':
			return finished(value, spaces, bad)
		case c == '\\':
			unescaped, n := unescape(p.rest)
			if n == 0 {
				return "", bad
			}
			value, p.rest, spaces = append(value, unescaped), p.rest[n:], 0
			continue
		case c == 0 || strings.IndexByte(`";<>`, c) >= 0:
			return "", bad
		case c == ' ':
			spaces++
		default:
			spaces = 0
		}
		value, p.rest = append(value, c), p.rest[1:]
	}
	return finished(value, spaces, bad)
}

func finished(value []byte, spaces int, bad error) (string, error) {
	value = value[:len(value)-spaces]
	if len(value) == 0 || !utf8.Valid(value) {
		return "", bad
	}
	return string(value), nil
}

// unescape reads an escape: a sign, or two digits of hex. n is its length, 0 if it
// is none.
func unescape(text string) (value byte, n int) {
	if len(text) < 2 {
		return 0, 0
	}
	if strings.IndexByte(`\"+,;<>#= `, text[1]) >= 0 {
		return text[1], 2
	}
	if len(text) < 3 {
		return 0, 0
	}
	raw, err := hex.DecodeString(text[1:3])
	if err != nil {
		return 0, 0
	}
	return raw[0], 3
}

// What a certificate's name is made of (RFC 5280 §4.1.2.4). encoding/asn1 reads a
// type whose name ends in SET as a set.
type (
	storedAttribute struct {
		Kind  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	storedSET  []storedAttribute
	storedName []storedSET
)

// namesDN reports whether a certificate has a distinguished name: the same parts in
// the same order, with the same values. Letters are compared as they are: whether an
// authority tells two names apart that differ in them is not known here.
func namesDN(text string, leaf *x509.Certificate) bool {
	asked, err := parseDN(text)
	var stored storedName
	rest, err2 := asn1.Unmarshal(leaf.RawSubject, &stored)
	if err != nil || err2 != nil || len(rest) != 0 || len(stored) != len(asked) {
		return false
	}
	for i, part := range stored {
		if !samePart(asked[len(asked)-1-i], part) {
			return false
		}
	}
	return true
}

// samePart compares what stands in one part, which has no order.
func samePart(asked []attribute, stored storedSET) bool {
	if len(asked) != len(stored) {
		return false
	}
	left := slices.Clone(asked)
	for _, one := range stored {
		at := slices.IndexFunc(left, func(a attribute) bool { return a.is(one) })
		if at < 0 {
			return false
		}
		left = slices.Delete(left, at, at+1)
	}
	return true
}

func (a attribute) is(stored storedAttribute) bool {
	if stored.Kind.String() != a.kind {
		return false
	}
	if a.der != nil {
		return bytes.Equal(a.der, stored.Value.FullBytes)
	}
	var text string
	rest, err := asn1.Unmarshal(stored.Value.FullBytes, &text) // of any type that is a string
	return err == nil && len(rest) == 0 && text == a.text
}
