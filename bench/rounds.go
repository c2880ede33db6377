package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mintmark-id/mintmark/bench/load"
)

// side is one of the two that are compared: the floor or the server.
type side struct {
	process *process
	group   *load.Group
	scripts []load.Script
	stock   func(ctx context.Context, n int) error // makes what n requests use up, unmeasured; nil if nothing is
}

// sample is one round of one side.
type sample struct {
	requests int
	rate     float64 // requests per second
	cpu      float64 // CPU microseconds of the process and its database per request
	p50, p99 time.Duration
}

var errNothingServed = errors.New("no request was answered in a round")

// measure runs one round. The process is idle before and after, so what it used in between was for these requests.
func (s side) measure(ctx context.Context, duration time.Duration) (sample, error) {
	before, err := s.process.cpuTime()
	if err != nil {
		return sample{}, err
	}
	result, err := s.group.Run(ctx, duration, s.scripts)
	if err != nil {
		return sample{}, err
	}
	after, err := s.process.cpuTime()
	if err != nil {
		return sample{}, err
	}
	if result.Requests() == 0 {
		return sample{}, errNothingServed
	}
	return sample{
		requests: result.Requests(),
		rate:     result.Rate(),
		cpu:      float64((after - before).Microseconds()) / float64(result.Requests()),
		p50:      result.Percentile(50),
		p99:      result.Percentile(99),
	}, nil
}

// interleave measures both sides in turn, each first in every other round, so that what changes on the machine during
// a run changes for both. A short unmeasured round of each comes before.
func interleave(ctx context.Context, rounds int, duration time.Duration, floor, server side) (floors, servers []sample, err error) {
	sides, samples := [2]side{floor, server}, [2][]sample{}
	enough := 2000 // of what is used up; corrected by what the floor served
	for round := -1; round < rounds; round++ {
		length := duration
		if round < 0 {
			length = duration / 4
		}
		for turn := range sides {
			i := (turn + max(round, 0)) % 2
			if stock := sides[i].stock; stock != nil {
				if err := stock(ctx, enough); err != nil {
					return nil, nil, err
				}
			}
			taken, err := sides[i].measure(ctx, length)
			if err != nil {
				return nil, nil, err
			}
			if round >= 0 {
				samples[i] = append(samples[i], taken)
			}
			enough = max(enough, int(taken.rate*duration.Seconds()))
		}
	}
	return samples[0], samples[1], nil
}

// ratios divides round by round: a neighbour that slowed a round down slowed both of its halves.
func ratios(floors, servers []sample) []float64 {
	quotients := make([]float64, min(len(floors), len(servers)))
	for i := range quotients {
		quotients[i] = servers[i].cpu / floors[i].cpu
	}
	return quotients
}

// median of an even number of values is the mean of the middle two.
func median[T int | int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	switch {
	case len(sorted) == 0:
		return 0
	case len(sorted)%2 == 1:
		return sorted[middle]
	default:
		return (sorted[middle-1] + sorted[middle]) / 2
	}
}

// typical is the median of each figure by itself.
func typical(samples []sample) sample {
	return sample{
		requests: median(each(samples, func(s sample) int { return s.requests })),
		rate:     median(each(samples, func(s sample) float64 { return s.rate })),
		cpu:      median(each(samples, func(s sample) float64 { return s.cpu })),
		p50:      median(each(samples, func(s sample) time.Duration { return s.p50 })),
		p99:      median(each(samples, func(s sample) time.Duration { return s.p99 })),
	}
}

func each[S, T any](samples []S, figure func(S) T) []T {
	figures := make([]T, len(samples))
	for i, s := range samples {
		figures[i] = figure(s)
	}
	return figures
}
