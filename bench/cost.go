package main

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// contender is one way of doing something that takes nanoseconds, in this process or in another.
type contender struct {
	name  string
	stock func(n int) error           // makes what n calls use up, unmeasured; nil if nothing is
	run   func(n int) (charge, error) // makes n calls
}

// charge is what some calls cost: CPU time, of all threads, so that collecting the garbage counts; and allocations.
type charge struct {
	cpu    time.Duration
	allocs uint64
}

// cost is the charge of one call.
type cost struct{ ns, allocs float64 }

// here makes the calls in this process, which does nothing else meanwhile.
func here(name string, call func() error) contender {
	return contender{name: name, run: func(n int) (charge, error) {
		before, err := ownCharge()
		if err != nil {
			return charge{}, err
		}
		for range n {
			if err := call(); err != nil {
				return charge{}, fmt.Errorf("%s: %w", name, err)
			}
		}
		after, err := ownCharge()
		return charge{after.cpu - before.cpu, after.allocs - before.allocs}, err
	}}
}

func ownCharge() (charge, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return charge{}, fmt.Errorf("reading the process's time: %w", err)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return charge{time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), memory.Mallocs}, nil
}

// race lets the contenders take turns, each beginning a round in its turn, so that what changes on the machine changes
// for all. A round of each is about as long as told. It gives the costs by contender and round.
func race(ctx context.Context, rounds int, length time.Duration, contenders []contender) (map[string][]cost, error) {
	calls, costs := make([]int, len(contenders)), map[string][]cost{}
	for i, c := range contenders {
		var err error
		if calls[i], err = c.calibrate(length); err != nil {
			return nil, err
		}
	}
	for round := range rounds {
		for turn := range contenders {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			i := (round + turn) % len(contenders)
			c := contenders[i]
			spent, err := c.call(calls[i])
			if err != nil {
				return nil, err
			}
			n := float64(calls[i])
			costs[c.name] = append(costs[c.name], cost{float64(spent.cpu) / n, float64(spent.allocs) / n})
		}
	}
	return costs, nil
}

func (c contender) call(n int) (charge, error) {
	if c.stock != nil {
		if err := c.stock(n); err != nil {
			return charge{}, err
		}
	}
	runtime.GC() // nobody pays for what was left before
	return c.run(n)
}

// calibrate finds how many calls take about so long. It is the round that does not count.
func (c contender) calibrate(length time.Duration) (int, error) {
	for n := 64; ; n *= 4 {
		spent, err := c.call(n)
		if err != nil {
			return 0, err
		}
		if spent.cpu >= length/8 {
			return max(1, int(float64(n)*length.Seconds()/spent.cpu.Seconds())), nil
		}
	}
}

// typicalCost is the median of the rounds, of each figure by itself.
func typicalCost(rounds []cost) cost {
	return cost{
		median(each(rounds, func(c cost) float64 { return c.ns })),
		median(each(rounds, func(c cost) float64 { return c.allocs })),
	}
}

// timesFloor divides round by round.
func timesFloor(floor, costs []cost) []float64 {
	quotients := make([]float64, len(costs))
	for i := range quotients {
		quotients[i] = costs[i].ns / floor[i].ns
	}
	return quotients
}

func nanoseconds(ns float64) string {
	if ns < 1000 {
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.2f µs", ns/1000)
}
