package main

import (
	"strings"

	"github.com/mintmark-id/mintmark/admin"
)

type adminTokenCommand struct {
	Create adminTokenCreate `cmd:"" help:"Make a token with which the server is administered from elsewhere; it is shown once."`
	List   adminTokenList   `cmd:"" help:"List all tokens, also those that have ended."`
	Delete adminTokenDelete `cmd:"" help:"Take a token back: it is of no use from then on."`
}

const adminTokenOnce = "The token is shown this once: only its hash is stored. Whoever holds it may do what its scopes say, where the server has an admin_listen: mintmark --server URL --token-file FILE ..."

type adminTokenCreate struct {
	Name    string   `arg:"" help:"Stands for the token in the audit trail: 3 to 64 small letters, digits and hyphens."`
	Scope   []string `required:"" placeholder:"S" help:"What it may do: ${admin_scopes}."`
	Expires lifetime `default:"90d" placeholder:"D" help:"How long it works, at most 366d (default 90d)."`
	onceFlag
}

func (c *adminTokenCreate) Run(i *invocation, server *admin.Client) error {
	made, err := c.of(server).CreateAdminToken(i.ctx, admin.NewAdminToken{Name: c.Name, Scopes: c.Scope, TTL: int64(c.Expires)})
	if err != nil {
		return err
	}
	return i.printObject(made, adminTokenOnce)
}

type adminTokenList struct{}

func (*adminTokenList) Run(i *invocation, server *admin.Client) error {
	return printList(i, server.AdminTokens(i.ctx), "NAME SCOPES CREATED ENDS USED", func(t admin.AdminToken) []string {
		return []string{t.Name, strings.Join(t.Scopes, ","), date(t.CreatedAt), date(t.EndsAt), date(t.UsedAt)}
	})
}

type adminTokenDelete struct {
	Name string `arg:"" help:"The token's name."`
}

func (c *adminTokenDelete) Run(i *invocation, server *admin.Client) error {
	if err := server.DeleteAdminToken(i.ctx, c.Name); err != nil {
		return err
	}
	return i.done("Deleted. Whoever holds it is refused from now on.")
}
