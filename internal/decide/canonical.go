package decide

import "strings"

// Longest parts of an address (RFC 5321 §4.5.3.1.1, §4.5.3.1.2, §4.5.3.1.3).
const (
	maxEmail      = 254 // a path of 256 octets includes its angle brackets
	maxEmailLocal = 64
)

// CanonicalEmail is the one form in which an e-mail address is stored, looked up
// and counted: without surrounding space and with its ASCII letters in lower
// case. It is idempotent, and is applied at the edge, once. What is not an
// addr-spec of RFC 5322 §3.4.1 in its plain form is refused: quoted local parts,
// comments, domain literals, and characters beyond ASCII, whose case mappings
// have let one user in as another.
func CanonicalEmail(text string) (string, bool) {
	email := strings.Map(lowerASCII, strings.Trim(text, " \t\r\n"))
	local, domain, found := strings.Cut(email, "@")
	if !found || len(email) > maxEmail || len(local) > maxEmailLocal || !isDotAtom(local) || !isDomain(domain) {
		return "", false
	}
	return email, true
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}

// isDotAtom: RFC 5322 §3.2.3, atoms with one dot between them.
func isDotAtom(text string) bool {
	for atom := range strings.SplitSeq(text, ".") {
		if atom == "" || strings.Trim(atom, lettersAndDigits+"!#$%&'*+-/=?^_`{|}~") != "" {
			return false
		}
	}
	return true
}

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

// isDomain: RFC 1034 §3.5 with RFC 1123 §2.1, at least two labels of letters,
// digits and inner hyphens.
func isDomain(text string) bool {
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, lettersAndDigits+"-") != "" ||
			strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return len(labels) > 1
}
