package main

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

type sessionCommand struct {
	List sessionList `cmd:"" help:"List the sessions of a user."`
	Show sessionShow `cmd:"" help:"Show a session, ended or not: which of its clients acknowledged the logout, and what each can still do."`
	End  sessionEnd  `cmd:"" help:"End a session, and what hangs from it."`
}

type sessionList struct {
	User string `required:"" placeholder:"S" help:"The user's sub, or e-mail address."`
}

func (c *sessionList) Run(i *invocation, server *admin.Client) error {
	sub, err := i.sub(server, c.User)
	if err != nil {
		return err
	}
	return printList(i, server.Sessions(i.ctx, sub), "SID SIGNED_IN SEEN ALIVE AGENT", func(s admin.Session) []string {
		return []string{s.SID, date(s.SignedInAt), date(s.SeenAt), yesNo(s.Alive), s.Agent}
	})
}

type sessionShow struct {
	SID string `arg:"" name:"sid"`
}

func (c *sessionShow) Run(i *invocation, server *admin.Client) error {
	r, err := server.ShowSession(i.ctx, c.SID)
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(r)
	}
	if err := i.printObject(struct {
		admin.Session
		EndedAt time.Time `json:"ended_at,omitzero"`
	}{r.Session, r.EndedAt}); err != nil {
		return err
	}
	if len(r.Clients) == 0 {
		return i.done("\nNo client had a token in it.")
	}
	rows := [][]string{strings.Fields("CLIENT LOGOUT ATTEMPTS ANSWER NEXT ACCESS_TOKENS_UNTIL GRANTS")}
	for _, client := range r.Clients {
		rows = append(rows, clientRow(&client))
	}
	if err := i.done(""); err != nil {
		return err
	}
	if err := aligned(i.out, rows); err != nil {
		return err
	}
	if r.More {
		return i.done("\nThere are more grants of this session, which are not shown.")
	}
	return nil
}

// clientRow says of a client what it was told, and what it can still do.
func clientRow(c *admin.SessionClient) []string {
	grants := "-"
	for n, g := range c.Grants {
		if n == 0 {
			grants = ""
		} else {
			grants += ", "
		}
		grants += g.GID + " until " + date(g.Until)
		if g.Offline {
			grants += " (offline)"
		}
	}
	return []string{
		c.ClientID, c.Logout, strconv.FormatInt(c.Attempts, 10), cmp.Or(c.Answer, "-"), date(c.NextAttempt), date(c.AccessUntil), grants,
	}
}

type sessionEnd struct {
	SID string `arg:"" name:"sid"`
}

func (c *sessionEnd) Run(i *invocation, server *admin.Client) error {
	if err := server.EndSession(i.ctx, c.SID); err != nil {
		return err
	}
	return i.done("Ended session %s, and every grant that hung from it.", c.SID)
}

type grantCommand struct {
	List grantList `cmd:"" help:"List the grants of a user, of a client, or of a user to a client."`
	End  grantEnd  `cmd:"" help:"End a grant and its tokens."`
}

type grantList struct {
	User   string `placeholder:"S" help:"The user's sub, or e-mail address."`
	Client string `placeholder:"C" help:"The client_id."`
}

func (c *grantList) Run(i *invocation, server *admin.Client) error {
	if c.User == "" && c.Client == "" {
		return usagef("say whose grants: --user, --client, or both")
	}
	sub, err := i.sub(server, c.User)
	if err != nil {
		return err
	}
	grants := server.Grants(i.ctx, admin.GrantFilter{User: sub, Client: c.Client})
	return printList(i, grants, "GID CLIENT SUB SINCE ALIVE SCOPE", func(g admin.Grant) []string {
		return []string{g.GID, g.ClientID, g.Sub, date(g.CreatedAt), yesNo(g.Alive), g.Scope}
	})
}

type grantEnd struct {
	GID string `arg:"" name:"gid"`
}

func (c *grantEnd) Run(i *invocation, server *admin.Client) error {
	if err := server.EndGrant(i.ctx, c.GID); err != nil {
		return err
	}
	return i.done("Ended grant %s and its tokens.", c.GID)
}
