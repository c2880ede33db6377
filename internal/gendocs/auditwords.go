package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/record"
)

// auditRooms are where audit rows are made, and auditors the functions that every
// row passes on its way into a plan.
const (
	auditRooms = "internal/decide internal/engine internal/outbox"
	auditors   = "audited administered"
)

// keyStatuses are what follows on "key_" in an event.
var keyStatuses = []record.KeyStatus{record.KeyNext, record.KeyActive, record.KeyRetired, record.KeyCompromised}

// auditWords reads from the source which events are written, and in which files.
func auditWords(root string) (map[string][]string, error) {
	words := map[string][]string{}
	for _, room := range strings.Fields(auditRooms) {
		files, err := parseRoom(filepath.Join(root, room))
		if err != nil {
			return nil, err
		}
		r := reader{tables: tablesOf(files), words: words}
		for name, file := range files {
			r.file = path.Join(room, name)
			for _, d := range file.Decls {
				if err := r.declaration(d); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, in := range words {
		slices.Sort(in)
	}
	return words, nil
}

func parseRoom(dir string) (map[string]*ast.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return nil, err
		}
		files[filepath.Base(name)] = file
	}
	return files, nil
}

// tablesOf finds the package's map literals, by name: their values.
func tablesOf(files map[string]*ast.File) map[string][]ast.Expr {
	tables := map[string][]ast.Expr{}
	for _, file := range files {
		for n := range ast.Preorder(file) {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				continue
			}
			literal, ok := spec.Values[0].(*ast.CompositeLit)
			if !ok {
				continue
			}
			for _, element := range literal.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					tables[spec.Names[0].Name] = append(tables[spec.Names[0].Name], pair.Value)
				}
			}
		}
	}
	return tables
}

// reader collects the events of one package.
type reader struct {
	tables map[string][]ast.Expr
	file   string
	words  map[string][]string // event -> files
}

// declaration reads what is handed to an auditor in a function.
func (r *reader) declaration(d ast.Decl) error {
	if function, ok := d.(*ast.FuncDecl); !ok || slices.Contains(strings.Fields(auditors), function.Name.Name) {
		return nil
	}
	assigned := map[string]ast.Expr{}
	for n := range ast.Preorder(d) {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && len(a.Rhs) == 1 {
			if name, ok := a.Lhs[0].(*ast.Ident); ok {
				assigned[name.Name] = a.Rhs[0]
			}
		}
	}
	for n := range ast.Preorder(d) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		name, ok := call.Fun.(*ast.Ident)
		if !ok || !slices.Contains(strings.Fields(auditors), name.Name) {
			continue
		}
		row := call.Args[len(call.Args)-2] // the environment of the attempt is last
		if name, ok := row.(*ast.Ident); ok {
			row = assigned[name.Name]
		}
		events, err := r.events(row)
		if err != nil {
			return fmt.Errorf("%s: %w", r.file, err)
		}
		for _, event := range events {
			if !slices.Contains(r.words[event], r.file) {
				r.words[event] = append(r.words[event], r.file)
			}
		}
	}
	return nil
}

// events are the values that the event of a row can have: a literal
// record.Audit, or a call whose first argument is the event.
func (r *reader) events(row ast.Expr) ([]string, error) {
	switch x := row.(type) {
	case *ast.CompositeLit:
		for _, element := range x.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Event" {
				return r.values(pair.Value)
			}
		}
	case *ast.CallExpr:
		if len(x.Args) > 0 {
			return r.values(x.Args[0])
		}
	}
	return nil, fmt.Errorf("an audit row of the form %T is made in a way that is not understood", row)
}

// values evaluates an event: a literal, a row of a table, or key_ and a status.
func (r *reader) values(event ast.Expr) ([]string, error) {
	switch x := event.(type) {
	case *ast.BasicLit:
		word, err := strconv.Unquote(x.Value)
		return []string{word}, err
	case *ast.IndexExpr:
		if table, ok := x.X.(*ast.Ident); ok {
			var words []string
			for _, value := range r.tables[table.Name] {
				more, err := r.values(value)
				if err != nil {
					return nil, err
				}
				words = append(words, more...)
			}
			return words, nil
		}
	case *ast.BinaryExpr:
		prefix, err := r.values(x.X)
		if err == nil && len(prefix) == 1 && prefix[0] == "key_" {
			var words []string
			for _, status := range keyStatuses {
				words = append(words, prefix[0]+string(status))
			}
			return words, nil
		}
	}
	return nil, fmt.Errorf("an event of the form %T is made in a way that is not understood", event)
}
