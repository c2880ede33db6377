package main

import (
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
)

// moment is a time for people: absolute in UTC, and how far it is from now.
func moment(at time.Time) string {
	return at.UTC().Format("2006-01-02 15:04:05 UTC") + " (" + fromNow(at) + ")"
}

func fromNow(at time.Time) string { return inspect.Relative(at, time.Now()) }

// date is a time in a table.
func date(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04")
}
