package main

import (
	"strings"

	"github.com/mintmark-id/mintmark/internal/metrics"
)

// writeMetrics lists package metrics' own table.
func writeMetrics(w *writer) error {
	w.paragraph("In Prometheus' text format at `/metrics` of the listener that `--metrics-listen` opens, and of the administration socket; never on the public listener. " +
		"`mintmark top` shows the same figures. A Grafana dashboard is in [docs/grafana](../grafana/mintmark.json). " +
		"Beside these are the usual figures of the Go runtime and the process (`go_*`, `process_*`). A histogram has `_bucket`, `_sum` and `_count`.")
	w.table("Name", "Kind", "Labels", "What it is")
	for _, f := range metrics.Table() {
		labels := make([]string, len(f.Labels))
		for i, label := range f.Labels {
			labels[i] = code(label)
		}
		w.row(code(f.Name), f.Kind, either(strings.Join(labels, ", ")), f.About)
	}
	return nil
}
