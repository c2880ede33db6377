package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/mintmark-id/mintmark/bench/load"
)

// work is one line of the table: what the server is asked, and how many times its floor that may cost.
type work struct {
	name   string
	title  string
	floor  string
	bound  float64
	target float64 // what to strive for; 0 if the bound is all
	// prepare makes the scripts of n connections, unmeasured. stock makes what a round uses up; nil if nothing is.
	prepare func(ctx context.Context, t *tenants, n int) (scripts []load.Script, stock func(context.Context, int) error, err error)
}

// works are the lines of the table, with its bounds.
func works() []work {
	return []work{
		{"client-credentials", "client_credentials, ES256 JWT, client_secret_basic", signFloor, 1.3, 1.0, prepareService},
		{"refresh", "refresh with rotation, access + ID token, durable", refreshFloor, 1.4, 1.15, prepareRefresh},
		{"exchange", "code exchange with PKCE, durable", refreshFloor, 1.8, 0, prepareExchange},
		{"introspection", "introspection of a user's JWT", verifyReadFloor, 1.5, 0, prepareIntrospection},
		{"introspection-seen", "introspection of a token seen before", jsonFloor, 2.0, 0, prepareIntrospection},
		{"discovery", "discovery", jsonFloor, 1.1, 0, prepareGet("/.well-known/openid-configuration", `"token_endpoint"`)},
		{"jwks", "JWKS", jsonFloor, 1.1, 0, prepareGet("/.well-known/jwks.json", `"keys"`)},
	}
}

type stockFunc = func(context.Context, int) error

func prepareService(_ context.Context, t *tenants, n int) ([]load.Script, stockFunc, error) {
	scripts := make([]load.Script, n)
	for i := range scripts {
		scripts[i] = t.serviceToken(t.service)
	}
	return scripts, nil, nil
}

// prepareRefresh gives each connection a grant of its own, which it rotates for as long as it runs.
func prepareRefresh(ctx context.Context, t *tenants, n int) ([]load.Script, stockFunc, error) {
	scripts := make([]load.Script, n)
	for i := range scripts {
		tokens, err := t.grant(ctx, i, offlineScope)
		if err != nil {
			return nil, nil, fmt.Errorf("making a grant: %w", err)
		}
		scripts[i] = newChain(t.address, "/oauth2/token", webClient, tokens.Refresh).script()
	}
	return scripts, nil, nil
}

// prepareExchange makes the codes of each round before it, on connections of their own.
func prepareExchange(ctx context.Context, t *tenants, n int) ([]load.Script, stockFunc, error) {
	group, err := load.Dial(ctx, t.address, n)
	if err != nil {
		return nil, nil, err
	}
	context.AfterFunc(ctx, group.Close)
	stock := &codes{tenants: t, group: group, size: n}
	scripts := make([]load.Script, n)
	for i := range scripts {
		scripts[i] = stock.script()
	}
	return scripts, stock.harvest, nil
}

// prepareIntrospection gives each connection a user's token of its own. It has a living grant, session and user.
func prepareIntrospection(ctx context.Context, t *tenants, n int) ([]load.Script, stockFunc, error) {
	scripts := make([]load.Script, n)
	for i := range scripts {
		tokens, err := t.apiGrant(ctx, i)
		if err != nil {
			return nil, nil, fmt.Errorf("making a grant: %w", err)
		}
		scripts[i] = t.introspect(tokens.Access)
	}
	return scripts, nil, nil
}

func (t *tenants) introspect(token string) load.Script {
	return repeat(load.Post(t.address, "/oauth2/introspect", url.Values{"token": {token}}, t.api.basic()), `"active":true`)
}

func prepareGet(path, text string) func(context.Context, *tenants, int) ([]load.Script, stockFunc, error) {
	return func(_ context.Context, t *tenants, n int) ([]load.Script, stockFunc, error) {
		scripts := make([]load.Script, n)
		for i := range scripts {
			scripts[i] = repeat(load.Get(t.address, path), text)
		}
		return scripts, nil, nil
	}
}

// line is a measured work.
type line struct {
	work
	connections     int
	floors, servers []sample
}

// ratio is the figure that is bounded: the median of the rounds' ratios.
func (l line) ratio() float64 { return median(ratios(l.floors, l.servers)) }

// notSlower is what an endpoint may cost, times what it cost before.
const notSlower = 1.05

// compare measures a work and its floor in turn, or the work of an earlier server.
func (b *bench) compare(ctx context.Context, w work, n int) (line, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server, err := b.tenants.side(ctx, w, n)
	if err != nil {
		return line{}, err
	}
	defer server.group.Close()
	var floor side
	if b.earlier == nil {
		floor, err = b.floors.side(ctx, w, n)
	} else {
		w.bound, w.target = notSlower, 0
		floor, err = b.earlier.side(ctx, w, n)
	}
	if err != nil {
		return line{}, err
	}
	defer floor.group.Close()
	l := line{work: w, connections: n}
	l.floors, l.servers, err = interleave(ctx, b.rounds, b.duration, floor, server)
	return l, err
}

// side prepares a work at a server.
func (t *tenants) side(ctx context.Context, w work, n int) (side, error) {
	scripts, stock, err := w.prepare(ctx, t, n)
	if err != nil {
		return side{}, err
	}
	group, err := load.Dial(ctx, t.address, n)
	return side{process: t.process, group: group, scripts: scripts, stock: stock}, err
}

// side prepares a work's floor.
func (f *floorSite) side(ctx context.Context, w work, n int) (side, error) {
	group, err := load.Dial(ctx, f.address, n)
	return side{process: f.process, group: group, scripts: f.scripts(w.floor, n)}, err
}

// measureFloor measures a floor by itself, for when there is no server to compare it with.
func measureFloor(ctx context.Context, o options, floor string, n int, f *floorSite) (line, error) {
	l := line{work: work{name: floor, title: floor, floor: floor}, connections: n}
	s, err := f.side(ctx, l.work, n)
	if err != nil {
		return line{}, err
	}
	defer s.group.Close()
	for range o.rounds {
		taken, err := s.measure(ctx, o.duration)
		if err != nil {
			return line{}, err
		}
		l.floors = append(l.floors, taken)
	}
	return l, nil
}
