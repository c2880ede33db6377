package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

const prefix = "MINTMARK_"

// others are the prefixes of variables that other commands read: a guard beside
// the server shares its environment.
const others = prefix + "GUARD_"

// workshop are variables with our prefix that are no settings: ./check's.
const workshop = "MINTMARK_BINARY MINTMARK_TOOLS"

// Sources are where settings come from.
type Sources struct {
	Flags   map[string][]string // by the names of settings
	Environ []string            // as os.Environ gives it
	File    string              // path of a TOML file; empty: MINTMARK_CONFIG, if set
}

// origin is what was given for a setting, and where.
type origin struct {
	text   []string
	source string
}

// read gathers what was given: flags win over the environment, and that over the
// file.
func (s Sources) read() (map[string]origin, Problems) {
	environ, problems := s.environment()
	given := map[string]origin{}
	source := "--config"
	if s.File == "" {
		s.File, source = environ["config"].first(), prefix+"CONFIG"
	}
	if s.File != "" {
		var wrong Problems
		given, wrong = readFile(s.File, source)
		problems = append(problems, wrong...)
	}
	for name, value := range environ {
		given[name] = value
	}
	for name, text := range s.Flags {
		given[name] = origin{text: text, source: "--" + Flag(name)}
	}
	return given, problems
}

func (o origin) first() string {
	if len(o.text) == 0 {
		return ""
	}
	return o.text[0]
}

// environment takes what begins with our prefix; the rest is not ours.
func (s Sources) environment() (map[string]origin, Problems) {
	names := map[string]string{prefix + "CONFIG": "config"}
	for _, setting := range (&Config{}).settings() {
		names[variable(setting.name)] = setting.name
	}
	given := map[string]origin{}
	var problems Problems
	for _, pair := range s.Environ {
		key, value, _ := strings.Cut(pair, "=")
		name, known := names[key]
		switch {
		case known:
			given[name] = origin{text: []string{value}, source: key}
		case strings.HasPrefix(key, prefix) && !strings.HasPrefix(key, others) && !slices.Contains(strings.Fields(workshop), key):
			problems = append(problems, unknown(key, "environment", names))
		}
	}
	return given, problems
}

// unknown is the problem of a name that is no setting's, with the nearest one.
func unknown(name, source string, known map[string]string) Problem {
	p := Problem{Setting: name, Source: source, Wrong: "there is no such setting", Do: "remove it; mintmark config check lists the settings"}
	nearest := min(3, len(strings.TrimPrefix(name, prefix))/4) + 1 // as many edits make another word
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if d := distance(name, candidate); d < nearest {
			nearest, p.Do = d, "did you mean "+candidate+"?"
		}
	}
	return p
}

// distance counts the edits from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// readFile takes the settings of a TOML file.
func readFile(path, source string) (map[string]origin, Problems) {
	given := map[string]origin{}
	content, err := os.ReadFile(path)
	if err != nil {
		return given, Problems{{Setting: "config", Source: source, Wrong: "reading " + path + ": " + cause(err), Do: "name a TOML file that can be read"}}
	}
	var f file
	f.meta, err = toml.Decode(string(content), &f.top)
	if err != nil {
		at := filepath.Base(path)
		if broken, ok := errors.AsType[toml.ParseError](err); ok {
			return given, Problems{{Setting: "config", Source: at + ":" + strconv.Itoa(broken.Position.Line), Wrong: broken.Message, Do: "mend the TOML"}}
		}
		return given, Problems{{Setting: "config", Source: at, Wrong: err.Error(), Do: "mend the TOML"}}
	}
	f.name = filepath.Base(path)
	return f.read()
}

// cause is an error without the path, which is said already.
func cause(err error) string {
	if pathed, ok := errors.AsType[*fs.PathError](err); ok {
		return pathed.Err.Error()
	}
	return err.Error()
}

// file is a decoded TOML file that still knows its lines.
type file struct {
	name string
	top  map[string]toml.Primitive
	meta toml.MetaData
}

func (f *file) read() (map[string]origin, Problems) {
	known, tables := map[string]string{}, map[string]bool{}
	for _, name := range Names() {
		known[name] = name
		if table, _, ok := strings.Cut(name, "."); ok {
			tables[table] = true
		}
	}
	given := map[string]origin{}
	var problems Problems
	reported := "" // what lies below it needs no words
	for _, key := range f.meta.Keys() {
		name := strings.Join(key, ".")
		value, line := f.value(key)
		at := f.name + ":" + strconv.Itoa(line)
		switch {
		case reported != "" && strings.HasPrefix(name, reported+"."):
		case tables[name] && f.meta.Type(key...) == "Hash":
		case name == "kek":
			problems = append(problems, Problem{Setting: name, Source: at, Wrong: "the key itself does not belong into this file", Do: "use kek_file or " + variable("kek")})
		case known[name] == "":
			reported = name
			problems = append(problems, unknown(name, at, known))
		case value == nil:
			reported = name
			problems = append(problems, Problem{Setting: name, Source: at, Wrong: "it is not text", Do: "put it in quotes"})
		default:
			given[name] = origin{text: value, source: at}
		}
	}
	return given, problems
}

// here is what a value is decoded into to learn its line: the library tells lines
// only of what goes wrong.
type here struct{}

// UnmarshalTOML always fails.
func (here) UnmarshalTOML(any) error { return errors.New("here") }

// value gives the texts of a key, nil if it is neither a text nor a list of them,
// and its line.
func (f *file) value(key toml.Key) (texts []string, line int) {
	inside := f.top
	for i, part := range key {
		raw := inside[part]
		if broken, ok := errors.AsType[toml.ParseError](f.meta.PrimitiveDecode(raw, here{})); ok && broken.Position.Line > 0 {
			line = broken.Position.Line
		}
		if i < len(key)-1 {
			inside = nil
			if f.meta.PrimitiveDecode(raw, &inside) != nil {
				return nil, line
			}
			continue
		}
		var one string
		if f.meta.PrimitiveDecode(raw, &one) == nil {
			return []string{one}, line
		}
		if f.meta.PrimitiveDecode(raw, &texts) != nil {
			return nil, line
		}
	}
	return texts, line
}
