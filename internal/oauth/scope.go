package oauth

import (
	"slices"
	"strings"
)

// The scopes of OpenID Connect Core §5.4 and §11.
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopeAddress       = "address"
	ScopePhone         = "phone"
	ScopeOfflineAccess = "offline_access"
)

// ScopeReadRevocations is what a verifier's client needs to follow the revocation feed.
const ScopeReadRevocations = "revocations:read"

// Scopes is a set of scope words in canonical form: sorted, each once. Make it with ParseScopes or NewScopes. The zero
// value is the empty set. As JSON it is the space-separated string.
type Scopes []string

// ParseScopes reads the value of a scope parameter: words with one space between them. The empty string is the empty set.
func ParseScopes(value string) (Scopes, bool) {
	if value == "" {
		return nil, true
	}
	words := strings.Split(value, " ")
	for _, word := range words {
		if !isScopeWord(word) {
			return nil, false
		}
	}
	return NewScopes(words...), true
}

// NewScopes makes the set of some words, which must each be a scope word.
func NewScopes(words ...string) Scopes {
	if len(words) == 0 {
		return nil
	}
	set := slices.Clone(words)
	slices.Sort(set)
	return Scopes(slices.Compact(set))
}

// isScopeWord: RFC 6749 §3.3, scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
func isScopeWord(word string) bool {
	for i := range len(word) {
		if c := word[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return word != ""
}

// String is the canonical form: the words in order, one space between them.
func (s Scopes) String() string { return strings.Join(s, " ") }

// Has reports whether the set contains the word.
func (s Scopes) Has(word string) bool {
	_, found := slices.BinarySearch(s, word)
	return found
}

// Within reports whether every word of s is also in outer. One pass over both.
func (s Scopes) Within(outer Scopes) bool {
	i := 0
	for _, word := range s {
		for i < len(outer) && outer[i] < word {
			i++
		}
		if i == len(outer) || outer[i] != word {
			return false
		}
	}
	return true
}

// Or gives the words that are in either set.
func (s Scopes) Or(other Scopes) Scopes { return NewScopes(slices.Concat(s, other)...) }

// MarshalText makes the set a string in JSON.
func (s Scopes) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Scopes) UnmarshalText(text []byte) error {
	set, ok := ParseScopes(string(text))
	if !ok {
		return Refuse(ReasonScopeMalformed).With("scope")
	}
	*s = set
	return nil
}

// StandardScopes lists the scopes that OpenID Connect gives a meaning.
func StandardScopes() Scopes {
	return NewScopes(ScopeOpenID, ScopeProfile, ScopeEmail, ScopeAddress, ScopePhone, ScopeOfflineAccess)
}

// AttributesOf lists the claims that a scope asks for. OpenID Connect Core §5.4. It is empty for every other scope.
func AttributesOf(scope string) []string {
	switch scope {
	case ScopeProfile:
		return []string{
			"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
			"website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
		}
	case ScopeEmail:
		return []string{"email", "email_verified"}
	case ScopeAddress:
		return []string{"address"}
	case ScopePhone:
		return []string{"phone_number", "phone_number_verified"}
	}
	return nil
}
