package oauth

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func mustForm(t testing.TB, text string) Form {
	t.Helper()
	f, err := ParseForm(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

func TestAFormGivesEachParameterItsValue(t *testing.T) {
	f := mustForm(t, "grant_type=authorization_code&code=a%2Bb+c&&scope=&flag&unknown=%C3%A9&resource=https://a&resource=&resource=https://b")
	for name, want := range map[string]string{
		"grant_type": "authorization_code", "code": "a+b c", "unknown": "é",
		"scope": "", "flag": "", "absent": "", // RFC 6749 §3.1: sent without a value counts as omitted
	} {
		if got := f.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := f.All("resource"); !slices.Equal(got, []string{"https://a", "https://b"}) { // RFC 8707 §2
		t.Errorf("resource: %q", got)
	}
}

func TestAMalformedFormIsRefused(t *testing.T) {
	for text, want := range map[string]struct {
		reason Reason
		param  string
	}{
		"code=a&code=b":                         {ReasonParameterRepeated, "code"}, // RFC 6749 §3.2
		"code=a&code=a":                         {ReasonParameterRepeated, "code"},
		"code=&code=a":                          {ReasonParameterRepeated, "code"},
		"code=a&c%6fde=b":                       {ReasonParameterRepeated, "code"},
		"evil=a&evil=b":                         {ReasonParameterRepeated, ""}, // never echoed
		"code=%":                                {ReasonParameterMalformed, "code"},
		"code=%2":                               {ReasonParameterMalformed, "code"},
		"code=%zz":                              {ReasonParameterMalformed, "code"},
		"%zz=a":                                 {ReasonParameterMalformed, ""},
		"=a":                                    {ReasonParameterMalformed, ""},
		"code=%00":                              {ReasonParameterMalformed, "code"},
		"code=\x00":                             {ReasonParameterMalformed, "code"},
		"state=a%0d%0ab":                        {ReasonParameterMalformed, "state"},
		"state=a\r\nb":                          {ReasonParameterMalformed, "state"},
		"state=%7f":                             {ReasonParameterMalformed, "state"},
		"state=%C2%85":                          {ReasonParameterMalformed, "state"}, // U+0085
		"state=%ff":                             {ReasonParameterMalformed, "state"},
		"state=\xff":                            {ReasonParameterMalformed, "state"},
		"state=%ED%A0%80":                       {ReasonParameterMalformed, "state"}, // a surrogate
		"state=%C0%AF":                          {ReasonParameterMalformed, "state"}, // overlong
		"scope=a&scope=b&code=%":                {ReasonParameterMalformed, "code"},
		"code=%&client_id=%":                    {ReasonParameterMalformed, "client_id"}, // the one that forbids redirecting goes first
		"redirect_uri=%&client_id=%":            {ReasonParameterMalformed, "redirect_uri"},
		strings.Repeat("n", 65) + "=a":          {ReasonParameterTooLong, ""},
		"state=" + strings.Repeat("s", 8<<10+1): {ReasonParameterTooLong, "state"},
		"state=" + strings.Repeat("%41", 8<<10+1):       {ReasonParameterTooLong, "state"},
		strings.Repeat("n", 200) + "=a":                 {ReasonParameterTooLong, ""},
		strings.Repeat("resource=x&", 64) + "client_id": {ReasonParameterTooLong, ""},
	} {
		_, err := ParseForm(text)
		if err == nil || err.Reason != want.reason || err.Param != want.param {
			t.Errorf("%.40q: %v, want %s (%s)", text, err, want.reason, want.param)
		}
	}
}

func TestLongValuesThatAreAllowedPass(t *testing.T) {
	long := strings.Repeat("s", 8<<10) // FAPI 2.0 §5.3.2.2-14 asks for 1000 characters of state
	if got := mustForm(t, "state="+long).Get("state"); got != long {
		t.Error("state was changed")
	}
	if got := mustForm(t, "state="+strings.Repeat("%73", 8<<10)).Get("state"); got != long {
		t.Error("escaped state was changed")
	}
	mustForm(t, strings.Repeat("resource=x&", 64))
}

func TestWhatIsAtFaultIsAbsentFromTheForm(t *testing.T) {
	f, err := ParseForm("client_id=app&scope=a&state=s&scope=b&scope=c&nonce=%")
	if err == nil || f.Get("client_id") != "app" || f.Get("state") != "s" || f.Get("scope") != "" || f.Get("nonce") != "" {
		t.Errorf("%v: %+v", err, f.params)
	}
	if f, err := ParseForm(strings.Repeat("a=1&", 65)); err == nil || len(f.params) != 0 {
		t.Errorf("of too many parameters %d were kept", len(f.params))
	}
}

// Whatever is accepted is what the standard library reads, without repetitions and control characters.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"", "a=b", "a=b&a=c", "resource=a&resource=b", "code=a%2Bb+c&&scope=&flag", "%zz=1", "state=%C3%A9", "a=%ff", "=", "&", "a=b=c", "a;b=c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		form, err := ParseForm(text)
		for i, p := range form.params {
			for _, r := range p.Name + p.Value {
				if unicode.IsControl(r) {
					t.Fatalf("control character in %q", p)
				}
			}
			if !utf8.ValidString(p.Name) || !utf8.ValidString(p.Value) || p.Name == "" {
				t.Fatalf("%q", p)
			}
			repeated := slices.ContainsFunc(form.params[:i], func(o Param) bool { return o.Name == p.Name })
			if repeated && p.Name != "resource" && p.Name != "audience" {
				t.Fatalf("%q came twice", p.Name)
			}
		}
		if err != nil || strings.Contains(text, ";") { // url.ParseQuery refuses ";", WHATWG's parser does not
			return
		}
		want, stdErr := url.ParseQuery(text)
		if stdErr != nil {
			t.Fatalf("url.ParseQuery: %v", stdErr)
		}
		for name, values := range want {
			values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
			if got := form.All(name); !slices.Equal(got, values) {
				t.Fatalf("%q: %q, want %q", name, got, values)
			}
		}
	})
}

func BenchmarkParseTokenRequest(b *testing.B) {
	const body = "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIASplxlOBeZQQYbYS6WxSbIA" +
		"&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&client_id=s6BhdRkqt3" +
		"&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	b.ReportAllocs()
	for b.Loop() {
		form, err := ParseForm(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ParseTokenRequest("", form); err != nil {
			b.Fatal(err)
		}
	}
}
