package main

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

// harvestWithin bounds the making of a round's codes: they live 60 s, and a round must follow.
const harvestWithin = 30 * time.Second

// codes is a stock of authorization codes for the next round, as finished exchange requests.
type codes struct {
	tenants  *tenants
	group    *load.Group
	size     int // of the group
	mutex    sync.Mutex
	requests [][]byte
	taken    atomic.Int64
}

// harvest replaces the stock by n new codes, which the people's sessions and consents give without a page.
func (c *codes) harvest(ctx context.Context, n int) error {
	c.requests = c.requests[:0]
	c.taken.Store(0)
	var asked atomic.Int64
	scripts := make([]load.Script, c.size)
	for i := range scripts {
		who := c.tenants.people[i%len(c.tenants.people)]
		request := load.Get(c.tenants.address, authorizeTarget(webClient, offlineScope), who.cookies)
		scripts[i] = load.Script{Check: c.keep, Next: func() []byte {
			if asked.Add(1) > int64(n) {
				return nil
			}
			return request
		}}
	}
	_, err := c.group.Run(ctx, harvestWithin, scripts)
	return err
}

func (c *codes) keep(r load.Response) error {
	redirect, err := url.Parse(string(r.Location))
	if err != nil || redirect.Query().Get("code") == "" {
		return unexpected(r, "a redirect with a code")
	}
	request := load.Post(c.tenants.address, "/oauth2/token", codeForm(redirect.Query().Get("code")))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.requests = append(c.requests, request)
	return nil
}

// script exchanges codes from the stock until it is used up.
func (c *codes) script() load.Script {
	script := repeat(nil, `"refresh_token":"`)
	script.Next = func() []byte {
		i := c.taken.Add(1) - 1
		if i >= int64(len(c.requests)) {
			return nil
		}
		return c.requests[i]
	}
	return script
}
