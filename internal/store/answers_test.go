package store

import (
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

func TestAnAnswerIsKeptOnceUntilItEnds(t *testing.T) {
	s := world(t)
	read := func(what string, now int64, want string) {
		t.Helper()
		if got := must[[]byte](t)(s.Answer(t.Context(), []byte("key"), now)); string(got) != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	put := func(sealed string, at int64) record.PutAnswer {
		return record.PutAnswer{KeyHash: []byte("key"), Sealed: []byte(sealed), At: at, EndsAt: at + day}
	}
	read("nothing yet", noon, "")
	commit(t, s, put("first", noon))
	read("kept", noon+day-1, "first")
	read("ended", noon+day, "")
	conflict(t, s, record.SeeAdminToken{Name: "x", At: 1}, put("second", noon+day-1))
	read("still the first", noon, "first")
	commit(t, s, put("second", noon+day))
	read("the place was taken", noon+day, "second")
	if err := s.Purge(t.Context(), noon+2*day+1, 9); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, `SELECT count(*) FROM answers`); n != 0 {
		t.Errorf("%d are left", n)
	}
}
