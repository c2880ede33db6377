package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
)

// TestAConstantIsWhatTwoSessionsShare: RFC 9700 §2.1.1. A page that is loaded again in one
// session is none, nor is what is not sent; the client is named once an hour.
func TestAConstantIsWhatTwoSessionsShare(t *testing.T) {
	var log bytes.Buffer
	c := constants{log: slog.New(slog.NewJSONHandler(&log, nil)), last: map[string]lastCode{}}
	now := int64(1)
	said := func(client, sid, challenge, nonce string) []string {
		log.Reset()
		c.see([]record.Change{record.PutCode{Code: record.Code{
			ClientID: client, SID: sid, Challenge: challenge, Request: record.CodeRequest{Nonce: nonce},
		}}}, now)
		return strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	}
	for _, step := range []struct{ client, sid, challenge, nonce, parameter string }{
		{"shop", "one", "c1", "n1", ""},
		{"shop", "one", "c1", "n1", ""}, // loaded again
		{"shop", "two", "c2", "n2", ""},
		{"bank", "two", "c2", "n2", ""}, // another client's
		{"shop", "three", "c2", "n3", "code_challenge"},
		{"shop", "four", "c2", "n4", ""}, // told within the hour
		{"bank", "three", "", "n2", "nonce"},
		{"bank", "four", "", "", ""},
		{"bank", "five", "", "", ""}, // what is not sent is not the same
	} {
		lines := said(step.client, step.sid, step.challenge, step.nonce)
		named := strings.Contains(lines[0], `"client":"`+step.client+`"`) && strings.Contains(lines[0], `"parameter":"`+step.parameter+`"`)
		if len(lines) != 1 || (step.parameter == "") != (lines[0] == "") || step.parameter != "" && !named {
			t.Errorf("%+v: the log says %q", step, lines)
		}
		if strings.Contains(lines[0], "n2") || strings.Contains(lines[0], "c2") {
			t.Errorf("the value is in the log: %q", lines)
		}
	}
	now += warnAgain
	if lines := said("shop", "five", "c2", "n5"); !strings.Contains(lines[0], "code_challenge") {
		t.Errorf("an hour later the log says %q", lines)
	}
}

func TestConstantsOfManyClientsTakeBoundedMemory(t *testing.T) {
	c := constants{log: slog.New(slog.DiscardHandler), last: map[string]lastCode{}}
	for i := range 2 * mostConstants {
		c.compare(&record.Code{ClientID: fmt.Sprint(i)}, 1)
	}
	if _, last := c.last[fmt.Sprint(2*mostConstants-1)]; len(c.last) != mostConstants || !last {
		t.Errorf("%d clients are kept, the last of them: %v", len(c.last), last)
	}
}
