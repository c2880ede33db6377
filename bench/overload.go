package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

const (
	overloadSteady = 64  // connections that ask one thing at a time: what the server can do is measured with them
	overloadAll    = 128 // connections of the flood, which waits for no answer before it sends again
	overloadTimes  = 2   // as many requests as the server can answer
	overloadCalm   = 0.5 // of what it can answer, afterwards

	overloadLength   = 5 * time.Second
	refusedWithin    = 10 * time.Millisecond
	recoveredWithin  = 5 * time.Second
	overloadWindow   = 250 * time.Millisecond // in which it must have recovered
	goodputAtLeast   = 0.9
	acceptedNoSlower = 2.0
)

// overloads are the works that are flooded: of the kinds that the server limits by themselves, and of tokens what waits
// for the disk and what does not.
func overloads() []work {
	return slices.DeleteFunc(works(), func(w work) bool {
		return !slices.Contains([]string{"client-credentials", "refresh", "introspection", "discovery"}, w.name)
	})
}

// measureOverload asks a server of its own for twice what it can do. The server, and its PostgreSQL, have the first half
// of the processors and the generator the others, or they would take from each other what is measured.
func measureOverload(ctx context.Context, b *bench) (findings []finding, err error) {
	if runtime.NumCPU() < 2 {
		return nil, errors.New("it needs two processors")
	}
	half := runtime.NumCPU() / 2
	s, err := b.overloadSite(ctx, fmt.Sprintf("0-%d", half-1))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	t, err := settle(ctx, s, people)
	if err != nil {
		return nil, err
	}
	if err := pin(ctx, fmt.Sprintf("%d-%d", half, runtime.NumCPU()-1)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pin(ctx, fmt.Sprintf("0-%d", runtime.NumCPU()-1))) }()
	for _, w := range overloads() {
		f, err := flood(ctx, w, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		findings = append(findings, f...)
	}
	return findings, nil
}

// overloadSite starts a server that has only some of the processors.
func (b *bench) overloadSite(ctx context.Context, processors string) (*site, error) {
	s, err := newSite(b.binary, b.directory, "overload")
	if err != nil {
		return nil, err
	}
	if s.rows, err = b.cluster(ctx, "overload-rows"); err != nil {
		return nil, err
	}
	if s.rows != nil { // its processes to come get what it has
		if err := pinned(ctx, processors, s.rows.pid()); err != nil {
			return nil, err
		}
	}
	s.before = []string{"taskset", "-c", processors}
	return s, s.start(ctx)
}

// pin gives this process, all its threads, some of the processors.
func pin(ctx context.Context, processors string) error {
	return pinned(context.WithoutCancel(ctx), processors, os.Getpid())
}

func pinned(ctx context.Context, processors string, pid int) error {
	if out, err := exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", processors, strconv.Itoa(pid)).CombinedOutput(); err != nil {
		return fmt.Errorf("taskset: %w\n%s", err, out)
	}
	return nil
}

// flood measures what the server can do of a work, asks for more, and then for less.
func flood(ctx context.Context, w work, t *tenants) ([]finding, error) {
	scripts, _, err := w.prepare(ctx, t, overloadAll)
	if err != nil {
		return nil, err
	}
	can, err := canDo(ctx, t, scripts[:overloadSteady])
	if err != nil {
		return nil, err
	}
	group, err := load.Dial(ctx, t.address, overloadAll) // now: a connection that asks nothing is closed after a while
	if err != nil {
		return nil, err
	}
	defer group.Close()
	flooded, err := group.Arrive(ctx, overloadTimes*can.Rate(), overloadLength, scripts)
	if err != nil {
		return nil, err
	}
	after, err := group.Arrive(ctx, overloadCalm*can.Rate(), recoveredWithin+overloadLength, scripts)
	if err != nil {
		return nil, err
	}
	return judge(w, can, flooded, after), nil
}

// canDo measures what the server can do.
func canDo(ctx context.Context, t *tenants, scripts []load.Script) (load.Result, error) {
	group, err := load.Dial(ctx, t.address, len(scripts))
	if err != nil {
		return load.Result{}, err
	}
	defer group.Close()
	if _, err := group.Run(ctx, time.Second, scripts); err != nil {
		return load.Result{}, err
	}
	return group.Run(ctx, overloadLength, scripts)
}

// judge holds what was measured against the bounds.
func judge(w work, can load.Result, flooded, after []load.Arrival) []finding {
	accepted, refused := parted(flooded)
	goodput := float64(inTime(flooded)) / overloadLength.Seconds() / can.Rate()
	steady, slow := can.Percentile(99), load.Percentile(accepted, 99)
	times := slow.Seconds() / steady.Seconds()
	told := load.Percentile(refused, 99)
	back := recovered(after, time.Duration(acceptedNoSlower*float64(steady)))
	due := overloadTimes * can.Rate() * overloadLength.Seconds()
	share := func(n int) float64 { return 100 * float64(n) / due }
	title := func(what string) string {
		return fmt.Sprintf("%s, %d times %.0f requests/s: %s", w.name, overloadTimes, can.Rate(), what)
	}
	return []finding{
		{
			"overload", title("answered"),
			fmt.Sprintf("%.0f %% of what it can; of %.0f %.0f %% refused, %.0f %% not sent, all connections being busy", goodput*100, due, share(len(refused)), share(int(due)-len(flooded))),
			fmt.Sprintf("at least %.0f %%", goodputAtLeast*100), goodput >= goodputAtLeast,
		},
		{
			"overload", title("answered within, p99"), fmt.Sprintf("%s, %.1f x", latency(slow), times),
			fmt.Sprintf("%.0f x %s", acceptedNoSlower, latency(steady)), times <= acceptedNoSlower,
		},
		{"overload", title("refused within, p99"), latency(told), latency(refusedWithin), told <= refusedWithin},
		{
			"overload", title("as before, after the flood"), fmt.Sprintf("%.1f s", back.Seconds()), fmt.Sprintf("%.0f s", recoveredWithin.Seconds()),
			back <= recoveredWithin,
		},
	}
}

// inTime counts those that were answered while the flood lasted.
func inTime(arrivals []load.Arrival) (n int) {
	for _, a := range arrivals {
		if !a.Refused && a.Sent+a.Took <= overloadLength {
			n++
		}
	}
	return n
}

// parted gives how long those took that were answered and those that were refused.
func parted(arrivals []load.Arrival) (accepted, refused []time.Duration) {
	for _, a := range arrivals {
		if a.Refused {
			refused = append(refused, a.Took)
		} else {
			accepted = append(accepted, a.Took)
		}
	}
	return accepted, refused
}

// recovered is the end of the last window in which somebody was refused or most waited longer than told.
func recovered(arrivals []load.Arrival, longest time.Duration) time.Duration {
	windows := map[int][]load.Arrival{}
	for _, a := range arrivals {
		i := int(a.Sent / overloadWindow)
		windows[i] = append(windows[i], a)
	}
	var last time.Duration
	for i, window := range windows {
		accepted, refused := parted(window)
		if len(refused) > 0 || load.Percentile(accepted, 50) > longest {
			last = max(last, time.Duration(i+1)*overloadWindow)
		}
	}
	return last
}
