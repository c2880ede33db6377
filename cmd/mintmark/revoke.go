package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

// longestWait is how long a server waits for verifiers at most.
const longestWait = 10 * time.Second

type revokeCommand struct {
	Kind   string        `arg:"" enum:"user,session,grant,consent,client,token,key,audience,all" help:"user, session, grant, consent, client, token, key, audience or all."`
	IDs    []string      `arg:"" optional:"" name:"id" help:"A sub or e-mail address, sid, gid, client_id, kid or audience; a token or its jti (- reads it from standard input); for a consent a sub and a client_id; for all nothing."`
	Reason string        `required:"" placeholder:"R" help:"Why, for the log and the audit trail."`
	Wait   time.Duration `default:"2s" placeholder:"D" help:"How long to wait for the verifiers to confirm it, at most 10s (2s if not said; 0s does not wait)."`
	DryRun bool          `help:"Say what would end, and change nothing."`

	KeepSignIns bool `help:"Of a user: end only the access tokens that are out. Sign-ins and grants go on, and applications get new tokens."`
}

// Run revokes, and says who has refused it by now.
func (c *revokeCommand) Run(i *invocation, server *admin.Client) error {
	if c.Wait < 0 || c.Wait > longestWait {
		return usagef("--wait: 0s to %s, not %s", longestWait, c.Wait)
	}
	if names := namesOf[c.Kind]; len(c.IDs) != len(names) {
		return usagef("revoke %s takes %s", c.Kind, cmp.Or(strings.Join(names, " and "), "nothing more"))
	}
	if c.KeepSignIns && c.Kind != "user" {
		return usagef("--keep-sign-ins is for revoke user")
	}
	if err := c.resolve(i, server); err != nil {
		return err
	}
	wait := c.Wait
	if c.DryRun {
		wait = 0
	}
	result, err := server.Revoke(i.ctx, admin.Revocation{
		Kind: c.Kind, IDs: c.IDs, Reason: c.Reason, DryRun: c.DryRun, KeepSignIns: c.KeepSignIns,
	}, wait)
	if problem, ok := errors.AsType[*admin.Problem](err); ok && problem.Type == admin.ProblemNotFound {
		return fmt.Errorf("%s; nothing was changed", c.missing())
	}
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(result)
	}
	before := ""
	if result.Again {
		before = "\nIt was revoked before; what was minted since ends too."
	}
	switch {
	case result.Already:
		return i.done("It was revoked before; nothing was changed.")
	case result.DryRun:
		return i.done("%s would end. Nothing was changed.%s", c.wouldEnd(result), before)
	case result.Receipt == nil:
		return i.done("Revoked.%s", before)
	}
	return i.done("Revoked: %s.%s", result.Receipt.Sentence, before)
}

// namesOf is what names a thing of a kind.
var namesOf = map[string][]string{
	"user":     {"a sub or e-mail address"},
	"session":  {"a sid"},
	"grant":    {"a gid"},
	"consent":  {"a sub or e-mail address", "a client_id"},
	"client":   {"a client_id"},
	"token":    {"a token, its jti, or - to read it from standard input"},
	"key":      {"a kid"},
	"audience": {"an audience"},
	"all":      {},
}

// resolve turns e-mail addresses into subs, and reads a token that should not
// stand on a command line.
func (c *revokeCommand) resolve(i *invocation, server *admin.Client) (err error) {
	switch {
	case c.Kind == "user" || c.Kind == "consent":
		c.IDs[0], err = i.sub(server, c.IDs[0])
	case c.Kind == "token" && c.IDs[0] == "-":
		c.IDs[0], err = readToken(i)
	}
	return err
}

// missing says what there is not.
func (c *revokeCommand) missing() string {
	switch c.Kind {
	case "consent":
		return fmt.Sprintf("there is no user %s, or no client %s", c.IDs[0], c.IDs[1])
	case "audience":
		return "there is no resource " + c.IDs[0]
	case "token":
		return "the token's grant is not there any more"
	}
	return fmt.Sprintf("there is no %s %s", c.Kind, c.IDs[0])
}

// tokensOf are the words for the tokens that a revocation takes along, by kind.
var tokensOf = map[string]string{
	"user":     "every token of the user",
	"session":  "every token of the session",
	"grant":    "every token of the grant",
	"consent":  "every token that the client has of the user",
	"client":   "every token of the client",
	"key":      "every token that the key signed",
	"audience": "every access token for the audience",
	"all":      "every token there is",
}

// wouldEnd says what a dry run found.
func (c *revokeCommand) wouldEnd(r admin.RevocationResult) string {
	tokens := tokensOf[c.Kind]
	switch {
	case c.KeepSignIns:
		return "No session and no grant, but every access token of the user that is out"
	case tokens == "" && r.Grants == 0:
		return "This token"
	case tokens == "":
		tokens = tokensOf["grant"]
	}
	var parts []string
	if r.Sessions > 0 {
		parts = append(parts, counted(r.Sessions, "session"))
	}
	if r.Grants > 0 {
		parts = append(parts, counted(r.Grants, "grant")+" (of "+strings.Join(r.Clients, ", ")+")")
	}
	if len(parts) == 0 {
		return "No session and no grant, but " + tokens
	}
	text := strings.Join(append(parts, tokens), " and ")
	if r.More {
		return "At least " + text
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
