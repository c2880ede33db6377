package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// asked is a program that a proxy asks about each request: the guard, or what answers 204 whatever is asked.
type asked struct {
	*process
	network, at string
	wanted      int // the status
	times       spread
	costs       []float64 // CPU µs per request, by round
}

// measureGuard asks the guard about one request after the other over one connection, as a proxy that keeps it does: over
// a Unix socket and over loopback, in turns with bare net/http that answers 204. The guard logs as it comes.
func measureGuard(ctx context.Context, b *bench) ([]finding, error) {
	r, err := b.newRange(ctx, "guard", 0)
	if err != nil {
		return nil, err
	}
	defer r.close()
	tokens, err := r.token(ctx, r.service, url.Values{"grant_type": {"client_credentials"}})
	if err != nil {
		return nil, err
	}
	question := []byte("GET /verify HTTP/1.1\r\nHost: guard\r\nX-Original-Method: GET\r\nAuthorization: Bearer " + tokens.Access + "\r\n\r\n")
	reader, err := r.createClient(ctx, "bench-guard", "--grant", "client_credentials", "--scope", "revocations:read")
	if err != nil {
		return nil, err
	}
	secret := filepath.Join(b.directory, "guard.secret")
	if err := os.WriteFile(secret, []byte(reader.Secret), 0o600); err != nil {
		return nil, fmt.Errorf("writing the guard's secret: %w", err)
	}
	flags := []string{
		"guard", "--issuer", r.issuer, "--audience", r.issuer, "--client-id", reader.ID, "--client-secret-file", secret, "--listen",
	}
	var findings []finding
	for _, network := range []string{"unix", "tcp"} {
		found, err := b.askOver(ctx, network, question, flags)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found)
	}
	return findings, nil
}

// askOver asks the guard and the floor in turns.
func (b *bench) askOver(ctx context.Context, network string, question []byte, flags []string) (finding, error) {
	guard, err := b.launchAsked(ctx, network, http.StatusOK, b.binary, flags...)
	if err != nil {
		return finding{}, err
	}
	defer func() { _ = guard.stop() }() // the figures are taken, or the reason is the error at hand
	floor, err := b.launchAsked(ctx, network, http.StatusNoContent, filepath.Join(b.directory, "floors"), "-nothing", "-listen")
	if err != nil {
		return finding{}, err
	}
	defer func() { _ = floor.stop() }() // likewise
	for range b.rounds {
		for _, a := range []*asked{guard, floor} {
			if err := a.round(ctx, question, b.duration); err != nil {
				return finding{}, err
			}
		}
	}
	over := map[string]string{"unix": "a Unix socket", "tcp": "loopback"}[network]
	return noted("guard", "the guard asked about a request, over "+over, fmt.Sprintf("%s; floor: net/http that answers 204 %s", guard, floor)), nil
}

// launchAsked starts a program whose last flag takes the address, and waits until it lets the question pass.
func (b *bench) launchAsked(ctx context.Context, network string, wanted int, binary string, flags ...string) (*asked, error) {
	a := &asked{network: network, wanted: wanted}
	name := filepath.Base(binary) + "-" + network
	var listen string
	if network == "unix" {
		a.at = filepath.Join(b.directory, name+".sock")
		listen = "unix:" + a.at
	} else {
		var err error
		if a.at, err = freeAddress(); err != nil {
			return nil, err
		}
		listen = a.at
	}
	var err error
	a.process, err = launch(ctx, a.at, filepath.Join(b.directory, name+".log"), binary, append(flags, listen)...)
	if err != nil {
		return nil, err
	}
	return a, a.await(ctx, a.ready)
}

// ready asks whether it knows enough to answer; what answers 204 always does.
func (a *asked) ready(context.Context) error {
	conn, err := net.Dial(a.network, a.at)
	if err != nil {
		return err
	}
	defer conn.Close()
	return ask(conn, bufio.NewReader(conn), []byte("GET /readyz HTTP/1.1\r\nHost: guard\r\n\r\n"), a.wanted)
}

func ask(conn net.Conn, from *bufio.Reader, question []byte, wanted int) error {
	if _, err := conn.Write(question); err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != wanted {
		err = fmt.Errorf("the answer is %s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	return err
}

// round asks for a while.
func (a *asked) round(ctx context.Context, question []byte, length time.Duration) error {
	conn, err := net.Dial(a.network, a.at)
	if err != nil {
		return fmt.Errorf("asking %s: %w", a.at, err)
	}
	defer conn.Close()
	from := bufio.NewReader(conn)
	before, err := cpuTime(a.pid())
	if err != nil {
		return err
	}
	n := 0
	for end := time.Now().Add(length); time.Now().Before(end); n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		began := time.Now()
		if err := ask(conn, from, question, a.wanted); err != nil {
			return err
		}
		a.times = append(a.times, time.Since(began))
	}
	after, err := cpuTime(a.pid())
	a.costs = append(a.costs, float64((after-before).Microseconds())/float64(n))
	return err
}

func (a *asked) String() string {
	return fmt.Sprintf("%.1f µs CPU, p50 %d µs, p99 %d µs", median(a.costs), a.times.percentile(50).Microseconds(), a.times.percentile(99).Microseconds())
}
