package metrics

import "github.com/prometheus/client_golang/prometheus"

// Figure is one row of the table of figures.
type Figure struct {
	Name   string
	Kind   string // "counter", "gauge" or "histogram"
	Labels []string
	About  string // a sentence
}

// The kinds of figures.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// The names.
const (
	nameBuild        = "mintmark_build_info"
	nameRequests     = "mintmark_requests_total"
	nameLatency      = "mintmark_request_seconds"
	nameRefusals     = "mintmark_refusals_total"
	nameTokens       = "mintmark_token_answers_total" //nolint:gosec // it is no credential
	nameGate         = "mintmark_gate_requests"
	nameGateWidth    = "mintmark_gate_width"
	nameGroups       = "mintmark_commit_plans"
	nameCommits      = "mintmark_commit_seconds"
	nameCommitQueue  = "mintmark_commit_queue"
	nameConflicts    = "mintmark_conflicts_total"
	nameHashing      = "mintmark_password_hashes_running"
	nameHashWaiting  = "mintmark_password_hashes_waiting"
	nameConstants    = "mintmark_constant_values_total"
	nameReaders      = "mintmark_feed_readers"
	nameSeq          = "mintmark_revocation_log_seq"
	nameVerifiers    = "mintmark_verifiers"
	nameLag          = "mintmark_verifier_lag_max"
	nameReceipts     = "mintmark_receipts_total"
	nameConfirmation = "mintmark_revocation_confirmed_seconds"
)

// Table lists every figure of ours. Beside it are those of the Go runtime and of
// the process (go_*, process_*), as Prometheus' own library has them.
func Table() []Figure {
	return []Figure{
		{nameBuild, gauge, []string{"version"}, "Always 1; its label is the version."},
		{nameRequests, counter, []string{"route", "status"}, "Requests answered, by route and class of status: 2xx, 3xx, 4xx, 5xx."},
		{nameLatency, histogram, []string{"route"}, "How long answers took. Streams and long polls of the feed are not in it."},
		{nameRefusals, counter, []string{"reason"}, "Requests refused, by reason: the words of errors.md."},
		{nameTokens, counter, []string{"grant_type"}, "Requests that the token endpoint answered with tokens."},
		{nameGate, gauge, []string{"gate"}, "Requests of a kind that are being worked on; past the width the answer is 503."},
		{nameGateWidth, gauge, []string{"gate"}, "How many requests of a kind are worked on at once."},
		{nameGroups, histogram, nil, "Plans that shared a commit: 1 while there is no queue."},
		{nameCommits, histogram, nil, "How long a commit took, the wait for the disk included."},
		{nameCommitQueue, gauge, nil, "Plans that wait for a commit."},
		{nameConflicts, counter, nil, "Plans that met another's commit and were decided again."},
		{nameHashing, gauge, nil, "Passwords that are being hashed."},
		{nameHashWaiting, gauge, nil, "Sign-ins that wait for a slot to hash in; 64 at most."},
		{nameConstants, counter, []string{"parameter"}, "Authorization requests whose code_challenge or nonce the same client had sent in another session: the log names it."},
		{nameReaders, gauge, nil, "Streams of the revocation feed that are open."},
		{nameSeq, gauge, nil, "Number of the last entry of the revocation log."},
		{nameVerifiers, gauge, []string{"state"}, "Verifiers that reported within the last hour, to whichever server, by what they said: live, stale, expired or init; disconnected is who has not reported lately."},
		{nameLag, gauge, nil, "Entries that the connected verifier which is furthest behind has not applied."},
		{nameReceipts, counter, nil, "Reports of verifiers."},
		{nameConfirmation, histogram, nil, "From the commit of a revocation until every connected verifier had applied it, where somebody waited for that."},
	}
}

// figure finds a row.
func figure(name string) Figure {
	for _, f := range Table() {
		if f.Name == name {
			return f
		}
	}
	panic("no figure " + name)
}

func counterOf(name string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Name: name, Help: figure(name).About}
}

func histogramOf(name string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: name, Help: figure(name).About, Buckets: buckets}
}

func describe(name string) *prometheus.Desc {
	f := figure(name)
	return prometheus.NewDesc(name, f.About, f.Labels, nil)
}
