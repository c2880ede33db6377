package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the figures of one server. Its methods may be called by any number
// of goroutines.
type Metrics struct {
	registry     *prometheus.Registry
	requests     *prometheus.CounterVec
	latency      *prometheus.HistogramVec
	refusals     *prometheus.CounterVec
	tokens       *prometheus.CounterVec
	groups       prometheus.Histogram
	commits      prometheus.Histogram
	conflicts    prometheus.Counter
	receipts     prometheus.Counter
	constants    *prometheus.CounterVec
	confirmation prometheus.Histogram
}

// Answers to people and machines take from a fraction of a millisecond to a few
// seconds behind a queue of hashes.
func latencies() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// New makes the figures of a server of that version.
func New(version string) *Metrics {
	m := &Metrics{
		registry:     prometheus.NewRegistry(),
		requests:     prometheus.NewCounterVec(counterOf(nameRequests), figure(nameRequests).Labels),
		latency:      prometheus.NewHistogramVec(histogramOf(nameLatency, latencies()), figure(nameLatency).Labels),
		refusals:     prometheus.NewCounterVec(counterOf(nameRefusals), figure(nameRefusals).Labels),
		tokens:       prometheus.NewCounterVec(counterOf(nameTokens), figure(nameTokens).Labels),
		groups:       prometheus.NewHistogram(histogramOf(nameGroups, prometheus.ExponentialBuckets(1, 2, 9))),
		commits:      prometheus.NewHistogram(histogramOf(nameCommits, latencies())),
		conflicts:    prometheus.NewCounter(counterOf(nameConflicts)),
		receipts:     prometheus.NewCounter(counterOf(nameReceipts)),
		constants:    prometheus.NewCounterVec(counterOf(nameConstants), figure(nameConstants).Labels),
		confirmation: prometheus.NewHistogram(histogramOf(nameConfirmation, latencies())),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: nameBuild, Help: figure(nameBuild).About}, figure(nameBuild).Labels)
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(
		build, m.requests, m.latency, m.refusals, m.tokens, m.groups, m.commits, m.conflicts, m.receipts, m.constants, m.confirmation,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler answers a scrape. It is for a listener of its own, or for the
// administration's: what is counted is nobody else's business.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Route are the figures of one route, looked up once.
type Route struct {
	classes [6]prometheus.Counter // by the first digit of the status
	seconds prometheus.Observer   // nil: how long is no figure here
}

// Route looks up the figures of a route. One whose answers have no end is counted,
// but not timed.
func (m *Metrics) Route(name string, endless bool) *Route {
	if m == nil {
		return nil
	}
	r := &Route{}
	for class, status := range [...]string{2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"} {
		if status != "" {
			r.classes[class] = m.requests.WithLabelValues(name, status)
		}
	}
	if !endless {
		r.seconds = m.latency.WithLabelValues(name)
	}
	return r
}

// Answered counts an answer.
func (r *Route) Answered(status int, took time.Duration) {
	if r == nil {
		return
	}
	if class := status / 100; class < len(r.classes) && r.classes[class] != nil {
		r.classes[class].Inc()
	}
	if r.seconds != nil {
		r.seconds.Observe(took.Seconds())
	}
}

// Refused counts a refusal, by a word of the table of reasons.
func (m *Metrics) Refused(reason string) {
	if m != nil {
		m.refusals.WithLabelValues(reason).Inc()
	}
}

// Granted counts an answer with tokens. The grant type is one that was served, so
// nobody can make up more of them.
func (m *Metrics) Granted(grantType string) {
	if m != nil {
		m.tokens.WithLabelValues(grantType).Inc()
	}
}

// Committed counts a commit of so many plans.
func (m *Metrics) Committed(plans int, took time.Duration) {
	if m != nil {
		m.groups.Observe(float64(plans))
		m.commits.Observe(took.Seconds())
	}
}

// Conflicted counts a plan that met another's commit.
func (m *Metrics) Conflicted() {
	if m != nil {
		m.conflicts.Inc()
	}
}

// Constant counts a value of a parameter that ought to be new with each request and
// was not.
func (m *Metrics) Constant(parameter string) {
	if m != nil {
		m.constants.WithLabelValues(parameter).Inc()
	}
}

// Reported counts a report of a verifier.
func (m *Metrics) Reported() {
	if m != nil {
		m.receipts.Inc()
	}
}

// Confirmed notes how long every connected verifier took to apply a revocation.
func (m *Metrics) Confirmed(took time.Duration) {
	if m != nil {
		m.confirmation.Observe(took.Seconds())
	}
}
