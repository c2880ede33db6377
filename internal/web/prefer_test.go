package web

import (
	"net/http"
	"testing"
	"time"
)

// RFC 7240 §2, §4.3.
func TestOfAPreferenceTheWaitIsRead(t *testing.T) {
	for _, c := range []struct {
		prefer []string
		want   time.Duration
	}{
		{nil, 0},
		{[]string{"wait=2"}, 2 * time.Second},
		{[]string{`respond-async, WAIT = "2"; why=now`}, 2 * time.Second},
		{[]string{"respond-async", "return=minimal,wait=1"}, time.Second},
		{[]string{"wait=1, wait=2", "wait=3"}, time.Second},
		{[]string{"wait=100000"}, longestWait},
		{[]string{"wait=0"}, 0},
		{[]string{"wait"}, 0},
		{[]string{`wait=""`}, 0},
		{[]string{"wait=soon"}, 0},
		{[]string{"wait=-1"}, 0},
		{[]string{"waiting=2"}, 0},
		{[]string{`note="first, wait=2"`}, 0},
		{[]string{`note="first, wait=2", wait=1`}, time.Second},
	} {
		if got := preferredWait(http.Header{"Prefer": c.prefer}); got != c.want {
			t.Errorf("%q comes to %s, want %s", c.prefer, got, c.want)
		}
	}
}
