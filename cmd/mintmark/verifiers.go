package main

import (
	"io"
	"os"
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

type verifiersCommand struct {
	Watch bool `help:"Show the list again every second, until interrupted."`
}

// Run lists the fleet.
func (c *verifiersCommand) Run(i *invocation, server *admin.Client) error {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		if screen, ok := i.out.(*os.File); ok && c.Watch && !i.json && isTerminal(screen) {
			const home = "\x1b[H\x1b[2J" // the cursor to the top, and everything away
			if _, err := io.WriteString(screen, home); err != nil {
				return err
			}
		}
		err := listVerifiers(i, server)
		if i.ctx.Err() != nil {
			return nil // interrupted: that is how a watch ends
		}
		if err != nil || !c.Watch {
			return err
		}
		select {
		case <-again.C:
		case <-i.ctx.Done():
			return nil
		}
	}
}

func listVerifiers(i *invocation, server *admin.Client) error {
	const heading = "NAME CLIENT VERSION POLICY STATE SEQ LAG ENTRIES NODE CONNECTED"
	return printList(i, server.Verifiers(i.ctx), heading, func(v admin.Verifier) []string {
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		state, connected, lag := v.State, "since "+clockTime(v.ConnectedSince), number(v.Lag)
		if !v.Connected {
			state, connected = "was "+state, "no, since "+clockTime(v.SeenAt)
		}
		if v.Lag < 0 {
			lag = "other log"
		}
		return []string{v.Name, v.ClientID, v.Version, v.Policy, state, number(v.Seq), lag, number(v.Entries), v.Node, connected}
	})
}

// clockTime is a moment to the second, as receipts give it.
func clockTime(at time.Time) string { return at.UTC().Format(time.DateTime + " UTC") }
