package certification

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root = "../.."
	page = "docs/specifications.md"
)

// sections are those of each specification that ask something of a provider, by the
// specification as the page calls it, after the name that tests give it.
var sections = map[string]struct{ title, list string }{
	"Core": {
		"OpenID Connect Core 1.0, errata set 2",
		"2 3.1.2.1 3.1.2.2 3.1.2.3 3.1.2.4 3.1.2.5 3.1.2.6 3.1.3.1 3.1.3.2 3.1.3.3 3.1.3.4 3.1.3.6 3.2 3.3 4 5.1 5.1.1 5.2 5.3 5.3.1 5.3.2 5.3.3 5.4 5.5 " +
			"5.5.1 5.5.1.1 5.5.2 5.6.1 5.6.2 5.7 6.1 6.2 6.2.1 6.2.3 6.3.1 6.3.2 6.3.3 7 8 8.1 9 10.1 10.1.1 10.2 11 12.1 12.2 12.3 13.1 13.2 13.3 14 15.1 " +
			"15.2 15.3 15.5.1 16.3 16.4 16.8 16.9 16.10 16.11 16.12 16.13 16.15 16.17 16.18 16.19 16.20 17.1 17.2 17.3 17.4",
	},
	"Discovery":    {"OpenID Connect Discovery 1.0, errata set 2", "2 3 4 4.1 4.2 4.3 5 7.1 7.2"},
	"Registration": {"OpenID Connect Dynamic Client Registration 1.0, errata set 2", "2 2.1 3 3.1 3.2 3.3 4.1 4.2 4.3 4.4 5 6 9.1 9.2 9.3"},
	"RFC7591":      {"RFC 7591, OAuth 2.0 Dynamic Client Registration", "2 2.1 2.2 2.3 3 3.1 3.2.1 3.2.2 5"},
	"RFC7592":      {"RFC 7592, Dynamic Client Registration Management", "2 2.1 2.2 2.3 3 5"},
	"RFC8414":      {"RFC 8414, OAuth 2.0 Authorization Server Metadata", "2 2.1 3 3.1 3.2 3.3 4 5 6.1"},
	"RFC9101":      {"RFC 9101, JWT-Secured Authorization Request", "4 5 5.1 5.2 5.2.3 6.1 6.2 6.3 7 8 10.1 10.2 10.4 10.5 10.7 10.8"},
	"RFC9207":      {"RFC 9207, Issuer Identification", "2 2.3"},
	"FormPost":     {"OAuth 2.0 Form Post Response Mode", "2 4"},
	"RPLogout":     {"OpenID Connect RP-Initiated Logout 1.0", "2 2.1 3 3.1 4 6"},
	"BackChannel":  {"OpenID Connect Back-Channel Logout 1.0, errata set 1", "2.1 2.2 2.3 2.4 2.5 2.7 2.8 3 4 4.1"},
}

var (
	tableRow   = regexp.MustCompile(`(?m)^\| ([0-9.]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	anyRow     = regexp.MustCompile(`(?m)^\| [0-9].*$`)
	quoted     = regexp.MustCompile("`([^`]+)`")
	citedTest  = regexp.MustCompile(`^(?:([a-z/]+)\.)?(Test[A-Za-z0-9_]+)$`)
	moduleName = regexp.MustCompile(`oidcc-[a-zA-Z0-9_-]+`)
	ofASection = regexp.MustCompile(`^Test([A-Za-z]+(?:[0-9]{4})?)_([0-9_]+)_`)
)

// TestEverySectionOfTheSpecificationsIsHeld holds the page to the code, both ways: each
// section has its rows, each row a file that keeps it and a test that is there or a reason
// why it is not served, and each test that bears a section's name stands in one of its rows.
func TestEverySectionOfTheSpecificationsIsHeld(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	held := newHolder(t)
	for name, spec := range sections {
		_, table, found := strings.Cut(string(text), "\n## "+spec.title+"\n")
		if !found {
			t.Errorf("%s has no %q", page, spec.title)
			continue
		}
		table, _, _ = strings.Cut(table, "\n## ")
		rows := tableRow.FindAllStringSubmatch(table, -1)
		if len(rows) != len(anyRow.FindAllString(table, -1)) {
			t.Errorf("%s: a row has not four columns", spec.title)
		}
		bySection := map[string]string{}
		for _, row := range rows {
			held.row(spec.title+" §"+row[1], row[3], row[4])
			bySection[row[1]] += row[4]
		}
		for section := range strings.FieldsSeq(spec.list) {
			if bySection[section] == "" {
				t.Errorf("%s has no row for §%s", spec.title, section)
			}
			delete(bySection, section)
			// What bears its name stands there.
			for _, test := range held.tests["test/certification"] {
				of := ofASection.FindStringSubmatch(test)
				if of != nil && of[1] == name && strings.ReplaceAll(of[2], "_", ".") == section && !strings.Contains(table, "`"+test+"`") {
					t.Errorf("%s is not in the table of %s", test, spec.title)
				}
			}
		}
		for section := range bySection {
			t.Errorf("%s §%s is not among the sections", spec.title, section)
		}
	}
	for _, test := range held.tests["test/certification"] {
		if of := ofASection.FindStringSubmatch(test); of != nil && !slices.Contains(strings.Fields(sections[of[1]].list), strings.ReplaceAll(of[2], "_", ".")) {
			t.Errorf("%s is of no section", test)
		}
	}
}

// holder knows what a row may name.
type holder struct {
	t       *testing.T
	tests   map[string][]string // by package
	modules []string            // of the suite
}

func newHolder(t *testing.T) *holder {
	t.Helper()
	h := &holder{t: t, tests: map[string][]string{}}
	h.in("test/certification")
	return h
}

// row holds one: files that are there, and tests that are, or why it is not served.
func (h *holder) row(of, where, heldBy string) {
	h.t.Helper()
	reason, isRefusal := strings.CutPrefix(heldBy, "not served: ")
	if isRefusal != (where == "–") || isRefusal && len(reason) < 20 {
		h.t.Errorf("%s: %q is kept in %q", of, heldBy, where)
	}
	for _, file := range quoted.FindAllStringSubmatch(where, -1) {
		path := filepath.Join(root, "internal", file[1])
		if strings.HasPrefix(file[1], "cmd/") {
			path = filepath.Join(root, file[1])
		}
		if _, err := os.Stat(path); err != nil {
			h.t.Errorf("%s: there is no %s", of, file[1])
		}
	}
	named := 0
	for _, name := range quoted.FindAllStringSubmatch(heldBy, -1) {
		test := citedTest.FindStringSubmatch(name[1])
		switch {
		case strings.HasPrefix(name[1], "oidcc-"):
			if named++; !slices.Contains(h.modules, name[1]) {
				h.t.Errorf("%s: there is no module %s", of, name[1])
			}
		case test != nil:
			dir := test[1]
			if dir == "" {
				dir = "test/certification"
			}
			if named++; !slices.Contains(h.in(dir), test[2]) {
				h.t.Errorf("%s: there is no test %s", of, name[1])
			}
		case !isRefusal:
			h.t.Errorf("%s: %s is neither a module nor a test", of, name[1])
		}
	}
	if named == 0 && !isRefusal {
		h.t.Errorf("%s names no test", of)
	}
}

// in lists the tests of a package, and of this one the modules of the suite too.
func (h *holder) in(dir string) []string {
	h.t.Helper()
	if tests, read := h.tests[dir]; read {
		return tests
	}
	files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		h.t.Errorf("%s has no tests: %v", dir, err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			h.t.Fatal(err)
		}
		for node := range ast.Preorder(parsed) {
			switch node := node.(type) {
			case *ast.FuncDecl:
				if node.Recv == nil && strings.HasPrefix(node.Name.Name, "Test") {
					h.tests[dir] = append(h.tests[dir], node.Name.Name)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(node.Value); err == nil && dir == "test/certification" && strings.Contains(text, ", ") { // a module is named with its section
					h.modules = append(h.modules, moduleName.FindAllString(text, -1)...)
				}
			}
		}
	}
	return h.tests[dir]
}
