package jose

import (
	"encoding/json"
	"testing"
)

func TestTheWriterWritesWhatItIsTold(t *testing.T) {
	w := BeginObject([]byte("before"))
	w.String("s", "a\"\\\n\r\t\b\x00\x1f\x7f<é😀\u2028")
	w.Int("n", -7)
	w.Bool("b", true)
	w.Strings("l", []string{"x", ""})
	w.Strings("nil", nil)
	w.Object("empty")
	w.End()
	w.Object("o")
	w.Raw("r", []byte(`[{}]`))
	w.Int("after", 1)
	w.End()
	w.String(`na"me`, "\xff\xc0x\xed\xa0\x80")
	want := `before{"s":"a\"\\\n\r\t\u0008\u0000\u001f` + "\x7f<é😀\u2028" + `","n":-7,"b":true,"l":["x",""],"nil":[],"empty":{},` +
		`"o":{"r":[{}],"after":1},"na\"me":"` + "\ufffd\ufffdx\ufffd\ufffd\ufffd" + `"}`
	if got := string(w.End()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheWriterAllocatesNothingInARoomyBuffer(t *testing.T) {
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { benchClaims(buf) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !json.Valid(benchClaims(buf)) {
		t.Error("not JSON")
	}
}
