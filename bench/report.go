package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is everything a run found.
type report struct {
	machine  string
	before   bool   // the lines have an earlier server in the place of the floors
	floors   []line // floors that were measured alone
	lines    []line
	findings []finding
	problems []string // what could not be measured
}

// kept says whether everything was measured and every bound was kept.
func (r report) kept() bool {
	return len(r.problems) == 0 &&
		!slices.ContainsFunc(r.lines, func(l line) bool { return l.ratio() > l.bound }) &&
		!slices.ContainsFunc(r.findings, func(f finding) bool { return !f.kept })
}

// table is a heading and rows of as many cells.
type table [][]string

func (r report) tables() []table {
	floors := table{{"floor", "connections", "µs", "req/s", "p50", "p99"}}
	for _, l := range r.floors {
		f := typical(l.floors)
		floors = append(floors, []string{l.floor, fmt.Sprint(l.connections), microseconds(f.cpu), perSecond(f.rate), latency(f.p50), latency(f.p99)})
	}
	lines := table{{"name", "work", "connections", "floor µs", "µs", "x floor", "(of the rounds)", "at most", "", "floor req/s", "req/s", "p50", "p99"}}
	if r.before {
		for i, heading := range lines[0] {
			lines[0][i] = strings.Replace(heading, "floor", "before", 1)
		}
	}
	for _, l := range r.lines {
		lines = append(lines, l.cells())
	}
	findings := table{{"name", "figure", "measured", "at most", ""}}
	for _, f := range r.findings {
		findings = append(findings, []string{f.name, f.title, f.measured, f.bound, f.verdict()})
	}
	return slices.DeleteFunc([]table{floors, lines, findings}, func(t table) bool { return len(t) == 1 })
}

func (l line) cells() []string {
	floor, server, quotients := typical(l.floors), typical(l.servers), ratios(l.floors, l.servers)
	bound := fmt.Sprintf("%.2f", l.bound)
	if l.target > 0 {
		bound += fmt.Sprintf(" (target %.2f)", l.target)
	}
	return []string{
		l.name, l.title, fmt.Sprint(l.connections), microseconds(floor.cpu), microseconds(server.cpu),
		fmt.Sprintf("%.2f", l.ratio()), fmt.Sprintf("%.2f to %.2f", slices.Min(quotients), slices.Max(quotients)),
		bound, verdict(l.ratio() <= l.bound), perSecond(floor.rate), perSecond(server.rate), latency(server.p50), latency(server.p99),
	}
}

func (f finding) verdict() string {
	if f.bound == "" {
		return ""
	}
	return verdict(f.kept)
}

func verdict(kept bool) string {
	if kept {
		return "kept"
	}
	return "BROKEN"
}

func microseconds(v float64) string { return fmt.Sprintf("%.1f", v) }

func perSecond(v float64) string { return fmt.Sprintf("%.0f", v) }

func latency(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// print writes the tables for a terminal.
func (r report) print(w io.Writer) error {
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(aligned, "%s\n", r.machine)
	for _, t := range r.tables() {
		fmt.Fprintln(aligned)
		for _, row := range t {
			fmt.Fprintln(aligned, strings.Join(row, "\t"))
		}
	}
	for _, problem := range r.problems {
		fmt.Fprintf(aligned, "\nNOT MEASURED: %s\n", problem)
	}
	return aligned.Flush()
}

// printMarkdown writes the tables for docs/performance.md.
func (r report) printMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n", r.machine)
	for _, t := range r.tables() {
		b.WriteString("\n")
		for i, row := range t {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "|%s\n", strings.Repeat(" --- |", len(row)))
			}
		}
	}
	for _, problem := range r.problems {
		fmt.Fprintf(&b, "\nNot measured: %s\n", strings.ReplaceAll(problem, "\n", " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
