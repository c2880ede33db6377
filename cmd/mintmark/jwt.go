package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// inspectedClaim is one member of a JWT's header or claims.
type inspectedClaim struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
	Says  string          `json:"says,omitempty"`
	Bytes int             `json:"bytes,omitempty"` // of the JSON, with its name
}

// largeToken is where proxies and cookies begin to matter.
const largeToken = 1500

func quoted(text string) json.RawMessage { return json.RawMessage(strconv.Quote(text)) }

// readJWT takes a JWT apart, more leniently than a verifier: what is wrong is said
// and not refused.
func (s *inspection) readJWT(token string) error {
	parts := strings.Split(token, ".")
	s.Parts = &inspectedParts{Header: len(parts[0]), Claims: len(parts[1]), Signature: len(parts[2])}
	if err := s.readHeader(parts[0]); err != nil {
		return fmt.Errorf("reading the header of the JWT: %w", err)
	}
	claims, err := decodePart(parts[1])
	if err != nil {
		return fmt.Errorf("reading the claims of the JWT: %w", err)
	}
	s.Claims = members(claims, claimMeanings)
	s.identify(claims)
	s.warnOfTimes(claims)
	if s.Bytes > largeToken {
		s.warn("It is larger than 1.5 kB: some cookies and header limits will not hold it. The claims above say where the bytes are.")
	}
	if parts[2] == "" {
		s.warn("It has no signature: anybody can write one like it.")
	}
	return nil
}

// decodePart reads one part of a JWT.
func decodePart(part string) (jose.Object, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return jose.Object{}, errors.New("it is not base64url")
	}
	return jose.DecodeObject(raw)
}

func (s *inspection) readHeader(part string) error {
	header, err := decodePart(part)
	if err != nil {
		return err
	}
	s.Header = members(header, headerMeanings)
	if alg, err := header.String("alg"); err != nil {
		s.warn("The header names no algorithm.")
	} else if strings.EqualFold(alg, "none") {
		s.warn("alg is none: no verifier may accept it.")
	} else if strings.HasPrefix(alg, "HS") {
		s.warn("alg is %s: whoever can verify it can also make one.", alg)
	}
	return nil
}

// members lists an object in the order in which it was written.
func members(o jose.Object, meanings map[string]string) []inspectedClaim {
	var list []inspectedClaim
	for _, name := range o.Names() {
		raw, err := o.Raw(name)
		if err != nil {
			continue // it is there: Names said so
		}
		says := meanings[name]
		if at, err := o.NumericDate(name); err == nil && slices.Contains(dateClaims, name) {
			says += ": " + moment(time.Unix(at, 0))
		}
		if name == "rvs" {
			if at, err := o.Int64(name); err == nil {
				says += ": " + moment(time.UnixMilli(at))
			}
		}
		list = append(list, inspectedClaim{Name: name, Value: raw, Says: says, Bytes: len(strconv.Quote(name)) + 1 + len(raw)})
	}
	return list
}

// identify says which token a JWT is, and warns where one could be taken for
// another.
func (s *inspection) identify(claims jose.Object) {
	typ := s.headerText("typ")
	idLike := claims.Has("nonce") || claims.Has("at_hash") || claims.Has("c_hash")
	switch {
	case (jose.Header{Typ: typ}).HasType("at+jwt"):
		s.Kind, s.Says = "access", "An access token (RFC 9068): for APIs, never for the client itself."
		for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
			if !claims.Has(name) {
				s.warn("RFC 9068 §2.2 requires %s, and it is not there.", name)
			}
		}
	case (jose.Header{Typ: typ}).HasType("logout+jwt"):
		s.Kind, s.Says = "logout", "A logout token (Back-Channel Logout): it tells a client that a sign-in ended."
	case idLike:
		s.Kind, s.Says = "id", "An ID token (OpenID Connect Core §2): it tells a client who signed in."
		s.warn("It is an ID token: an API that takes it for an access token lets in whoever can get one of any client.")
	default:
		s.Kind, s.Says = "jwt", "A JWT whose header does not say what it is for."
		if claims.Has("sub") && claims.Has("aud") && !claims.Has("scope") && !claims.Has("client_id") {
			s.Says += " It looks like an ID token (OpenID Connect Core §2)."
			s.warn("It looks like an ID token: an API must not accept it.")
		}
	}
}

func (s *inspection) headerText(name string) string {
	for _, member := range s.Header {
		var text string
		if member.Name == name && json.Unmarshal(member.Value, &text) == nil {
			return text
		}
	}
	return ""
}

func (s *inspection) warnOfTimes(claims jose.Object) {
	now := time.Now()
	exp, err := claims.NumericDate("exp")
	switch {
	case errors.Is(err, jose.ErrAbsent):
		s.warn("It has no exp: it never expires.")
	case err != nil:
		s.warn("exp is not a time in seconds.")
	case time.Unix(exp, 0).Before(now):
		s.warn("It expired %s.", fromNow(time.Unix(exp, 0)))
	}
	for _, name := range []string{"nbf", "iat"} {
		if at, err := claims.NumericDate(name); err == nil && time.Unix(at, 0).After(now.Add(time.Minute)) {
			s.warn("%s is in the future, %s: the clocks differ.", name, fromNow(time.Unix(at, 0)))
		}
	}
}
