package apply

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Item is one thing that a file declares.
type Item struct {
	Kind string // "resource", "client" or "user"
	ID   string // its audience, client_id or e-mail address
	Line int

	body  []byte         // as the API takes it
	lines map[string]int // of its fields
}

// Problem is one thing that is wrong with a file.
type Problem struct {
	Line  int
	What  string // the thing: "client shop"; empty: the file
	Field string // empty: all of it
	Wrong string
}

// String is the problem in one line, after the name of the file.
func (p Problem) String() string {
	parts := []string{fmt.Sprint(p.Line)}
	for _, part := range []string{p.What, p.Field, p.Wrong} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Read reads a file, and finds all that is wrong with it by itself.
func Read(text string) ([]*Item, []Problem) {
	var top map[string]toml.Primitive
	meta, err := toml.Decode(text, &top)
	if broken, ok := errors.AsType[toml.ParseError](err); ok {
		return nil, []Problem{{Line: broken.Position.Line, Wrong: broken.Message}}
	}
	if err != nil {
		return nil, []Problem{{Line: 1, Wrong: err.Error()}}
	}
	r := reader{meta: meta, lines: readLines(text)}
	for _, k := range kinds() { // in the order in which things are made
		if raw, there := top[k.name]; there {
			r.list(k, raw)
			delete(top, k.name)
		}
	}
	for name := range top {
		r.problem(r.lines.top[name], "", name, "is not known; a file has [[resource]], [[client]] and [[user]]")
	}
	r.twice()
	slices.SortFunc(r.problems, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, cmp.Compare(a.Field, b.Field)) })
	return r.items, r.problems
}

// reader gathers.
type reader struct {
	meta     toml.MetaData
	lines    lines
	items    []*Item
	problems []Problem
}

func (r *reader) problem(line int, what, field, wrong string) {
	r.problems = append(r.problems, Problem{line, what, field, wrong})
}

func (r *reader) list(k *kind, raw toml.Primitive) {
	var tables []map[string]toml.Primitive
	if r.meta.PrimitiveDecode(raw, &tables) != nil {
		r.problem(r.lines.top[k.name], "", k.name, "is a list of tables: [["+k.name+"]]")
		return
	}
	for n, table := range tables {
		r.item(k, table, r.lines.of(k.name, n))
	}
}

// item takes a table field by field, so that each problem has its line.
func (r *reader) item(k *kind, table map[string]toml.Primitive, lines map[string]int) {
	i := &Item{Kind: k.name, Line: lines[""], lines: lines}
	fields := map[string]any{}
	for name, raw := range table {
		var value any
		if err := r.meta.PrimitiveDecode(raw, &value); err != nil {
			r.problem(i.at(name), k.name, name, "cannot be read")
			continue
		}
		if name == k.id {
			i.ID, _ = value.(string) // what is no text is said below
		}
		fields[name] = value
		if wrong := k.check(name, value); wrong != "" {
			r.problem(i.at(name), k.name, name, wrong)
		}
	}
	if i.ID == "" {
		r.problem(i.Line, k.name, k.id, "is needed: it says which one is meant")
	}
	var err error
	if i.body, err = json.Marshal(fields); err != nil {
		r.problem(i.Line, k.name, "", "cannot be written as JSON")
		return
	}
	r.items = append(r.items, i)
}

// check tries a field by itself.
func (k *kind) check(name string, value any) string {
	text, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		return "cannot be written as JSON"
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(k.made())
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "is not a " + wrong.Value + ", but a " + wrong.Type.String()
	}
	if err != nil {
		return "is not known"
	}
	return ""
}

func (r *reader) twice() {
	seen := map[string]int{}
	for _, i := range r.items {
		name := i.Kind + " " + strings.ToLower(i.ID)
		if first, again := seen[name]; again && i.ID != "" {
			r.problem(i.Line, i.What(), "", fmt.Sprintf("is declared twice, first on line %d", first))
			continue
		}
		seen[name] = i.Line
	}
}

// What names the item for people.
func (i *Item) What() string { return i.Kind + " " + i.ID }

// at is the line of a field, or of the item.
func (i *Item) at(field string) int {
	if line, ok := i.lines[field]; ok {
		return line
	}
	return i.Line
}
