package mintmark_test

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The figures of the house, from docs/architecture.md. Functions and parameters bind code, not tests.
const (
	maxFileLines        = 500
	maxFunctionLines    = 80
	maxParameters       = 5
	maxInterfaceMethods = 4
)

// emptyNames say nothing about what is inside, so everything ends up there.
var emptyNames = []string{
	"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "type", "types",
	"model", "models", "core", "shared", "base", "lib", "pkg", "service", "services",
}

// laterMark finds the usual words for work that was put off.
var laterMark = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

func filesAreShort(f *source, report reporter) {
	if f.lines > maxFileLines {
		report(f.ast, "the file has %d lines, more than %d: split it by operation", f.lines, maxFileLines)
	}
}

func functionsAreShort(f *source, report reporter) {
	if f.test {
		return
	}
	for n := range ast.Preorder(f.ast) {
		if fn, ok := n.(*ast.FuncDecl); ok {
			if lines := f.line(fn.End()) - f.line(fn.Pos()) + 1; lines > maxFunctionLines {
				report(fn, "%s has %d lines, more than %d: name its parts", fn.Name.Name, lines, maxFunctionLines)
			}
		}
	}
}

func functionsTakeFewParameters(f *source, report reporter) {
	if f.test {
		return
	}
	for n := range ast.Preorder(f.ast) {
		if fn, ok := n.(*ast.FuncDecl); ok && fn.Type.Params.NumFields() > maxParameters {
			report(fn, "%s takes %d parameters, more than %d: some of them are one thing", fn.Name.Name, fn.Type.Params.NumFields(), maxParameters)
		}
	}
}

func interfacesAreSmall(f *source, report reporter) {
	for n := range ast.Preorder(f.ast) {
		if typ, ok := n.(*ast.InterfaceType); ok && typ.Methods.NumFields() > maxInterfaceMethods {
			report(typ, "the interface has %d methods, more than %d", typ.Methods.NumFields(), maxInterfaceMethods)
		}
	}
}

func nothingRunsBeforeMain(f *source, report reporter) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			report(fn, "no init functions: whoever imports a package must see what runs")
		}
	}
}

// packageVariablesNeverChange finds assignments to them, or to what they hold.
func packageVariablesNeverChange(f *source, report reporter) {
	for n := range ast.Preorder(f.ast) {
		var targets []ast.Expr
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				targets = n.Lhs
			}
		case *ast.IncDecStmt:
			targets = []ast.Expr{n.X}
		}
		for _, target := range targets {
			if name := rootOf(target); name != nil && name.Name != "_" && !f.isLocal(name) {
				report(target, "%s is a package's and must not change: it would be shared between servers and tests", name.Name)
			}
		}
	}
}

// rootOf returns the name at the left of an assignable expression: x of x.y[z].
func rootOf(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return rootOf(e.X)
	case *ast.IndexExpr:
		return rootOf(e.X)
	case *ast.StarExpr:
		return rootOf(e.X)
	case *ast.ParenExpr:
		return rootOf(e.X)
	}
	return nil
}

// isLocal tells whether an assigned name was declared inside a function. The parser resolves names within a file; one that
// it leaves open is another file's, or an imported package.
func (f *source) isLocal(name *ast.Ident) bool {
	if name.Obj == nil {
		return false
	}
	spec, ok := name.Obj.Decl.(*ast.ValueSpec)
	return !ok || !slices.ContainsFunc(f.ast.Decls, func(d ast.Decl) bool {
		group, ok := d.(*ast.GenDecl)
		return ok && slices.Contains(group.Specs, ast.Spec(spec))
	})
}

func namesSayWhatIsInside(f *source, report reporter) {
	file := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
	for _, name := range []string{file, path.Base(f.dir), f.ast.Name.Name} {
		if slices.Contains(emptyNames, name) {
			report(f.ast.Name, "the name %q says nothing: name it after what it does", name)
		}
	}
}

func nothingIsLeftForLater(f *source, report reporter) {
	for _, group := range f.ast.Comments {
		for _, comment := range group.List {
			if mark := laterMark.FindString(comment.Text); mark != "" {
				report(comment, "%s: finish it, or file an issue", mark)
			}
		}
	}
}

// testsNeitherSkipNorSleep: a skipped test proves nothing, and a sleep proves something only sometimes. In a bubble of
// testing/synctest a sleep costs no time and is exact.
func testsNeitherSkipNorSleep(f *source, report reporter) {
	if !f.test {
		return
	}
	bubble := slices.ContainsFunc(f.ast.Imports, func(spec *ast.ImportSpec) bool { return pathOf(spec) == "testing/synctest" })
	for n := range ast.Preorder(f.ast) {
		sel, ok := n.(*ast.SelectorExpr)
		switch {
		case !ok:
		case f.selects(sel, "time") && sel.Sel.Name == "Sleep" && !bubble:
			report(sel, "wait for the event, or use testing/synctest: a sleep is too long or too short")
		case f.selects(sel, "testing") && sel.Sel.Name == "Short", sel.Sel.Name == "Skip", sel.Sel.Name == "Skipf", sel.Sel.Name == "SkipNow":
			report(sel, "no test is skipped: install what it needs in ./check, or give it the build tag external")
		}
	}
}
