package mintmark_test

import (
	"go/ast"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// citing are the pages whose tables say which tests hold something, and how many
// rows each of those has.
var citing = []struct {
	page string
	row  *regexp.Regexp
	rows int
}{
	{"docs/architecture.md", regexp.MustCompile(`(?m)^\| I([0-9]+) \|.*$`), 10},
	{"docs/revocation.md", regexp.MustCompile(`(?m)^\| ([1-5]) \|.*$`), 5},
}

var citedTest = regexp.MustCompile("`([a-z/]+)\\.(Test[A-Za-z0-9_]+)`")

// Whoever reads that a promise is held by a test finds the test.
func TestTheTestsThatPagesCiteAreThere(t *testing.T) {
	there := map[string]bool{}
	for _, f := range readTree(t) {
		for _, decl := range f.ast.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && f.test && strings.HasPrefix(function.Name.Name, "Test") {
				there[path.Clean(f.dir)+"."+function.Name.Name] = true
			}
		}
	}
	for _, c := range citing {
		text, err := os.ReadFile(c.page)
		if err != nil {
			t.Fatal(err)
		}
		rows := c.row.FindAllString(string(text), -1)
		if len(rows) != c.rows {
			t.Errorf("%s has %d rows that cite tests, not %d", c.page, len(rows), c.rows)
		}
		for _, row := range rows {
			tests := citedTest.FindAllStringSubmatch(row, -1)
			if len(tests) == 0 {
				t.Errorf("%s: no test in %s", c.page, row)
			}
			for _, test := range tests {
				if !there[test[1]+"."+test[2]] {
					t.Errorf("%s: there is no test %s in %s", c.page, test[2], test[1])
				}
			}
		}
	}
}

// The lines of Go that pages show are those of the package's example, which runs;
// but for the names of the issuer and the client, and where it listens.
func TestTheLinesOfGoThatPagesShowRun(t *testing.T) {
	example, err := os.ReadFile("verify/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]bool{}
	for line := range strings.Lines(string(example)) {
		runs[strings.TrimSpace(line)] = true
	}
	own := regexp.MustCompile(`^(v, err := verify\.New\(ctx, ".+", "https://api\.example\.com", verify\.WithClient\("orders-api", secret\)\)|log\.Fatal\(http\.ListenAndServe\(.+, mux\)\))$`)
	for _, page := range []string{"README.md", "docs/revocation.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, block, found := strings.Cut(string(text), "```go\n")
		if !found {
			t.Fatalf("%s shows no Go", page)
		}
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); !runs[line] && !own.MatchString(line) {
				t.Errorf("%s: the example does not run %s", page, line)
			}
		}
	}
}
