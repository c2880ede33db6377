package jose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func mustObject(t testing.TB, text string) Object {
	t.Helper()
	o, err := DecodeObject([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

func TestNamesAreComparedByteByByte(t *testing.T) {
	o := mustObject(t, `{"sub":"alice","Sub":"mallory","SUB":"eve"}`)
	if sub, err := o.String("sub"); err != nil || sub != "alice" {
		t.Errorf("%q, %v", sub, err)
	}
	if _, err := o.String("sUB"); !errors.Is(err, ErrAbsent) {
		t.Error(err)
	}
	if !slices.Equal(o.Names(), []string{"sub", "Sub", "SUB"}) {
		t.Error(o.Names())
	}
}

func TestAmbiguousJSONIsRefused(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"m%d":0,`, i)
		}
		return `{` + strings.TrimSuffix(b.String(), ",") + `}`
	}
	deep := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for _, text := range []string{
		`{}`, " \t\r\n{ \"a\" : [ 1 , { } , [ ] ] } \n", `{"a":-0,"b":0.5,"c":1e9,"d":-1.5E-7,"e":true,"f":null,"g":false}`,
		`{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, `{"":""}`, many(maxMembers), deep(maxDepth - 1), "{\"a\":\"\u007f\u2028\"}",
	} {
		if _, err := DecodeObject([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		``, ` `, `null`, `[]`, `"a"`, `{`, `}`, `{}{}`, `{},`, `{} x`, "{}\x00", "\ufeff{}",
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"x":{"a":1,"a":2}}`, `{"x":[{"a":1,"a":2}]}`,
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{a:1}`, `{'a':1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1]`, `{1:1}`,
		`{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[1}`, `{"a":[`,
		`{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0x1}`, `{"a":1_0}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":--1}`,
		`{"a":tru}`, `{"a":True}`, `{"a":nul}`, `{"a":undefined}`, `{"a":truex}`,
		`{"a":"`, `{"a":"\`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\u+123"}`, `{"a":"\U0061"}`,
		`{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800\ud800"}`, `{"a":"\ud800x"}`, `{"a":"\ud800\u0041"}`, `{"\ud800":1}`,
		"{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xc0\xaf\"}", "{\"\xff\":1}",
		`{/**/}`, `{"a":1}//`, many(maxMembers + 1), deep(maxDepth), `{"a":` + many(maxMembers+1) + `}`,
	} {
		if o, err := DecodeObject([]byte(text)); err == nil || o.members != nil {
			t.Errorf("accepted %.80q", text)
		}
	}
}

func TestAnErrorDoesNotQuoteTheInput(t *testing.T) {
	for _, text := range []string{`{"hunter2":1,"hunter2":2}`, `{"a":"hunter2`, `{"hunter2" "x"}`, `{"a":hunter2}`} {
		if _, err := DecodeObject([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMembersAreReadAsTheirTypeAndNoOther(t *testing.T) {
	o := mustObject(t, `{"s":"\u0061\n","n":-7,"f":1.5,"b":true,"l":["x","\"",""],"m":[1],"o":{"p":1},"z":null,"e":[],"big":9223372036854775808}`)
	reads := map[string]func(string) (any, error){
		"string": func(n string) (any, error) { return o.String(n) },
		"int":    func(n string) (any, error) { return o.Int64(n) },
		"float":  func(n string) (any, error) { return o.Float(n) },
		"bool":   func(n string) (any, error) { return o.Bool(n) },
		"list":   func(n string) (any, error) { return o.Strings(n) },
		"either": func(n string) (any, error) { return o.StringOrStrings(n) },
		"object": func(n string) (any, error) { v, err := o.Object(n); return v.Names(), err },
	}
	want := map[string]string{
		"string s": "a\n", "int n": "-7", "float n": "-7", "float f": "1.5", "float big": "9.223372036854776e+18", "bool b": "true",
		"list l": `[x " ]`, "list e": "[]", "either s": "[a\n]", "either l": `[x " ]`, "either e": "[]", "object o": "[p]",
	}
	for kind, read := range reads {
		for _, name := range append(o.Names(), "absent") {
			value, err := read(name)
			wanted, ok := want[kind+" "+name]
			if (err == nil) != ok || (ok && fmt.Sprint(value) != wanted) {
				t.Errorf("%s as %s: %v, %v", name, kind, value, err)
			}
			if errors.Is(err, ErrAbsent) != (name == "absent") {
				t.Errorf("%s as %s: %v", name, kind, err)
			}
		}
	}
	if raw, err := o.Raw("o"); err != nil || string(raw) != `{"p":1}` {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := o.Raw("absent"); !errors.Is(err, ErrAbsent) {
		t.Error(err)
	}
	if !o.Has("z") || o.Has("absent") {
		t.Error("null is there, absent is not")
	}
}

// RFC 7519 §2: a JSON number, fractions allowed.
func TestDatesAreFlooredAndKeptWithinReason(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "1700000000": 1700000000, "1700000000.999": 1700000000, "1.7e9": 1700000000, "17E8": 1700000000,
		"-1.5": -2, "-0.1": -1, "9007199254740992": 1 << 53, "-9007199254740992": -1 << 53, "1.5e+1": 15,
	} {
		if got, err := mustObject(t, `{"exp":`+text+`}`).NumericDate("exp"); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"9007199254740994", "-9007199254740994", "1e16", "1e400", "-1e400", "1e-400", "1700000000e-1", "17E-1", "1e99999999999999999999",
		"9223372036854775807", `"1700000000"`, "null", "true", "[1]", "{}",
	} {
		if got, err := mustObject(t, `{"exp":`+text+`}`).NumericDate("exp"); err == nil {
			t.Errorf("%s: %d", text, got)
		}
	}
	if _, err := mustObject(t, `{}`).NumericDate("exp"); !errors.Is(err, ErrAbsent) {
		t.Error(err)
	}
}
