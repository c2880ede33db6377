package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The lines of a migration that are read; the rest is goose's.
var (
	createTable = regexp.MustCompile(`^CREATE TABLE (\w+) \($`)
	column      = regexp.MustCompile(`^\t(\w+)\s+(TEXT|BIGINT|BYTEA|INTEGER)\s*(.*?),?$`)
	constraint  = regexp.MustCompile(`^\t((?:PRIMARY KEY|UNIQUE) .*?),?$`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (\w+) (TEXT|BIGINT|BYTEA)\s*(.*);$`)
	dropIndex   = regexp.MustCompile(`^DROP INDEX (\w+);$`)
	fillColumn  = regexp.MustCompile(`^UPDATE (\w+) SET (.*);$`)
	createIndex = regexp.MustCompile(`^CREATE (?:UNIQUE )?INDEX (\w+) ON (\w+) (\(.*);$`)
)

// writeSchema reads the migrations, oldest first, with their comments.
func writeSchema(w *writer, root string) error {
	files, err := filepath.Glob(filepath.Join(root, "internal/store/migrations/*.sql"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("finding the migrations: %w", err)
	}
	slices.Sort(files)
	w.paragraph("A child is dead when its `rvs` is below the `cut` of anything above it: user, client, consent, resource, or `all_cut`. " +
		"`lc` is the log's logical clock in milliseconds, which `rvs` and `cut` are moments of. `sealed` is under the key-encryption key. " +
		"`version` counts the changes of a row and guards the next one.")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		w.heading(2, "`"+filepath.Base(file)+"`")
		if err := writeMigration(w, string(text)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

// writeMigration refuses a line that it cannot read, so that none is left out.
func writeMigration(w *writer, text string) error {
	var comment []string // what stood before the line
	say := func() {
		if len(comment) > 0 {
			w.paragraph(strings.Join(comment, " "))
		}
		comment = nil
	}
	for number, line := range strings.Split(text, "\n") {
		said, isComment := strings.CutPrefix(line, "-- ")
		switch {
		case strings.HasPrefix(said, "+goose"), line == ");":
		case isComment:
			comment = append(comment, said)
		case line == "":
			say()
		case createTable.MatchString(line):
			w.heading(3, createTable.FindStringSubmatch(line)[1])
			say()
			w.table("Column", "Type", "Constraint")
		case constraint.MatchString(line):
			w.row("", "", code(constraint.FindStringSubmatch(line)[1]))
		case column.MatchString(line):
			found := column.FindStringSubmatch(line)
			w.row(code(found[1]), found[2], code(found[3]))
		case addColumn.MatchString(line):
			found := addColumn.FindStringSubmatch(line)
			say()
			w.print("\nAdded to ", code(found[1]), ": ", code(found[2]), " ", found[3], " ", code(found[4]), "\n")
		case dropIndex.MatchString(line):
			say()
			w.print("\nTaken away: index ", code(dropIndex.FindStringSubmatch(line)[1]), "\n")
		case fillColumn.MatchString(line):
			found := fillColumn.FindStringSubmatch(line)
			say()
			w.print("\nFilled in ", code(found[1]), ": ", code(found[2]), "\n")
		case createIndex.MatchString(line):
			found := createIndex.FindStringSubmatch(line)
			say()
			w.print("\nIndex ", code(found[1]), ": ", code(found[3]), "\n")
		default:
			return fmt.Errorf("line %d is not understood: %s", number+1, line)
		}
	}
	return nil
}
