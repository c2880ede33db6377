package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

// libraries are what bench/others measures, by the names that it takes.
func libraries() []string { return []string{"golang-jwt", "go-jose", "jwx"} }

// others is the running program of bench/others. It is a module of its own, so it is built where it stands.
type others struct {
	command *exec.Cmd
	asks    io.WriteCloser
	answers *bufio.Reader
}

// scene is what bench/others is given.
type scene struct {
	Token    string          `json:"token"`
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
	Key      *jose.PublicKey `json:"key"`
}

func openOthers(ctx context.Context, directory string, s scene) (*others, error) {
	binary := filepath.Join(directory, "others")
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join("bench", "others"), "-trimpath", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building bench/others: %w\n%s", err, out)
	}
	o := &others{command: exec.CommandContext(ctx, binary)}
	o.command.Stderr = os.Stderr
	var err error
	if o.asks, err = o.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting bench/others: %w", err)
	}
	out, err := o.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting bench/others: %w", err)
	}
	o.answers = bufio.NewReader(out)
	if err := o.command.Start(); err != nil {
		return nil, fmt.Errorf("starting bench/others: %w", err)
	}
	if err := json.NewEncoder(o.asks).Encode(s); err != nil {
		o.close()
		return nil, fmt.Errorf("asking bench/others: %w", err)
	}
	return o, nil
}

// close ends the program: it ends with its input.
func (o *others) close() {
	_ = o.asks.Close()
	_ = o.command.Wait() // the figures are taken, or the reason is the error at hand
}

// contender is one of its libraries.
func (o *others) contender(library string) contender {
	return contender{name: library, run: func(n int) (charge, error) {
		if _, err := fmt.Fprintln(o.asks, library, n); err != nil {
			return charge{}, fmt.Errorf("asking bench/others: %w", err)
		}
		var c charge
		var ns int64
		if _, err := fmt.Fscanln(o.answers, &ns, &c.allocs); err != nil {
			return charge{}, fmt.Errorf("asking bench/others for %s: %w", library, err)
		}
		c.cpu = time.Duration(ns)
		return c, nil
	}}
}
