package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"
)

// ClaimsRequest is what the claims parameter asks for, as far as it means something here: OpenID Connect Core §5.5. The
// rest of it "MUST be ignored", and is not kept.
type ClaimsRequest struct {
	Userinfo []string `json:"userinfo,omitempty"` // attributes of the user, sorted
	IDToken  []string `json:"id_token,omitempty"` // the same
	// Subjects are those of whom one must be the user. §5.5.1.
	Subjects []string `json:"subjects,omitempty"`
	// EssentialACR: the ID token must say one of ACRValues, or any where there is none. §5.5.1.1.
	EssentialACR bool     `json:"essential_acr,omitempty"`
	ACRValues    []string `json:"acr_values,omitempty"`
}

// Attributes lists every claim about a user that a scope of OpenID Connect stands for, sorted.
func Attributes() []string {
	var all []string
	for _, scope := range StandardScopes() {
		all = append(all, AttributesOf(scope)...)
	}
	slices.Sort(all)
	return all
}

// errClaims is all that is said about a malformed claims parameter.
var errClaims = errors.New("malformed claims")

// ParseClaimsRequest reads the value of a claims parameter. A member is null or an object; what is in an object that we
// know has its type; no member stands twice. §5.5, §5.5.1.
func ParseClaimsRequest(text string) (*ClaimsRequest, error) {
	top, err := objectMembers([]byte(text))
	if err != nil || !utf8.ValidString(text) {
		return nil, errClaims
	}
	q := &ClaimsRequest{}
	if q.Userinfo, _, err = attributesAsked(top["userinfo"]); err != nil {
		return nil, err
	}
	var own map[string]json.RawMessage
	if q.IDToken, own, err = attributesAsked(top["id_token"]); err != nil {
		return nil, err
	}
	sub, err := readClaim(own["sub"])
	if err != nil {
		return nil, err
	}
	acr, err := readClaim(own["acr"])
	if err != nil {
		return nil, err
	}
	q.Subjects = sub.Values
	if acr.Essential {
		q.EssentialACR, q.ACRValues = true, acr.Values
	}
	return q, nil
}

// attributesAsked reads the members of userinfo or id_token, and gives those that are attributes of a user.
func attributesAsked(raw json.RawMessage) ([]string, map[string]json.RawMessage, error) {
	if raw == nil {
		return nil, nil, nil
	}
	members, err := objectMembers(raw)
	if err != nil {
		return nil, nil, err
	}
	var asked []string
	for _, name := range Attributes() {
		if value, has := members[name]; has {
			asked = append(asked, name)
			if _, err := readClaim(value); err != nil {
				return nil, nil, err
			}
		}
	}
	return asked, members, nil
}

// claimAsked is how one claim is asked for. §5.5.1.
type claimAsked struct {
	Essential bool
	Values    []string // of value and values, the strings
}

// readClaim reads null or an object.
func readClaim(raw json.RawMessage) (c claimAsked, err error) {
	if raw == nil || string(raw) == "null" {
		return c, nil
	}
	members, err := objectMembers(raw)
	if err != nil {
		return c, err
	}
	if essential := members["essential"]; essential != nil {
		if c.Essential = string(essential) == "true"; !c.Essential && string(essential) != "false" {
			return c, errClaims
		}
	}
	values := []json.RawMessage{}
	if list := members["values"]; list != nil {
		if list[0] != '[' || json.Unmarshal(list, &values) != nil {
			return c, errClaims
		}
	}
	if value := members["value"]; value != nil {
		values = append(values, value)
	}
	for _, value := range values {
		var text string
		if value[0] == '"' && json.Unmarshal(value, &text) == nil {
			c.Values = append(c.Values, text)
		} else {
			c.Values = append(c.Values, "") // no sub and no acr is of another type: it equals none
		}
	}
	return c, nil
}

// objectMembers reads one JSON object, of which each member stands once: of two, readers would believe either.
func objectMembers(text []byte) (map[string]json.RawMessage, error) {
	reader := json.NewDecoder(bytes.NewReader(text))
	if open, err := reader.Token(); err != nil || open != json.Delim('{') {
		return nil, errClaims
	}
	members := map[string]json.RawMessage{}
	for reader.More() {
		name, err := reader.Token()
		if err != nil {
			return nil, errClaims
		}
		key, _ := name.(string)
		var value json.RawMessage
		if _, twice := members[key]; twice || reader.Decode(&value) != nil {
			return nil, errClaims
		}
		members[key] = value
	}
	if _, err := reader.Token(); err != nil || len(bytes.TrimSpace(text[reader.InputOffset():])) > 0 {
		return nil, errClaims
	}
	return members, nil
}
