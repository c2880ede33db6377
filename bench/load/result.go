package load

import (
	"slices"
	"time"
)

// Result is what one run of a group did.
type Result struct {
	Elapsed   time.Duration   // from the first request to the last answer
	latencies []time.Duration // sorted
}

func newResult(connections []*connection, elapsed time.Duration) Result {
	result := Result{Elapsed: elapsed}
	for _, c := range connections {
		result.latencies = append(result.latencies, c.latencies...)
	}
	slices.Sort(result.latencies)
	return result
}

// Requests is the number of requests that were answered.
func (r Result) Requests() int { return len(r.latencies) }

// Rate is the number of requests answered per second.
func (r Result) Rate() float64 { return float64(len(r.latencies)) / r.Elapsed.Seconds() }

// Percentile returns the latency that p percent of the requests did not exceed (nearest rank), or 0 without requests.
func (r Result) Percentile(p int) time.Duration { return nearestRank(r.latencies, p) }

// Percentile returns the duration that p percent of the given ones do not exceed (nearest rank), or 0 without any.
func Percentile(durations []time.Duration, p int) time.Duration {
	return nearestRank(slices.Sorted(slices.Values(durations)), p)
}

func nearestRank(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return sorted[min(max(rank, 1), len(sorted))-1]
}
