package main

import (
	"context"
	"math"
	"net/url"

	"github.com/mintmark-id/mintmark/bench/load"
)

// authorizeBound is the CPU of an authorization request in microseconds.
const authorizeBound = 300

// measureAuthorize measures what an authorization request costs that needs no page: of people with a session and a
// consent, to the redirect with a code, which is committed.
func measureAuthorize(ctx context.Context, b *bench) ([]finding, error) {
	n := b.connections[0]
	group, err := load.Dial(ctx, b.tenants.address, n)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	s := side{process: b.tenants.process, group: group, scripts: make([]load.Script, n)}
	for i := range s.scripts {
		s.scripts[i] = b.tenants.authorization(i)
	}
	var costs []float64
	for range b.rounds {
		taken, err := s.measure(ctx, b.duration)
		if err != nil {
			return nil, err
		}
		costs = append(costs, taken.cpu)
	}
	return []finding{atMost("authorize", "authorization request with a session, to redirect, CPU", "µs",
		math.Round(median(costs)*10)/10, authorizeBound)}, nil
}

// authorization asks for a code again and again, in the name of one of the people.
func (t *tenants) authorization(i int) load.Script {
	request := load.Get(t.address, authorizeTarget(webClient, offlineScope), t.people[i%len(t.people)].cookies)
	return load.Script{
		Next: func() []byte { return request },
		Check: func(r load.Response) error {
			to, err := url.Parse(string(r.Location))
			if err != nil || to.Query().Get("code") == "" {
				return unexpected(r, "a redirect with a code")
			}
			return nil
		},
	}
}
