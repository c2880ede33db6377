package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mintmark-id/mintmark/test/faults/crash"
)

// kills is how often the server is killed while it revokes.
const kills = 1000

// measureCrash kills a server -9 between commit and reply of a revocation, again and again, and counts what a restart
// has forgotten. The first is reported as a problem, with the server's log.
func measureCrash(ctx context.Context, b *bench) ([]finding, error) {
	data := filepath.Join(b.directory, "crash")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, fmt.Errorf("making a data directory: %w", err)
	}
	r, err := crash.Revocation(ctx, b.binary, data, kills)
	if err != nil {
		return nil, fmt.Errorf("%s, then: %w", r, err)
	}
	return []finding{{
		"crash", "revocations that were answered or served and are forgotten after kill -9",
		fmt.Sprintf("0 (%s)", r), "0", r.Kills == kills,
	}}, nil
}
