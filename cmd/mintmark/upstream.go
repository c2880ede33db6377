package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/admin"
)

type upstreamCommand struct {
	Create upstreamCreate `cmd:"" help:"Let people sign in with an OpenID Provider."`
	List   upstreamList   `cmd:"" help:"List all upstreams."`
	Show   upstreamShow   `cmd:"" help:"Show one upstream."`
	Update upstreamUpdate `cmd:"" help:"Change what is given, and nothing else."`
	Delete upstreamDelete `cmd:"" help:"Remove an upstream; what was signed in to goes on."`
}

// upstreamID is the argument of the verbs for one upstream.
type upstreamID struct {
	ID string `arg:"" name:"id" help:"Small letters, digits and hyphens; it is part of the redirect URI."`
}

type upstreamFlags struct {
	Name         *string      `help:"What the button says: Continue with NAME."`
	Issuer       *string      `placeholder:"URL" help:"Its issuer, exactly."`
	ClientID     *string      `name:"client-id" placeholder:"ID" help:"What it calls this server."`
	ClientSecret *secretFirst `name:"client-secret-file" placeholder:"FILE" help:"File with the secret that this server shows there."`
	Scope        []string     `placeholder:"S" help:"Scopes to ask for (default openid, email, profile)."`
	Alg          []string     `placeholder:"A" help:"What its ID tokens may be signed with (default what it says of itself)."`
	SignUp       *bool        `help:"Whoever has an account there may make one here, where the setting sign_up lets strangers in." negatable:""`
}

// secretFirst is the first line of a file: a command line is for all to see.
type secretFirst string

// UnmarshalText reads the file.
func (s *secretFirst) UnmarshalText(path []byte) error {
	text, err := os.ReadFile(string(path))
	if err != nil {
		return fmt.Errorf("reading the client's secret: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	*s = secretFirst(strings.TrimSpace(line))
	if *s == "" {
		return fmt.Errorf("reading the client's secret: there is none in %s", path)
	}
	return nil
}

func (f *upstreamFlags) apply(s *admin.UpstreamSettings) {
	replace(&s.Name, f.Name)
	replace(&s.Issuer, f.Issuer)
	replace(&s.ClientID, f.ClientID)
	replaceList(&s.Scopes, f.Scope)
	replaceList(&s.Algs, f.Alg)
	replace(&s.SignUp, f.SignUp)
}

type upstreamCreate struct {
	upstreamID
	upstreamFlags
	onceFlag
}

func (c *upstreamCreate) Run(i *invocation, server *admin.Client) error {
	asked := admin.NewUpstream{ID: c.ID}
	c.apply(&asked.UpstreamSettings)
	replace(&asked.ClientSecret, (*string)(c.ClientSecret))
	made, err := c.of(server).CreateUpstream(i.ctx, asked)
	if err != nil {
		return err
	}
	return i.printObject(made, "Register the redirect_uri there, exactly as it is.")
}

type upstreamList struct{}

func (*upstreamList) Run(i *invocation, server *admin.Client) error {
	return printList(i, server.Upstreams(i.ctx), "ID NAME LINKED ISSUER", func(u admin.Upstream) []string {
		return []string{u.ID, u.Name, strconv.FormatInt(u.Linked, 10), u.Issuer}
	})
}

type upstreamShow struct{ upstreamID }

func (c *upstreamShow) Run(i *invocation, server *admin.Client) error {
	found, err := server.ShowUpstream(i.ctx, c.ID)
	if err != nil {
		return err
	}
	return i.printObject(found)
}

type upstreamUpdate struct {
	upstreamID
	upstreamFlags
}

func (c *upstreamUpdate) Run(i *invocation, server *admin.Client) error {
	found, err := server.ShowUpstream(i.ctx, c.ID)
	if err != nil {
		return err
	}
	asked := admin.UpstreamUpdate{UpstreamSettings: found.UpstreamSettings, Version: found.Version}
	c.apply(&asked.UpstreamSettings)
	replace(&asked.ClientSecret, (*string)(c.ClientSecret))
	found, err = server.UpdateUpstream(i.ctx, c.ID, asked)
	if err != nil {
		return err
	}
	return i.printObject(found)
}

type upstreamDelete struct{ upstreamID }

func (c *upstreamDelete) Run(i *invocation, server *admin.Client) error {
	found, err := server.ShowUpstream(i.ctx, c.ID)
	if err != nil {
		return err
	}
	if err := server.DeleteUpstream(i.ctx, c.ID); err != nil {
		return err
	}
	return i.done("Deleted upstream %s; %d users stay linked to %s, and sessions that came of it go on (mintmark revoke ends them).", c.ID, found.Linked, found.Issuer)
}
