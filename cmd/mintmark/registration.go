package main

import (
	"strconv"

	"github.com/mintmark-id/mintmark/admin"
)

type registrationTokenCommand struct {
	Create registrationTokenCreate `cmd:"" help:"Make a token with which clients register themselves; it is shown once."`
	List   registrationTokenList   `cmd:"" help:"List all tokens, also those that have ended."`
	Delete registrationTokenDelete `cmd:"" help:"Take a token back; the clients that came with it stay."`
}

const registrationTokenOnce = "The token is shown this once: only its hash is stored. Whoever holds it may register clients while the setting registration is token or open."

type registrationTokenCreate struct {
	Name string   `required:"" help:"Whom it is for."`
	Uses int64    `placeholder:"N" help:"How many clients may register with it (default: as many as they like)."`
	TTL  lifetime `name:"ttl" default:"30d" placeholder:"D" help:"How long it works (default 30d)."`
	onceFlag
}

func (c *registrationTokenCreate) Run(i *invocation, server *admin.Client) error {
	made, err := c.of(server).CreateRegistrationToken(i.ctx, admin.NewRegistrationToken{Name: c.Name, TTL: int64(c.TTL), Uses: c.Uses})
	if err != nil {
		return err
	}
	return i.printObject(made, registrationTokenOnce)
}

type registrationTokenList struct{}

func (*registrationTokenList) Run(i *invocation, server *admin.Client) error {
	return printList(i, server.RegistrationTokens(i.ctx), "ID NAME USED OF ENDS", func(t admin.RegistrationToken) []string {
		most := "-"
		if t.Uses > 0 {
			most = strconv.FormatInt(t.Uses, 10)
		}
		return []string{t.ID, t.Name, strconv.FormatInt(t.Used, 10), most, moment(t.EndsAt)}
	})
}

type registrationTokenDelete struct {
	ID string `arg:"" name:"id"`
}

func (c *registrationTokenDelete) Run(i *invocation, server *admin.Client) error {
	if err := server.DeleteRegistrationToken(i.ctx, c.ID); err != nil {
		return err
	}
	return i.done("Deleted registration token %s; the clients that came with it stay.", c.ID)
}
