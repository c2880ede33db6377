package store

import "github.com/pressly/goose/v3"

// dialect is what reading and migrating must know of a database. The statements
// are one text for both; everything else that differs is in sqlite.go and write.go,
// or in postgres.go, flight.go and nodes.go: opening, what an error means, and how
// a group of plans is written.
type dialect struct {
	goose    goose.Dialect
	tables   string // lists the tables that are there
	columns  string // lists those of a table
	migrated string // lists the steps that were applied
	typeText string // of a column of text
}

// groupWriter writes plans, each as a whole or not at all. It gives one result for
// each plan, in the order in which it leaves the group, and on SQLite where the
// log's head has got to.
type groupWriter interface {
	write(group []*plan, at int64) (results []error, head *view)
	close() error
}
