package main

import (
	"context"
	"fmt"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

const (
	memoryConnections = 64
	settling          = 2 * time.Second // from the start to reading the idle memory
)

// measureMemory reads the resident memory of a server that has just started on an existing database, and again when it
// has minted tokens on many connections.
func measureMemory(ctx context.Context, b *bench) ([]finding, error) {
	s, err := newSite(b.binary, b.directory, "memory")
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.stop() }() // it runs only after an error
	_, c, err := s.firstStart(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := pause(ctx, settling); err != nil {
		return nil, err
	}
	idle, err := residentBytes(s.pid())
	if err != nil {
		return nil, err
	}
	if err := s.mint(ctx, c, b.tokens); err != nil {
		return nil, err
	}
	busy, err := residentBytes(s.pid())
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("memory after %d tokens at %d connections", b.tokens, memoryConnections)
	return []finding{
		atMost("memory", "memory, idle", "MB", megabytes(idle), 25),
		atMost("memory", title, "MB", megabytes(busy), 70),
	}, s.stop()
}

// mint gets n tokens by client_credentials.
func (s *site) mint(ctx context.Context, c client, n int) error {
	group, err := load.Dial(ctx, s.address, memoryConnections)
	if err != nil {
		return err
	}
	defer group.Close()
	scripts := make([]load.Script, memoryConnections)
	for i := range scripts {
		scripts[i] = limit(s.serviceToken(c), (n+i)/memoryConnections)
	}
	_, err = group.Run(ctx, time.Hour, scripts)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
