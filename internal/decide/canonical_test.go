package decide

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAnAddressHasOneForm(t *testing.T) {
	local64, label63 := strings.Repeat("a", 64), strings.Repeat("b", 63)
	for _, c := range []struct{ typed, want, why string }{
		{"ana@shop.example", "ana@shop.example", "as it is"},
		{" Ana@Shop.EXAMPLE\r\n", "ana@shop.example", "ASCII alone changes its case"},
		{"a.b+c/d=e@x-y.example", "a.b+c/d=e@x-y.example", "RFC 5322 §3.2.3: atext"},
		{local64 + "@" + label63 + ".example", local64 + "@" + label63 + ".example", "RFC 5321 §4.5.3.1.1"},
		{local64 + "a@shop.example", "", "RFC 5321 §4.5.3.1.1: 64 octets"},
		{"a@" + label63 + "b.example", "", "RFC 1034 §3.1: 63 octets"},
		{"a@" + strings.Repeat(label63+".", 4) + "example", "", "RFC 5321 §4.5.3.1.3"},
		{"", "", "nothing"},
		{"ana", "", "no domain"},
		{"ana@", "", "no domain"},
		{"@shop.example", "", "no local part"},
		{"ana@localhost", "", "one label"},
		{"ana@shop.example.", "", "an empty label"},
		{"ana@-shop.example", "", "RFC 1034 §3.5: a hyphen is inside"},
		{"ana@shop-.example", "", "RFC 1034 §3.5: a hyphen is inside"},
		{".ana@shop.example", "", "RFC 5322 §3.2.3: a dot is between atoms"},
		{"an..a@shop.example", "", "RFC 5322 §3.2.3: a dot is between atoms"},
		{`"an a"@shop.example`, "", "quoted"},
		{"ana@[192.0.2.1]", "", "a domain literal"},
		{"ana@shop.example, bob@shop.example", "", "two recipients"},
		{"ana@shop.example\r\nBcc: bob@shop.example", "", "a header"},
		{"Ana <ana@shop.example>", "", "a mailbox with a name"},
		{"ana@shop\x00.example", "", "a control character"},
		{"\u212aurt@shop.example", "", "the Kelvin sign, which Unicode lowers to k"},
		{"ana@sh\u00f6p.example", "", "beyond ASCII"},
		{"ana@shop.ex\u0130mple", "", "beyond ASCII"},
	} {
		got, ok := CanonicalEmail(c.typed)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("CanonicalEmail(%q) = %q, %v; want %q: %s", c.typed, got, ok, c.want, c.why)
		}
	}
}

func TestTheCanonicalFormIsItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[ \t]?[A-Za-z0-9.!+_-]{1,8}@[A-Za-z0-9.-]{1,12}\.[A-Za-z]{2,4}[\r\n]?`),
		).Draw(t, "typed")
		once, ok := CanonicalEmail(typed)
		if !ok {
			return
		}
		twice, ok := CanonicalEmail(once)
		if !ok || twice != once {
			t.Fatalf("%q became %q, and that %q (%v)", typed, once, twice, ok)
		}
		if !strings.EqualFold(strings.TrimSpace(typed), once) {
			t.Fatalf("%q became another address, %q", typed, once)
		}
	})
}
