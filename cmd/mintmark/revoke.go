package main

import (
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

type revokeCommand struct {
	Kind   string        `arg:"" enum:"user,session,grant,consent,client,token,key,audience,all" help:"user, session, grant, consent, client, token, key, audience or all."`
	IDs    []string      `arg:"" optional:"" name:"id" help:"A sub or e-mail address, sid, gid, client_id, kid or audience; a token or its jti (- reads it from standard input); for a consent a sub and a client_id; for all nothing."`
	Reason string        `required:"" placeholder:"R" help:"Why, for the log and the audit trail."`
	Wait   time.Duration `default:"2s" placeholder:"D" help:"How long to wait for the verifiers to confirm it, at most 10s (2s if not said)."`
	DryRun bool          `help:"Say what would end, and change nothing."`
}

// Run revokes, and says who has refused it by now.
func (c *revokeCommand) Run(i *invocation, server *admin.Client) error {
	if err := c.resolve(i, server); err != nil {
		return err
	}
	wait := c.Wait
	if c.DryRun {
		wait = 0
	}
	result, err := server.Revoke(i.ctx, admin.Revocation{Kind: c.Kind, IDs: c.IDs, Reason: c.Reason, DryRun: c.DryRun}, wait)
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(result)
	}
	switch {
	case result.Already:
		return i.done("It was revoked before; nothing was changed.")
	case result.DryRun:
		counted := "%d sessions and %d grants would end, and every token of theirs. Nothing was changed."
		if result.More {
			counted = "At least " + counted
		}
		return i.done(counted, result.Sessions, result.Grants)
	case result.Receipt == nil:
		return i.done("Revoked.")
	}
	return i.done("Revoked: %s.", result.Receipt.Sentence)
}

// resolve turns e-mail addresses into subs, and reads a token that should not
// stand on a command line.
func (c *revokeCommand) resolve(i *invocation, server *admin.Client) (err error) {
	switch {
	case (c.Kind == "user" || c.Kind == "consent") && len(c.IDs) > 0:
		c.IDs[0], err = i.sub(server, c.IDs[0])
	case c.Kind == "token" && len(c.IDs) == 1 && c.IDs[0] == "-":
		c.IDs[0], err = readToken(i)
	}
	return err
}

type verifiersCommand struct{}

// Run lists the fleet.
func (*verifiersCommand) Run(i *invocation, server *admin.Client) error {
	const heading = "NAME CLIENT VERSION POLICY STATE CONNECTED SEQ LAG ENTRIES SINCE SEEN"
	return printList(i, server.Verifiers(i.ctx), heading, func(v admin.Verifier) []string {
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		return []string{
			v.Name, v.ClientID, v.Version, v.Policy, v.State, yesNo(v.Connected), number(v.Seq), number(v.Lag),
			number(v.Entries), date(v.ConnectedSince), date(v.SeenAt),
		}
	})
}
