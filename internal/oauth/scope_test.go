package oauth

import (
	"encoding/json"
	"slices"
	"testing"
)

func scopes(t testing.TB, value string) Scopes {
	t.Helper()
	set, ok := ParseScopes(value)
	if !ok {
		t.Fatalf("%q is no scope", value)
	}
	return set
}

func TestScopesHaveOneCanonicalForm(t *testing.T) {
	for value, want := range map[string]string{
		"":                       "",
		"openid":                 "openid",
		"profile openid profile": "openid profile",
		"api/b:write api/b:read": "api/b:read api/b:write",
		"Openid openid":          "Openid openid", // RFC 6749 §3.3: case-sensitive
		"! # [ ] ~":              "! # [ ] ~",
	} {
		if got := scopes(t, value).String(); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
}

// RFC 6749 §3.3: scope-token *( SP scope-token ).
func TestMalformedScopesAreRefused(t *testing.T) {
	for _, value := range []string{" ", "a ", " a", "a  b", "a\tb", "a\nb", `a"b`, `a\b`, "é", "a\x00", "a\x7f", "a\u00a0b"} {
		if set, ok := ParseScopes(value); ok {
			t.Errorf("%q became %q", value, set)
		}
	}
}

func TestSetsOfScopes(t *testing.T) {
	abc, ac, bd := scopes(t, "a b c"), scopes(t, "c a"), scopes(t, "b d")
	for _, c := range []struct {
		inner, outer Scopes
		want         bool
	}{
		{ac, abc, true},
		{abc, abc, true},
		{nil, abc, true},
		{nil, nil, true},
		{abc, ac, false},
		{bd, abc, false},
		{ac, nil, false},
		{scopes(t, "aa"), abc, false},
	} {
		if got := c.inner.Within(c.outer); got != c.want {
			t.Errorf("%q within %q: %v", c.inner, c.outer, got)
		}
	}
	if got := ac.Or(bd).String(); got != "a b c d" {
		t.Errorf("a c or b d: %q", got)
	}
	if !abc.Has("b") || abc.Has("d") || abc.Has("") || Scopes(nil).Has("") {
		t.Error("Has is wrong")
	}
}

func TestScopesAreAStringInJSON(t *testing.T) {
	type row struct {
		Scope Scopes `json:"scope,omitempty"`
	}
	for _, c := range []struct {
		scope Scopes
		text  string
	}{{scopes(t, "b a"), `{"scope":"a b"}`}, {nil, `{}`}} {
		text, err := json.Marshal(row{c.scope})
		if err != nil || string(text) != c.text {
			t.Errorf("%q: %s, %v", c.scope, text, err)
		}
		var back row
		if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back.Scope, c.scope) {
			t.Errorf("%s: %q, %v", text, back.Scope, err)
		}
	}
	var back row
	if err := json.Unmarshal([]byte(`{"scope":"a  b"}`), &back); err == nil {
		t.Error("a malformed scope came out of JSON")
	}
}

// OpenID Connect Core §5.4.
func TestAttributesBehindTheStandardScopes(t *testing.T) {
	for scope, want := range map[string]int{
		ScopeProfile: 14, ScopeEmail: 2, ScopePhone: 2, ScopeAddress: 1, ScopeOpenID: 0, ScopeOfflineAccess: 0, "api:read": 0,
	} {
		if got := AttributesOf(scope); len(got) != want {
			t.Errorf("%s: %q", scope, got)
		}
	}
	if got := AttributesOf(ScopeEmail); !slices.Equal(got, []string{"email", "email_verified"}) {
		t.Errorf("email: %q", got)
	}
	if got := StandardScopes().String(); got != "address email offline_access openid phone profile" {
		t.Errorf("standard scopes: %q", got)
	}
}

func FuzzScopes(f *testing.F) {
	for _, seed := range []string{"", "openid profile", "b a a", "a  b", `a"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		set, ok := ParseScopes(value)
		if !ok {
			return
		}
		again, ok := ParseScopes(set.String())
		if !ok || !slices.Equal(set, again) || !slices.IsSorted(set) || !set.Within(again) || len(set.String()) > len(value) {
			t.Fatalf("%q became %q, then %q", value, set, again)
		}
	})
}
