package oauth

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// OpenID Connect Core §5.5: what has a meaning here is kept, the rest is ignored.
func TestAClaimsRequestKeepsWhatHasAMeaning(t *testing.T) {
	for text, want := range map[string]ClaimsRequest{
		`{}`: {},
		`{"userinfo":{"given_name":{"essential":true},"nickname":null,"email":{"essential":true},"picture":null,"http://example.info/claims/groups":null},` +
			`"id_token":{"auth_time":{"essential":true},"acr":{"values":["urn:mace:incommon:iap:silver"]}}}`: {
			Userinfo: []string{"email", "given_name", "nickname", "picture"}, // the example of §5.5
		},
		`{"id_token":{"email":null,"email":null}}`:                                         {IDToken: []string{"refused"}},
		`{"id_token":{"sub":{"value":"248289761001"}}}`:                                    {Subjects: []string{"248289761001"}},
		`{"id_token":{"sub":{"values":["a","b"]}}}`:                                        {Subjects: []string{"a", "b"}},
		`{"id_token":{"sub":{"value":7}}}`:                                                 {Subjects: []string{""}}, // equals nobody
		`{"userinfo":{"sub":{"value":"x"},"acr":{"essential":true}}}`:                      {},
		`{"id_token":{"acr":{"essential":true,"value":"aal2","values":["aal3"]}}}`:         {EssentialACR: true, ACRValues: []string{"aal3", "aal2"}},
		`{"id_token":{"acr":{"essential":true}}}`:                                          {EssentialACR: true},
		`{"id_token":{"acr":{"essential":false,"values":["aal2"]}}}`:                       {},
		`{"userinfo":{"name#de":null,"name":{"purpose":"x","essential":false}},"other":1}`: {Userinfo: []string{"name"}},
		" {\n\"userinfo\" : { \"name\" : null } } ":                                        {Userinfo: []string{"name"}},
	} {
		got, err := ParseClaimsRequest(text)
		if slices.Equal(want.IDToken, []string{"refused"}) {
			if err == nil {
				t.Errorf("%s: accepted", text)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestAMalformedClaimsRequestIsRefused(t *testing.T) {
	for _, text := range []string{
		"{", "null", "[]", `"x"`, "1", "{} {}", `{"userinfo":[]}`, `{"userinfo":null}`, `{"userinfo":"name"}`, `{"id_token":7}`,
		`{"userinfo":{"name":true}}`, `{"userinfo":{"name":"x"}}`, `{"userinfo":{"name":[]}}`, `{"userinfo":{"name":{"essential":1}}}`,
		`{"userinfo":{"name":{"essential":"true"}}}`, `{"userinfo":{"name":{"values":"x"}}}`, `{"userinfo":{"name":{"values":{}}}}`,
		`{"id_token":{"sub":"x"}}`, `{"id_token":{"acr":{"values":7}}}`, `{"userinfo":{},"userinfo":{}}`, `{"id_token":{"sub":{"value":"a","value":"b"}}}`,
		"{\"userinfo\":{\"name\xff\":null}}", strings.Repeat("[", 20_000),
	} {
		form, err := ParseForm("client_id=a&response_type=code&claims=" + strings.NewReplacer("{", "%7B", "&", "%26").Replace(text))
		if err != nil {
			continue // too long, or no UTF-8: refused before
		}
		if q, err := ParseAuthorizationRequest(form); err == nil || err.Param != "claims" || err.Code != InvalidRequest || q.Claims != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// What is kept is attributes that there are, sorted, and survives its row.
func FuzzClaimsRequest(f *testing.F) {
	f.Add(`{"userinfo":{"name":null},"id_token":{"acr":{"essential":true,"values":["a"]},"sub":{"value":"x"}}}`)
	f.Add(`{"id_token":{"email":{"essential":true}}}`)
	f.Add(`{"userinfo":{"name":{}},"userinfo":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseClaimsRequest(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is no JSON", text)
		}
		known := Attributes()
		for _, list := range [][]string{q.Userinfo, q.IDToken} {
			for i, name := range list {
				if !slices.Contains(known, name) || i > 0 && list[i-1] >= name {
					t.Fatalf("%q: %q", text, list)
				}
			}
		}
		row, err := json.Marshal(q)
		var back ClaimsRequest
		if err != nil || json.Unmarshal(row, &back) != nil || !reflect.DeepEqual(*q, back) {
			t.Fatalf("%q: %+v became %+v", text, q, back)
		}
	})
}
