package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	rounds      int
	duration    time.Duration
	connections []int
	only        []string // nothing: everything
	floors      bool
	faults      bool
	check       bool
	markdown    bool
	tokens      int
	refreshes   int
	mixed       time.Duration
	limit       time.Duration
	directory   string
	database    string
	users       int    // of a populated database
	before      string // a binary; empty: the floors
}

// What -database takes.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

func parseOptions(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 7, "rounds of each work; the median counts")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "length of a round")
	connections := flags.String("connections", "16,64", "numbers of connections")
	only := flags.String("only", "", "measure only these `names`, with commas: "+strings.Join(names(), ", "))
	flags.BoolVar(&o.floors, "floors", false, "measure the floors alone")
	flags.BoolVar(&o.faults, "faults", false, "no costs: take servers, PostgreSQL and the way between them away, for half an hour; exit with 1 if a promise is broken")
	flags.BoolVar(&o.check, "check", false, "exit with 1 if a bound is broken")
	flags.BoolVar(&o.markdown, "markdown", false, "print the tables for docs/performance.md")
	full := flags.Bool("full", false, "the lengths that the bounds are about: 1,000,000 tokens and refreshes, a minute of mixed load, a million users")
	flags.IntVar(&o.tokens, "tokens", 100_000, "tokens minted before memory is read")
	flags.IntVar(&o.refreshes, "refreshes", 50_000, "refreshes of one grant before the database's size is read")
	flags.DurationVar(&o.mixed, "mixed", 15*time.Second, "length of the mixed load")
	flags.IntVar(&o.users, "users", 20_000, "users of the database that population fills, each with five grants")
	flags.DurationVar(&o.limit, "limit", 2*time.Hour, "end everything after this time")
	flags.StringVar(&o.directory, "dir", os.TempDir(), "make databases below this `directory`: its disk is part of the result")
	flags.StringVar(&o.database, "database", onSQLite, "measure on sqlite or postgres, of which Debian's package postgresql is needed")
	flags.StringVar(&o.before, "before", "", "compare the works with those of an earlier build of the server, this `binary`, in the place of the floors")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *full {
		o.tokens, o.refreshes, o.mixed, o.users = 1_000_000, 1_000_000, time.Minute, 1_000_000
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for text := range strings.SplitSeq(*connections, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1024 {
			return options{}, fmt.Errorf("-connections: %q is not a number from 1 to 1024", text)
		}
		o.connections = append(o.connections, n)
	}
	return o, o.validate()
}

func (o options) validate() error {
	if o.rounds < 1 || o.duration <= 0 || o.mixed <= 0 || o.tokens < 1 || o.users < 1 {
		return errors.New("rounds, durations and counts must be positive")
	}
	if o.refreshes <= warmRefreshes {
		return fmt.Errorf("-refreshes must be more than %d, after which the database is measured first", warmRefreshes)
	}
	for _, name := range o.only {
		if !known(name) {
			return fmt.Errorf("-only: %q is none of %s", name, strings.Join(names(), ", "))
		}
	}
	return o.validateDatabase()
}

func (o options) validateDatabase() error {
	if o.database != onSQLite && o.database != onPostgres {
		return fmt.Errorf("-database: %q is neither %s nor %s", o.database, onSQLite, onPostgres)
	}
	for _, e := range experiments() {
		if slices.Contains(o.only, e.name) && !o.can(e) {
			return fmt.Errorf("-only: %q is measured on %s alone", e.name, onSQLite)
		}
	}
	return nil
}
