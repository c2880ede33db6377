// Package metrics counts what a server does, for Prometheus and for `mintmark
// top`. What it counts is one table, from which the reference page is written. A
// nil *Metrics counts nothing.
package metrics
