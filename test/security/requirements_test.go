package security_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	root = "../.."
	page = "docs/security-requirements.md"
)

var (
	tableRow  = regexp.MustCompile(`(?m)^\| ([A-Za-z]+[0-9]+) \|(.*)\|$`)
	cited     = regexp.MustCompile("`(?:([a-z/]+)\\.)?(Test[A-Za-z0-9_]+)`")
	ofARow    = regexp.MustCompile(`^Test((?:Seed)?[A-Z]{1,2}[0-9]+)_`)
	withinRow = regexp.MustCompile(`not (?:in this release|tested): \S`)
)

// requirementIDs is the whole list: how many there are under each letter.
func requirementIDs() []string {
	var ids []string
	for _, group := range []struct {
		letter string
		n      int
	}{
		{"A", 15},
		{"B", 7},
		{"C", 6},
		{"D", 6},
		{"E", 6},
		{"F", 6},
		{"H", 9},
		{"I", 7},
		{"J", 10},
		{"K", 5},
		{"L", 7},
		{"M", 5},
		{"N", 8},
		{"P", 7},
		{"Q", 9},
		{"S", 4},
		{"T", 4},
		{"U", 7},
		{"V", 7},
		{"W", 3},
		{"X", 5},
		{"Y", 9},
		{"Z", 5},
		{"AA", 8},
	} {
		for i := range group.n {
			ids = append(ids, fmt.Sprint(group.letter, i+1))
		}
	}
	return ids
}

// TestEveryRequirementHasItsTest holds the page to the code: each requirement has one row, each row a test that is there
// or a reason, and each test that bears a requirement's name stands in its row.
func TestEveryRequirementHasItsTest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(string(text), -1) {
		if _, twice := rows[row[1]]; twice {
			t.Errorf("%s has two rows", row[1])
		}
		rows[row[1]] = row[2]
	}
	for _, id := range requirementIDs() {
		if _, ok := rows[id]; !ok {
			t.Errorf("%s has no row for %s", page, id)
		}
	}
	known := map[string][]string{"": testsOf(t, "test/security")}
	for id, row := range rows {
		found := cited.FindAllStringSubmatch(row, -1)
		if len(found) == 0 && !withinRow.MatchString(row) {
			t.Errorf("%s names neither a test nor why there is none", id)
		}
		for _, name := range found {
			if _, read := known[name[1]]; !read {
				known[name[1]] = testsOf(t, name[1])
			}
			if !slices.Contains(known[name[1]], name[2]) {
				t.Errorf("%s: there is no %s", id, name[0])
			}
		}
	}
	for _, name := range known[""] {
		if of := ofARow.FindStringSubmatch(name); of != nil && !strings.Contains(rows[of[1]], "`"+name+"`") {
			t.Errorf("%s is not in the row of %s", name, of[1])
		}
	}
}

// testsOf names the tests of a package.
func testsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", dir, err)
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
