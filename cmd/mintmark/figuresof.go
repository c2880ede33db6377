package main

import (
	"math"
	"slices"
	"strconv"

	"github.com/mintmark-id/mintmark/admin"
)

// scrape is what a server counts, at one moment.
type scrape struct{ samples []admin.Sample }

// sum adds the samples of a name whose labels are those.
func (s scrape) sum(name string, labels map[string]string) float64 {
	total := 0.0
	for _, sample := range s.samples {
		if sample.Name == name && has(sample.Labels, labels) {
			total += sample.Value
		}
	}
	return total
}

func has(labels, wanted map[string]string) bool {
	for name, value := range wanted {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// values lists what a label of a figure is.
func (s scrape) values(name, label string) []string {
	var all []string
	for _, sample := range s.samples {
		if value, ok := sample.Labels[label]; ok && sample.Name == name && !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	slices.Sort(all)
	return all
}

// span is what happened between two scrapes.
type span struct {
	before, now scrape
	seconds     float64
}

// rate is how much of a counter came a second.
func (s span) rate(name string, labels map[string]string) float64 {
	return s.count(name, labels) / s.seconds
}

func (s span) count(name string, labels map[string]string) float64 {
	return s.now.sum(name, labels) - s.before.sum(name, labels)
}

// mean is the mean of what a histogram took in, 0 if that is nothing.
func (s span) mean(name string) float64 {
	n := s.count(name+"_count", nil)
	if n == 0 {
		return 0
	}
	return s.count(name+"_sum", nil) / n
}

// quantile is the upper bound of a histogram's bucket in which the quantile lies,
// in milliseconds, 0 if nothing was taken in; what lies beyond the last bound is
// given as that bound.
func (s span) quantile(q float64, name string, labels map[string]string) float64 {
	wanted := q * s.count(name+"_count", labels)
	if wanted == 0 {
		return 0
	}
	last := 0.0
	for _, bound := range bounds(s.now, name+"_bucket") {
		if math.IsInf(bound, 1) {
			break
		}
		last = bound
		with := map[string]string{"le": strconv.FormatFloat(bound, 'g', -1, 64)}
		for label, value := range labels {
			with[label] = value
		}
		if s.count(name+"_bucket", with) >= wanted {
			break
		}
	}
	return last * 1000
}

// bounds are those of a histogram, in order.
func bounds(of scrape, name string) []float64 {
	var all []float64
	for _, text := range of.values(name, "le") {
		if bound, err := strconv.ParseFloat(text, 64); err == nil {
			all = append(all, bound)
		}
	}
	slices.Sort(all)
	return all
}
