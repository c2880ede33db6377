package main

import "github.com/mintmark-id/mintmark/admin"

// onceFlag is for what makes something: a script whose line is run again, because it
// did not hear the answer, gets the same answer again.
type onceFlag struct {
	Once string `placeholder:"KEY" help:"Do it once, however often this is run with this key (16 to 128 characters, as a random UUID is) within a day: the answer is the first one, with its secrets."`
}

func (o onceFlag) of(server *admin.Client) *admin.Client { return server.Once(o.Once) }
