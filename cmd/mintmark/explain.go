package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

type explainCommand struct {
	Reference string `arg:"" help:"The header Error-Reference of a refusal, or the code on an error page."`
}

// Run asks the server that made the reference; nobody else can open it.
func (c *explainCommand) Run(i *invocation, server *admin.Client) error {
	e, err := server.Explain(i.ctx, strings.TrimSpace(c.Reference))
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(e)
	}
	rows := [][]string{{"refused", e.Reason}, {"rule", e.Rule}, {"looked at", e.Claim}, {"when", moment(e.At)}}
	rows = append(rows, evidence(e)...)
	rows = append(rows, []string{"client", e.ClientID}, []string{"grant", e.GID}, []string{"key", e.KID})
	for n := range rows {
		if rows[n][1] == "" {
			rows[n][1] = "-"
		}
	}
	return aligned(i.out, rows)
}

// evidence says in words what should have been and what was.
func evidence(e admin.Explanation) [][]string {
	if e.Expected == 0 && e.Seen == 0 {
		return nil
	}
	say := func(n int64) string {
		switch oauth.Unit(e.Unit) {
		case oauth.UnixMillis, oauth.LC:
			if n == 0 {
				return "never"
			}
			return time.UnixMilli(n).UTC().Format("2006-01-02 15:04:05.000 UTC")
		case oauth.Generation:
			return fmt.Sprintf("generation %d", n)
		case oauth.Bytes:
			return fmt.Sprintf("%d bytes", n)
		}
		return fmt.Sprint(n)
	}
	rows := [][]string{{"expected", say(e.Expected)}, {"seen", say(e.Seen)}}
	timed := oauth.Unit(e.Unit) == oauth.UnixMillis || oauth.Unit(e.Unit) == oauth.LC
	if d := e.Seen - e.Expected; timed && e.Expected != 0 && e.Seen != 0 && d != 0 {
		words := "later"
		if d < 0 {
			d, words = -d, "earlier"
		}
		rows = append(rows, []string{"that is", precisely(time.Duration(d)*time.Millisecond) + " " + words})
	}
	return rows
}

// precisely is inspect.Span where a second may matter.
func precisely(d time.Duration) string {
	if d < 2*time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return inspect.Span(d)
}
