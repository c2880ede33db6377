package main

import "github.com/mintmark-id/mintmark/admin"

type keyCommand struct {
	List   keyList   `cmd:"" help:"List the signing keys."`
	Rotate keyRotate `cmd:"" help:"Let the next keys sign."`
}

const keyHeading = "KID ALG STATUS USE CREATED SIGNS_FROM PUBLISHED_UNTIL"

func keyCells(k admin.Key) []string {
	return []string{k.KID, k.Alg, k.Status, k.Use, date(k.CreatedAt), date(k.SignsFrom), date(k.PublishedUntil)}
}

type keyList struct{}

func (*keyList) Run(i *invocation, server *admin.Client) error {
	return printList(i, server.Keys(i.ctx), keyHeading, keyCells)
}

type keyRotate struct {
	Emergency bool `help:"The keys that sign now are compromised: every token that they signed dies, and every opaque access token."`
}

func (c *keyRotate) Run(i *invocation, server *admin.Client) error {
	keys, err := server.RotateKeys(i.ctx, c.Emergency)
	if err != nil {
		return err
	}
	return printList(i, func(yield func(admin.Key, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, keyHeading, keyCells)
}
