package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

const (
	mixedConnections = 60
	mixedSignIns     = 4 // people who sign in, over and over, beside the connections
	slowest          = 5 * time.Second
)

// mixture counts what must not happen while everything happens at once.
type mixture struct {
	failures atomic.Int64 // answers of 500 and above
	signIns  atomic.Int64
}

// measureMixed asks everything at once. A wrong answer, a lost rotation among them, ends it as an error.
func measureMixed(ctx context.Context, b *bench) ([]finding, error) {
	m := &mixture{}
	group, err := load.Dial(ctx, b.tenants.address, mixedConnections)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	scripts, err := m.scripts(ctx, b.tenants)
	if err != nil {
		return nil, err
	}
	signing, cancel := context.WithTimeout(ctx, b.mixed)
	defer cancel()
	signIns := make([]error, mixedSignIns)
	var running sync.WaitGroup
	for i := range signIns {
		running.Go(func() { signIns[i] = m.keepSigningIn(ctx, signing, b.tenants, i) })
	}
	result, err := group.Run(ctx, b.mixed, scripts)
	cancel()
	running.Wait()
	if err := errors.Join(append(signIns, err)...); err != nil {
		return nil, err
	}
	locked, err := countInFile(b.tenants.log, "SQLITE_BUSY", "database is locked")
	if err != nil {
		return nil, err
	}
	longest, failed := result.Percentile(100), m.failures.Load()
	title := fmt.Sprintf("mixed load, %d connections, %v", mixedConnections+mixedSignIns, b.mixed)
	measured := fmt.Sprintf("%d requests and %d sign-ins, %d times 5xx, longest %.0f ms, %d times busy",
		result.Requests(), m.signIns.Load(), failed, longest.Seconds()*1000, locked)
	return []finding{{
		"mixed", title, measured, "no 5xx, none over 5 s, no rotation lost, no SQLITE_BUSY",
		failed == 0 && longest <= slowest && locked == 0,
	}}, nil
}

// scripts deals the kinds of work out to the connections.
func (m *mixture) scripts(ctx context.Context, t *tenants) ([]load.Script, error) {
	scripts := make([]load.Script, mixedConnections)
	for i := range scripts {
		script, err := mixedScript(ctx, t, i)
		if err != nil {
			return nil, err
		}
		scripts[i] = m.tolerate(script)
	}
	return scripts, nil
}

func mixedScript(ctx context.Context, t *tenants, i int) (load.Script, error) {
	switch i % 6 {
	case 0:
		return t.serviceToken(t.service), nil
	case 1:
		tokens, err := t.apiGrant(ctx, i)
		return t.introspect(tokens.Access), err
	case 2:
		return newJourney(t, i).script(), nil
	case 3:
		return repeat(load.Get(t.address, "/.well-known/jwks.json"), `"keys"`), nil
	default:
		tokens, err := t.grant(ctx, i, offlineScope)
		return impatient(newChain(t.address, "/oauth2/token", webClient, tokens.Refresh)), err
	}
}

// tolerate counts an answer of 500 and above, and lets the script ask again.
func (m *mixture) tolerate(script load.Script) load.Script {
	check := script.Check
	script.Check = func(r load.Response) error {
		if r.Status >= 500 {
			m.failures.Add(1)
			return nil
		}
		return check(r)
	}
	return script
}

var errForked = errors.New("a repeated refresh token led to another successor")

// impatient refreshes like a client that lost every tenth answer: it presents its token again, and must get the same
// successor, or it would be signed out by a replay.
func impatient(c *chain) load.Script {
	var previous []byte
	refreshes, repeated := 0, false
	return load.Script{
		Next: func() []byte {
			if repeated = refreshes%10 == 9; repeated {
				return (&chain{head: c.head, body: c.body, token: previous}).next()
			}
			previous = append(previous[:0], c.token...)
			return c.next()
		},
		Check: func(r load.Response) error {
			refreshes++
			if !repeated {
				return c.check(r)
			}
			successor := member(r.Body, "refresh_token")
			if r.Status != 200 || successor == nil {
				return unexpected(r, "200 with the same successor")
			}
			if !bytes.Equal(successor, c.token) {
				return errForked
			}
			return nil
		},
	}
}

// keepSigningIn signs in until signing is over; a sign-in that has begun then is finished.
func (m *mixture) keepSigningIn(ctx, signing context.Context, t *tenants, i int) error {
	for signing.Err() == nil {
		a, err := t.openLogin(ctx, t.people[i%len(t.people)].person)
		if err != nil {
			return fmt.Errorf("opening a sign-in page: %w", err)
		}
		if err := a.submit(); err != nil {
			return err
		}
		m.signIns.Add(1)
	}
	return nil
}

// countInFile counts the lines of a file that contain one of the texts.
func countInFile(path string, texts ...string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("reading the server's log: %w", err)
	}
	defer file.Close()
	lines, n := bufio.NewReaderSize(file, 1<<20), 0
	for {
		line, err := lines.ReadSlice('\n')
		for _, text := range texts {
			if bytes.Contains(line, []byte(text)) {
				n++
				break
			}
		}
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, fmt.Errorf("reading the server's log: %w", err)
		}
	}
}
