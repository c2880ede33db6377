// Package revocation holds what the server and every verifier must agree on to
// the byte: what can be revoked (targets), when a token is dead (one
// comparison), under which name a target travels on the feed, and the hash
// chain that lets a reader prove it missed nothing. It is pure: no clock, no
// randomness, no I/O.
package revocation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Kind says what a revocation is aimed at. Its number is part of the wire
// format of the feed and never changes. 10 to 13 are reserved for dev, jkt, org
// and agent, which join when tokens first carry them.
type Kind byte

// The kinds of targets. Touch is not a revocation: it says that a cached row
// changed, moves the logical clock, is never served on the feed and is not part
// of the chain.
const (
	JTI     Kind = 1
	SID     Kind = 2
	GID     Kind = 3
	KID     Kind = 4
	Sub     Kind = 5
	Client  Kind = 6
	Consent Kind = 7
	Aud     Kind = 8
	All     Kind = 9
	Touch   Kind = 64
)

// ErrUnknownKind is returned for a kind this version does not know. A verifier
// that meets one can no longer tell what is alive and must treat itself as stale.
var ErrUnknownKind = errors.New("unknown kind of revocation")

// ErrMalformedTarget is returned for bytes that no Target encodes to.
var ErrMalformedTarget = errors.New("malformed revocation target")

// String returns the kind's name: the claim it is matched against, where there is one.
func (k Kind) String() string {
	switch k {
	case JTI:
		return "jti"
	case SID:
		return "sid"
	case GID:
		return "gid"
	case KID:
		return "kid"
	case Sub:
		return "sub"
	case Client:
		return "client"
	case Consent:
		return "consent"
	case Aud:
		return "aud"
	case All:
		return "all"
	case Touch:
		return "touch"
	default:
		return fmt.Sprintf("kind(%d)", byte(k))
	}
}

// ParseKind is the inverse of Kind.String for the kinds of this version.
func ParseKind(name string) (Kind, error) {
	for k := JTI; k <= Touch; k++ {
		if k.known() && k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: %q", ErrUnknownKind, name)
}

// Forever reports whether whatever is named never comes back: its cutoff is
// Forever rather than a reading of the logical clock.
func (k Kind) Forever() bool { return k >= JTI && k <= KID }

func (k Kind) known() bool { return k >= JTI && k <= All || k == Touch }

// parts is how many values make a target of this kind.
func (k Kind) parts() int {
	switch k {
	case All:
		return 0
	case Consent, Touch:
		return 2
	default:
		return 1
	}
}

// Target is what one revocation is aimed at. Targets are comparable and serve as
// map keys. The zero Target aims at nothing.
type Target struct {
	kind  Kind
	parts [2]string
}

// maxPart is the longest part that the two length bytes of the encoding hold.
const maxPart = math.MaxUint16

// newTarget cuts over-long parts (no token we accept can carry one): two values
// that differ only beyond the cut share their revocations, which errs on the
// dead side.
func newTarget(kind Kind, parts ...string) Target {
	t := Target{kind: kind}
	for i, part := range parts {
		t.parts[i] = part[:min(len(part), maxPart)]
	}
	return t
}

// ForJTI aims at one access token.
func ForJTI(jti string) Target { return newTarget(JTI, jti) }

// ForSID aims at every token of one session.
func ForSID(sid string) Target { return newTarget(SID, sid) }

// ForGID aims at every token of one grant.
func ForGID(gid string) Target { return newTarget(GID, gid) }

// ForKID aims at every token signed with one key.
func ForKID(kid string) Target { return newTarget(KID, kid) }

// ForSub aims at every token of one user, by the sub as it stands in the token
// (a pairwise user has one target for each sub given out).
func ForSub(sub string) Target { return newTarget(Sub, sub) }

// ForClient aims at every token issued to one client.
func ForClient(clientID string) Target { return newTarget(Client, clientID) }

// ForConsent aims at every token that one user let one client have.
func ForConsent(sub, clientID string) Target { return newTarget(Consent, sub, clientID) }

// ForAud aims at every token for one resource server.
func ForAud(aud string) Target { return newTarget(Aud, aud) }

// ForAll aims at every token of the issuer.
func ForAll() Target { return newTarget(All) }

// ForTouch says that a row which nodes keep in memory has changed.
func ForTouch(table, id string) Target { return newTarget(Touch, table, id) }

// Kind returns what sort of thing the target is.
func (t Target) Kind() Kind { return t.kind }

// Part returns the i-th value of the target, counted from 0 in the order of its
// constructor's arguments; "" beyond the last.
func (t Target) Part(i int) string {
	if i < 0 || i >= len(t.parts) {
		return ""
	}
	return t.parts[i]
}

// String renders the target for logs and the audit trail.
func (t Target) String() string {
	switch t.kind.parts() {
	case 0:
		return t.kind.String()
	case 1:
		return fmt.Sprintf("%s %q", t.kind, t.parts[0])
	default:
		return fmt.Sprintf("%s %q %q", t.kind, t.parts[0], t.parts[1])
	}
}

// Append appends the target's encoding: the kind's byte, then each part as its
// length in two bytes, big-endian, and its bytes.
func (t Target) Append(dst []byte) []byte {
	dst = append(dst, byte(t.kind))
	for _, part := range t.parts[:t.kind.parts()] {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(part))) // newTarget cuts at maxPart
		dst = append(dst, part...)
	}
	return dst
}

// ParseTarget is the strict inverse of Append: ErrUnknownKind for a kind of a
// later version, ErrMalformedTarget for anything missing or left over.
func ParseTarget(b []byte) (Target, error) {
	if len(b) == 0 {
		return Target{}, ErrMalformedTarget
	}
	t := Target{kind: Kind(b[0])}
	if !t.kind.known() {
		return Target{}, fmt.Errorf("%w: %d", ErrUnknownKind, b[0])
	}
	rest := b[1:]
	for i := range t.kind.parts() {
		if len(rest) < 2 {
			return Target{}, ErrMalformedTarget
		}
		n := int(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if len(rest) < n {
			return Target{}, ErrMalformedTarget
		}
		t.parts[i], rest = string(rest[:n]), rest[n:]
	}
	if len(rest) > 0 {
		return Target{}, ErrMalformedTarget
	}
	return t, nil
}
