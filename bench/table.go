package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/verify"
)

const (
	manyEntries = 100_000
	mostEntries = 10_000_000
	targets     = 8 // that a token is looked up by
	loads       = 5
)

var errWrongVerdict = errors.New("the table found what was never added")

// measureTable looks targets up that are not there, as those of nearly every token are not: beside as many loads from
// random places of as much memory, which is the least that a table could do.
func measureTable(ctx context.Context, b *bench) ([]finding, error) {
	var findings []finding
	for _, size := range []struct {
		entries int
		bound   float64
	}{{manyEntries, 200}, {mostEntries, 2000}} {
		table := revocation.NewTable(size.entries, time.Now().UnixMilli())
		for n := range uint64(size.entries) {
			if !table.Put(revocation.Entry{Name: scatter(n), Cut: revocation.Forever, Until: revocation.Forever}) {
				return nil, errors.New("a table made for its entries does not hold them")
			}
		}
		costs, err := race(ctx, b.rounds, b.duration/4, []contender{lookUps(table), bareLoads(table.Bytes())})
		if err != nil {
			return nil, err
		}
		probe, floor := typicalCost(costs["table"]), typicalCost(costs["loads"])
		findings = append(findings, finding{
			"table", fmt.Sprintf("revocation check, %d targets, %d entries", targets, size.entries),
			fmt.Sprintf("%s; floor: %d loads %s", nanoseconds(probe.ns), targets, nanoseconds(floor.ns)),
			nanoseconds(size.bound), probe.ns <= size.bound,
		})
	}
	return findings, nil
}

func lookUps(table *revocation.Table) contender {
	names, next := make([]uint64, targets), uint64(1)<<40
	rvs := time.Now().UnixMilli()
	return here("table", func() error {
		for i := range names {
			next++
			names[i] = scatter(next)
		}
		if table.Dead(rvs, names) {
			return errWrongVerdict
		}
		return nil
	})
}

// bareLoads reads words from places that are chosen as a table chooses them.
func bareLoads(bytes int) contender {
	memory, next := make([]uint64, bytes/8), uint64(1)<<40
	for i := range memory {
		memory[i] = 1 // so that the pages are there
	}
	return here("loads", func() error {
		sum := uint64(0)
		for range targets {
			next++
			place, _ := bits.Mul64(scatter(next), uint64(len(memory)))
			sum += memory[place]
		}
		if sum != targets {
			return errWrongVerdict
		}
		return nil
	})
}

// measureLoad lets verifiers take a snapshot of ten million entries over loopback: the time from being made to being
// live, and the memory that they keep. The floor is the one hash over the snapshot that its signature demands.
func measureLoad(ctx context.Context, _ *bench) ([]finding, error) {
	i, err := newIssuer(mostEntries)
	if err != nil {
		return nil, err
	}
	defer i.Close()
	var times, hashes []time.Duration
	var kept []int64
	for range loads {
		begin := time.Now()
		sha256.Sum256(i.snapshot)
		hashes = append(hashes, time.Since(begin))
		took, bytes, err := i.load(ctx)
		if err != nil {
			return nil, err
		}
		times, kept = append(times, took), append(kept, bytes)
	}
	snapshot := milliseconds(median(times))
	return []finding{
		atMost("load", fmt.Sprintf("memory of a verifier with %d entries", mostEntries), "MB", megabytes(slices.Max(kept)), 210),
		{
			"load", fmt.Sprintf("loading a snapshot of %d entries", mostEntries),
			fmt.Sprintf("%.2f s (longest %.2f s); floor: SHA-256 over it %.2f s", snapshot/1000, slices.Max(times).Seconds(), median(hashes).Seconds()),
			"3 s", snapshot <= 3000,
		},
	}, nil
}

// load makes a verifier, and gives the time until it was live, and by how much the heap has grown for good.
func (i *issuer) load(ctx context.Context) (time.Duration, int64, error) {
	before := heap()
	begin := time.Now()
	v, err := i.verifier(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer v.Close()
	took := time.Since(begin)
	return took, heap() - before, nil
}

// verifier makes one that is live.
func (i *issuer) verifier(ctx context.Context) (*verify.Verifier, error) {
	v, err := verify.New(ctx, i.url, i.url, verify.WithClient("api", "secret"), verify.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	f := fleet{[]*verify.Verifier{v}}
	if err := f.awaitLive(ctx); err != nil {
		f.disband()
		return nil, err
	}
	if got := v.Status().Entries; got != i.entries {
		f.disband()
		return nil, fmt.Errorf("a verifier is live with %d of %d entries", got, i.entries)
	}
	return v, nil
}

// heap is what is in use after everything else was collected.
func heap() int64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}
