package main

import (
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

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
	if err := printList(i, func(yield func(admin.Key, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, keyHeading, keyCells); err != nil {
		return err
	}
	if unknown := hardlyKnown(keys); len(unknown) > 0 {
		return i.done("\n%s signs now, and has been published for less than a day. A client that fetches keys only now and then may not know it yet.",
			strings.Join(unknown, ", "))
	}
	return nil
}

// hardlyKnown are the keys that sign before everybody who keeps a key set for a day
// has seen them.
func hardlyKnown(keys []admin.Key) []string {
	var kids []string
	for _, key := range keys {
		if key.Use == "sig" && key.Status == "active" && key.SignsFrom.Sub(key.CreatedAt) < 24*time.Hour {
			kids = append(kids, key.KID)
		}
	}
	return kids
}
