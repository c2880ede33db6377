package jose

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzAParsedTokenIsItsOwnOnlySpelling(f *testing.F) {
	for _, group := range wycheproofGroups(f, "json_web_signature_test.json") {
		for _, test := range group.Tests {
			f.Add(string(bytes.Trim(test.JWS, `"`)))
		}
	}
	f.Add(jws8037)
	set := KeySet{mustJWK(f, keyA3)}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := Parse(token)
		if err != nil {
			if c != nil {
				t.Fatal("a failed parse returned a token")
			}
			return
		}
		head, _, _ := strings.Cut(token, ".")
		if again := head + "." + b64(c.payload) + "." + b64(string(c.signature)); again != token {
			t.Fatalf("%s is also spelt %s", again, token)
		}
		if payload, err := c.Verify(set, every()...); (payload == "") == (err == nil) && len(c.payload) > 0 {
			t.Fatalf("payload %q with error %v", payload, err)
		}
	})
}

func FuzzWhatDecodeObjectAcceptsEncodingJSONReadsAlike(f *testing.F) {
	for _, text := range []string{
		`{}`, keyA2, key8037, `{"a":[1,{"b":null}],"c":"\ud83d\ude00\u0000"}`, `{"sub":"a","Sub":"b"}`, `{"a":1,"a":2}`,
		`{"e":1e400}`, `{"exp":1.5,"x":-0,"l":["a","b"],"t":true}`, string(benchClaims(nil)),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := DecodeObject(data)
		if err != nil {
			if o.members != nil {
				t.Fatal("a failed decode returned members")
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", data, err)
		}
		if len(want) != len(o.Names()) {
			t.Fatalf("%d members, encoding/json has %d", len(o.Names()), len(want))
		}
		for _, name := range o.Names() {
			if raw, err := o.Raw(name); err != nil || !bytes.Equal(raw, want[name]) {
				t.Fatalf("member %q: %s, want %s", name, raw, want[name])
			}
			checkMember(t, o, name, want[name])
		}
	})
}

// checkMember compares what the accessors make of a member with what
// encoding/json does.
func checkMember(t *testing.T, o Object, name string, raw json.RawMessage) {
	t.Helper()
	var s string
	if got, err := o.String(name); err == nil && (json.Unmarshal(raw, &s) != nil || s != got) {
		t.Fatalf("%s: %q, want %q", raw, got, s)
	}
	var n int64
	if got, err := o.Int64(name); err == nil && (json.Unmarshal(raw, &n) != nil || n != got) {
		t.Fatalf("%s: %d, want %d", raw, got, n)
	}
	var fl float64
	if got, err := o.Float(name); err == nil && (json.Unmarshal(raw, &fl) != nil || fl != got) {
		t.Fatalf("%s: %v, want %v", raw, got, fl)
	}
	var l []string
	if got, err := o.Strings(name); err == nil && (json.Unmarshal(raw, &l) != nil || !slices.Equal(l, got)) {
		t.Fatalf("%s: %q, want %q", raw, got, l)
	}
	var m map[string]json.RawMessage
	if got, err := o.Object(name); err == nil && (json.Unmarshal(raw, &m) != nil || len(m) != len(got.Names())) {
		t.Fatalf("%s: %q, want %v", raw, got.Names(), m)
	}
}

func FuzzWhatTheWriterWritesComesBack(f *testing.F) {
	f.Add("name", "value", int64(1), true)
	f.Add("", "\"\\\x00\x1f\x7f\u2028\U0001f600{", int64(-1<<63), false)
	f.Add("{", "\xff\xed\xa0\x80a\xc0", int64(0), true)
	f.Fuzz(func(t *testing.T, name, value string, n int64, b bool) {
		w := BeginObject(nil)
		w.Object("1" + name)
		w.String(name, value)
		w.End()
		w.Strings("2"+name, []string{value, name})
		w.Int("3"+name, n)
		w.Bool("4"+name, b)
		w.String("5"+name, value)
		data := w.End()

		o, err := DecodeObject(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		name, value = valid(name), valid(value)
		inner, err := o.Object("1" + name)
		if err != nil || !slices.Equal(inner.Names(), []string{name}) {
			t.Fatalf("%s: %v", data, err)
		}
		list, _ := o.Strings("2" + name)
		integer, _ := o.Int64("3" + name)
		boolean, _ := o.Bool("4" + name)
		text, _ := o.String("5" + name)
		got := []any{list, integer, boolean, text}
		if want := []any{[]string{value, name}, n, b, value}; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// valid replaces every byte that is not UTF-8, one by one.
func valid(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}

func FuzzAParsedKeyIsPublicAndComesBack(f *testing.F) {
	for _, file := range []string{"json_web_key_test.json", "json_web_signature_test.json"} {
		for _, group := range wycheproofGroups(f, file) {
			f.Add([]byte(group.Public))
			f.Add([]byte(group.Private))
		}
	}
	for _, jwk := range []string{keyA2, keyA3, key8037, key7638} {
		f.Add([]byte(jwk))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := ParseKeySet(data)
		if err != nil && set != nil {
			t.Fatal("a failed parse returned a set")
		}
		key, err := ParseJWK(data)
		if err != nil {
			if key != nil {
				t.Fatal("a failed parse returned a key")
			}
		} else {
			set = append(set, key)
		}
		for _, key := range set {
			out, err := key.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseJWK(out)
			if err == nil && key.assumed && !again.assumed {
				again.assumed = true // what is written names its algorithm
			}
			if err != nil || !reflect.DeepEqual(again, key) {
				t.Fatalf("%s: %v", out, err)
			}
		}
	})
}
