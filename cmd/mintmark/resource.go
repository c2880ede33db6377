package main

import (
	"strings"

	"github.com/mintmark-id/mintmark/admin"
)

type resourceCommand struct {
	Create resourceCreate `cmd:"" help:"Add an API."`
	List   resourceList   `cmd:"" help:"List all APIs."`
	Show   resourceShow   `cmd:"" help:"Show one API."`
	Update resourceUpdate `cmd:"" help:"Change what is given, and nothing else."`
	Delete resourceDelete `cmd:"" help:"Remove an API, and end all tokens for it."`
}

// audience is the argument of the verbs for one resource.
type audience struct {
	Audience string `arg:"" name:"audience" help:"An absolute URI, as in https://api.example.com."`
}

type resourceFlags struct {
	Name        *string   `help:"What people see."`
	Scope       []string  `placeholder:"S" help:"Scopes that it gives a meaning."`
	AccessTTL   *lifetime `name:"access-ttl" placeholder:"D" help:"Lifetime of access tokens for it."`
	Alg         *string   `placeholder:"A" help:"Signs them: ES256 (the default), RS256, PS256 or Ed25519."`
	AccessToken *string   `placeholder:"F" help:"How they look: jwt (the default) or opaque."`
}

func (f *resourceFlags) apply(s *admin.ResourceSettings) {
	replace(&s.Name, f.Name)
	replaceList(&s.Scopes, f.Scope)
	replace(&s.AccessTokenTTL, (*int64)(f.AccessTTL))
	replace(&s.Alg, f.Alg)
	replace(&s.AccessTokenFormat, f.AccessToken)
}

type resourceCreate struct {
	audience
	resourceFlags
	onceFlag
}

func (c *resourceCreate) Run(i *invocation, server *admin.Client) error {
	asked := admin.NewResource{Audience: c.Audience}
	c.apply(&asked.ResourceSettings)
	made, err := c.of(server).CreateResource(i.ctx, asked)
	if err != nil {
		return err
	}
	return i.printObject(made)
}

type resourceList struct{}

func (*resourceList) Run(i *invocation, server *admin.Client) error {
	return printList(i, server.Resources(i.ctx), "AUDIENCE NAME SCOPES", func(r admin.Resource) []string {
		return []string{r.Audience, r.Name, strings.Join(r.Scopes, ",")}
	})
}

type resourceShow struct{ audience }

func (c *resourceShow) Run(i *invocation, server *admin.Client) error {
	found, err := server.ShowResource(i.ctx, c.Audience)
	if err != nil {
		return err
	}
	return i.printObject(found)
}

type resourceUpdate struct {
	audience
	resourceFlags
}

func (c *resourceUpdate) Run(i *invocation, server *admin.Client) error {
	found, err := server.ShowResource(i.ctx, c.Audience)
	if err != nil {
		return err
	}
	c.apply(&found.ResourceSettings)
	found, err = server.UpdateResource(i.ctx, c.Audience, admin.ResourceUpdate{ResourceSettings: found.ResourceSettings, Version: found.Version})
	if err != nil {
		return err
	}
	return i.printObject(found)
}

type resourceDelete struct{ audience }

func (c *resourceDelete) Run(i *invocation, server *admin.Client) error {
	if err := server.DeleteResource(i.ctx, c.Audience); err != nil {
		return err
	}
	return i.done("Deleted resource %s; all tokens for it have ended.", c.Audience)
}
