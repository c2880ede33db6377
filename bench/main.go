// Bench measures Mintmark beside its floors, in turn, on the machine it runs on, and holds the figures against their
// bounds. docs/performance.md says what is measured and how, and what came out. It needs Linux: it reads /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	r, err := runAll(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	write := r.print
	if o.markdown {
		write = r.printMarkdown
	}
	if err := write(os.Stdout); err != nil || (o.check || o.faults) && !r.kept() {
		os.Exit(1)
	}
}

// runAll measures what the options ask for. Everything it starts ends with it, on an interrupt too.
func runAll(o options) (report, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, errors.New("the time limit is over"))
	defer cancel()
	directory, err := os.MkdirTemp(o.directory, "mintmark-bench-")
	if err != nil {
		return report{}, fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(directory) // what is left is in the system's directory for such things
	b := &bench{options: o, directory: directory}
	defer b.stop()
	return b.measure(ctx)
}

// people are the users of the site: each has one session, and the connections share them.
const people = 8

// bench is a run.
type bench struct {
	options
	directory string // temporary, for everything
	binary    string // the server's
	floors    *floorSite
	tenants   *tenants
	earlier   *tenants // of options.before; nil: the floors are beside the server
	clusters  []*cluster
}

func (b *bench) measure(ctx context.Context) (report, error) {
	var r report
	var err error
	if r.machine, err = machine(ctx, b.directory); err != nil {
		return r, err
	}
	if b.faults {
		r.findings, r.problems, err = b.measureFaults(ctx)
		return r, err
	}
	if err := b.startFloors(ctx); err != nil {
		return r, err
	}
	if b.options.floors {
		r.floors, err = b.measureFloors(ctx)
		return r, err
	}
	if err := b.startServers(ctx); err != nil {
		return r, err
	}
	b.compareAll(ctx, &r)
	if r.before = b.earlier != nil; !r.before {
		b.experimentAll(ctx, &r)
	}
	return r, nil
}

func (b *bench) startFloors(ctx context.Context) error {
	binary, err := build(ctx, b.directory, "./bench/floors")
	if err != nil {
		return err
	}
	rows, err := b.cluster(ctx, "floors-rows")
	if err != nil {
		return err
	}
	b.floors, err = openFloors(ctx, binary, b.directory, rows, slices.Max(b.connections))
	return err
}

// cluster starts a PostgreSQL that ends with the run; nil without an error: SQLite is measured.
func (b *bench) cluster(ctx context.Context, name string) (*cluster, error) {
	if b.database != onPostgres {
		return nil, nil //nolint:nilnil // each program has a file of its own
	}
	c, err := startCluster(ctx, b.directory, name)
	if err != nil {
		return nil, err
	}
	b.clusters = append(b.clusters, c)
	return c, nil
}

func (b *bench) startServers(ctx context.Context) error {
	var err error
	if b.binary, err = build(ctx, b.directory, "./cmd/mintmark"); err != nil {
		return err
	}
	if b.tenants, err = b.startServer(ctx, b.binary, "server"); err != nil || b.before == "" {
		return err
	}
	b.earlier, err = b.startServer(ctx, b.before, "earlier")
	return err
}

func (b *bench) startServer(ctx context.Context, binary, name string) (*tenants, error) {
	s, err := newSite(binary, b.directory, name)
	if err != nil {
		return nil, err
	}
	if s.rows, err = b.cluster(ctx, name+"-rows"); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	t, err := settle(ctx, s, people)
	if err != nil {
		_ = s.stop() // the reason is the error at hand
		return nil, fmt.Errorf("%w; the server's log ends with: %s", err, s.lastWords())
	}
	return t, nil
}

// stop ends what the whole run shares; experiments end their own processes.
func (b *bench) stop() {
	for _, t := range []*tenants{b.tenants, b.earlier} {
		if t != nil {
			_ = t.stop() // the figures are taken
		}
	}
	if b.floors != nil {
		_ = b.floors.stop()
	}
	for _, c := range b.clusters {
		_ = c.stop()
	}
}

func (b *bench) measureFloors(ctx context.Context) ([]line, error) {
	var lines []line
	for _, floor := range []string{jsonFloor, signFloor, verifyFloor, verifyReadFloor, refreshFloor} {
		for _, n := range b.connections {
			l, err := measureFloor(ctx, b.options, floor, n, b.floors)
			if err != nil {
				return nil, fmt.Errorf("measuring the floor %s: %w", floor, err)
			}
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// compareAll measures the works. One that cannot be measured is reported, and the others go on.
func (b *bench) compareAll(ctx context.Context, r *report) {
	for _, w := range works() {
		for _, n := range b.connections {
			if !b.wants(w.name) || ctx.Err() != nil {
				continue
			}
			fmt.Fprintf(os.Stderr, "bench: %s, %d connections\n", w.name, n)
			l, err := b.compare(ctx, w, n)
			if err != nil {
				r.problems = append(r.problems, fmt.Sprintf("%s, %d connections: %v", w.name, n, err))
				continue
			}
			r.lines = append(r.lines, l)
		}
	}
}

func (b *bench) experimentAll(ctx context.Context, r *report) {
	for _, e := range experiments() {
		if !b.wants(e.name) || !b.can(e) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", e.name)
		findings, err := e.run(ctx, b)
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("%s: %v", e.name, err))
			continue
		}
		r.findings = append(r.findings, findings...)
	}
	if err := context.Cause(ctx); err != nil {
		r.problems = append(r.problems, fmt.Sprintf("the rest: %v", err))
	}
}

func (o options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

// can reports whether an experiment is about this database.
func (o options) can(e experiment) bool { return o.database == onSQLite || e.anywhere }

// names are what -only takes.
func names() []string {
	var all []string
	for _, w := range works() {
		all = append(all, w.name)
	}
	for _, e := range experiments() {
		all = append(all, e.name)
	}
	return all
}

func known(name string) bool { return slices.Contains(names(), name) }
