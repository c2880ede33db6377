package mintmark_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const dependenciesDoc = "docs/dependencies.md"

// requirement is a line of go.mod that asks for a module; documented is a row of the table that explains one.
var (
	requirement = regexp.MustCompile(`(?m)^(?:require )?\t?([a-zA-Z0-9.-]+\.[a-z]+/\S+) v\S+$`)
	documented  = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(.+)\\|$")
)

// TestEachDependencyIsWrittenDown holds go.mod's direct requirements and docs/dependencies.md to each other.
func TestEachDependencyIsWrittenDown(t *testing.T) {
	mod, doc := read(t, "go.mod"), read(t, dependenciesDoc)
	rows := map[string]string{}
	for _, row := range documented.FindAllStringSubmatch(doc, -1) {
		rows[row[1]] = row[2]
	}
	required := requirement.FindAllStringSubmatch(mod, -1)
	if len(required) == 0 {
		t.Fatal("go.mod requires nothing: the pattern is broken")
	}
	for _, line := range required {
		cells, ok := rows[line[1]]
		delete(rows, line[1])
		if !ok {
			t.Errorf("%s is required by go.mod and has no row in %s", line[1], dependenciesDoc)
			continue
		}
		columns := strings.Split(cells, "|")
		if len(columns) != 3 {
			t.Errorf("%s: the row of %s has %d columns after the name, not 3: what for, why this one, trap", dependenciesDoc, line[1], len(columns))
		}
		for _, column := range columns {
			if strings.TrimSpace(column) == "" {
				t.Errorf("%s: the row of %s has an empty column", dependenciesDoc, line[1])
			}
		}
	}
	for module := range rows {
		t.Errorf("%s explains %s, which go.mod does not require directly", dependenciesDoc, module)
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
