package main

import (
	"cmp"
	"iter"
	"strconv"

	"github.com/mintmark-id/mintmark/admin"
)

type auditCommand struct {
	List auditList `cmd:"" help:"List the audit trail, newest first."`
}

type auditList struct {
	Last int `default:"50" placeholder:"N" help:"How many rows (50 if not said; 0: all)."`
}

func (c *auditList) Run(i *invocation, server *admin.Client) error {
	if c.Last < 0 {
		return usagef("--last: a number of rows, or 0 for all, not %d", c.Last)
	}
	rows := first(server.Audit(i.ctx), c.Last)
	return printList(i, rows, "AT EVENT ACTOR COUNT CONCERNING DETAIL", func(e admin.AuditEvent) []string {
		concerning := cmp.Or(e.Sub, "-")
		if e.ClientID != "" {
			concerning = cmp.Or(e.Sub, "") + "/" + e.ClientID
		}
		return []string{clockTime(e.At), e.Event, e.Actor, strconv.FormatInt(e.Count, 10), concerning, e.Detail}
	})
}

// first is the beginning of a list; zero is all of it. What is not asked for is not
// fetched.
func first[T any](list iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seen := 0
		for item, err := range list {
			seen++
			if !yield(item, err) || seen == n {
				return
			}
		}
	}
}
