package inspect

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// signed reports on a compact JWS (RFC 7515 §7.1). It reads more than a verifier
// would take: the report of a token that every verifier refuses says why.
func signed(text string, now time.Time) (Report, error) {
	parts := strings.Split(text, ".")
	header, err := decode(parts[0])
	if err != nil {
		return Report{}, fmt.Errorf("reading header: %w", err)
	}
	claims, err := decode(parts[1])
	if err != nil {
		return Report{}, fmt.Errorf("reading payload: %w", err)
	}
	r := Report{Kind: kindOf(header, claims), Bytes: len(text)}
	r.About = about(r.Kind)
	r.Header = members(header, headerMeaning)
	r.Claims = members(claims, func(name, value string) string { return claimMeaning(r.Kind, name, value) })
	for i := range r.Claims {
		r.Claims[i].Words = timeWords(claims, r.Claims[i].Name, now)
	}
	for i, name := range []string{"header", "payload", "signature"} {
		r.Parts = append(r.Parts, Part{name, len(parts[i])})
	}
	r.Life = life(claims, now)
	t := token{text: text, kind: r.Kind, header: header, claims: claims, now: now}
	r.Warnings = t.warnings()
	return r, nil
}

// kindOf goes by the type (RFC 8725 §3.11) and, where there is none worth the
// name, by the claims that only one kind has.
func kindOf(header, claims jose.Object) Kind {
	typ, _ := header.String("typ") // a type that is no string is none
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "at+jwt": // RFC 9068 §2.1
		return AccessToken
	case "logout+jwt": // OpenID Connect Back-Channel Logout §2.4
		return LogoutToken
	case "dpop+jwt": // RFC 9449 §4.2
		return ProofToken
	case "secevent+jwt": // RFC 8417 §2.3
		return SecurityEvent
	case "jwt", "":
	default:
		return SignedToken
	}
	switch {
	case claims.Has("nonce"), claims.Has("at_hash"), claims.Has("c_hash"): // OpenID Connect Core §2, §3.1.3.6
		return IDToken
	case claims.Has("scope"), claims.Has("scp"):
		return AccessToken
	}
	return SignedToken
}

// members lists an object's members. Together they are as long as the encoded
// object, each with its comma or brace.
func members(o jose.Object, meaning func(name, value string) string) []Member {
	list := make([]Member, 0, len(o.Names()))
	at := 0
	for i, name := range o.Names() {
		raw, err := o.Raw(name)
		if err != nil {
			continue // never: the name is the object's own
		}
		end := at + len(`{"":`) + len(name) + len(raw)
		if i == len(o.Names())-1 {
			end += len("}")
		}
		value := shown(o, name, raw)
		list = append(list, Member{
			Name: visible(name), Value: value, Meaning: meaning(name, value), Bytes: encodedBetween(at, end),
		})
		at = end
	}
	return list
}

// encodedBetween is what the bytes from one offset to another take in base64url;
// neighbours add up exactly.
func encodedBetween(from, to int) int {
	return base64.RawURLEncoding.EncodedLen(to) - base64.RawURLEncoding.EncodedLen(from)
}

func shown(o jose.Object, name string, raw []byte) string {
	if text, err := o.String(name); err == nil {
		return visible(text)
	}
	return visible(string(raw))
}

// visible escapes what a terminal would obey or not show.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
