package mintmark_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// A source is one parsed Go file of the tree.
type source struct {
	path  string // from the root, with slashes
	dir   string
	test  bool
	lines int
	ast   *ast.File
	set   *token.FileSet
}

// A reporter records that a file breaks a rule at a node.
type reporter func(n ast.Node, format string, args ...any)

// A rule is checked on each file by itself.
type rule struct {
	name  string
	check func(f *source, report reporter)
}

// rules are all of them; TestEachRuleCanFail has a case for each.
var rules = []rule{
	{"every room is listed", everyRoomIsListed},
	{"arrows are drawn", arrowsAreDrawn},
	{"libraries stay in their room", librariesStayInTheirRoom},
	{"bans hold", bansHold},
	{"pure rooms import nothing impure", pureRoomsImportNothingImpure},
	{"pure rooms read no clock", pureRoomsReadNoClock},
	{"only decide builds outcomes", onlyDecideBuildsOutcomes},
	{"only engine commits", onlyEngineCommits},
	{"files are short", filesAreShort},
	{"functions are short", functionsAreShort},
	{"functions take few parameters", functionsTakeFewParameters},
	{"interfaces are small", interfacesAreSmall},
	{"nothing runs before main", nothingRunsBeforeMain},
	{"package variables never change", packageVariablesNeverChange},
	{"names say what is inside", namesSayWhatIsInside},
	{"nothing is left for later", nothingIsLeftForLater},
	{"tests neither skip nor sleep", testsNeitherSkipNorSleep},
}

// readTree parses every Go file that is ours; testdata and installed JavaScript are not.
func readTree(t *testing.T) []*source {
	t.Helper()
	var files []*source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parse(filepath.ToSlash(name), string(text))
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("found no Go file: the walk is broken")
	}
	return files
}

func parse(name, text string) (*source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", name, err)
	}
	return &source{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		lines: strings.Count(text, "\n"), ast: file, set: set,
	}, nil
}

func (f *source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.line(n.Pos()))
}

func (f *source) line(p token.Pos) int { return f.set.Position(p).Line }

// selects tells whether sel is a name of the package imported from path, under whatever local name.
func (f *source) selects(sel *ast.SelectorExpr, importPath string) bool {
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return false
	}
	for _, spec := range f.ast.Imports {
		if pathOf(spec) != importPath {
			continue
		}
		local := path.Base(importPath)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		return x.Name == local
	}
	return false
}
