package mintmark_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const dependenciesDoc = "docs/dependencies.md"

// modules are the go.mod files of the tree: ours, and that of the comparison, which nobody else is to inherit.
var modules = []string{"go.mod", "bench/others/go.mod"}

// requirement is a line of go.mod that asks for a module; documented is a row of the table that explains one.
var (
	requirement = regexp.MustCompile(`(?m)^(?:require )?\t?([a-zA-Z0-9.-]+\.[a-z]+/\S+) v\S+$`)
	documented  = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(.+)\\|$")
)

// TestEachDependencyIsWrittenDown holds the direct requirements of each go.mod and docs/dependencies.md to each other.
func TestEachDependencyIsWrittenDown(t *testing.T) {
	rows, required := map[string]string{}, map[string]bool{}
	for _, row := range documented.FindAllStringSubmatch(read(t, dependenciesDoc), -1) {
		rows[row[1]] = row[2]
	}
	for _, mod := range modules {
		lines := requirement.FindAllStringSubmatch(read(t, mod), -1)
		if len(lines) == 0 {
			t.Fatalf("%s requires nothing: the pattern is broken", mod)
		}
		for _, line := range lines {
			required[line[1]] = true
			if rows[line[1]] == "" {
				t.Errorf("%s is required by %s and has no row in %s", line[1], mod, dependenciesDoc)
			}
		}
	}
	for name, cells := range rows {
		if !required[name] {
			t.Errorf("%s explains %s, which no go.mod requires directly", dependenciesDoc, name)
		}
		columns := strings.Split(cells, "|")
		if len(columns) != 3 {
			t.Errorf("%s: the row of %s has %d columns after the name, not 3: what for, why this one, trap", dependenciesDoc, name, len(columns))
		}
		for _, column := range columns {
			if strings.TrimSpace(column) == "" {
				t.Errorf("%s: the row of %s has an empty column", dependenciesDoc, name)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
