package apply

import (
	"regexp"
	"strings"
)

// lines says where things stand in a TOML file. The library tells lines only of
// what it cannot parse, so this reads a file that it has parsed already, and looks
// for no more than headers and keys.
type lines struct {
	top    map[string]int              // keys and tables of the file
	tables map[string][]map[string]int // by name: the keys of each [[name]]; "" is the header
}

var (
	headerText = regexp.MustCompile(`^\s*\[\[?\s*("?)([\w-]+)("?)\s*(?:\.\s*"?([\w-]+)"?\s*)?`)
	keyText    = regexp.MustCompile(`^\s*"?([\w-]+)"?\s*[.=]`)
)

func readLines(text string) lines {
	l := lines{map[string]int{}, map[string][]map[string]int{}}
	var current map[string]int
	var s scanner
	for n, line := range strings.Split(text, "\n") {
		if s.between() {
			if header := headerText.FindStringSubmatch(line); header != nil {
				current = l.header(header[2], header[4], strings.HasPrefix(strings.TrimSpace(line), "[["), n+1)
			} else if key := keyText.FindStringSubmatch(line); key != nil {
				note(l.keys(current), key[1], n+1)
			}
		}
		s.line(line)
	}
	return l
}

// header begins a table. One below another is a key of that.
func (l *lines) header(name, below string, isList bool, line int) map[string]int {
	note(l.top, name, line)
	switch {
	case below == "" && isList:
		keys := map[string]int{"": line}
		l.tables[name] = append(l.tables[name], keys)
		return keys
	case below != "" && len(l.tables[name]) > 0:
		note(l.tables[name][len(l.tables[name])-1], below, line)
	}
	return map[string]int{} // what stands in it has no name of its own here
}

func (l *lines) keys(current map[string]int) map[string]int {
	if current == nil {
		return l.top
	}
	return current
}

func note(keys map[string]int, name string, line int) {
	if _, there := keys[name]; !there {
		keys[name] = line
	}
}

// of gives the lines of the nth table of a list.
func (l *lines) of(name string, n int) map[string]int {
	if n < len(l.tables[name]) {
		return l.tables[name][n]
	}
	return map[string]int{"": l.top[name]}
}

// scanner knows whether a line begins inside a value.
type scanner struct {
	quote string // of a text over several lines
	depth int    // of brackets
}

func (s *scanner) between() bool { return s.quote == "" && s.depth == 0 }

// line goes through a line of a file that is well formed.
func (s *scanner) line(text string) {
	quote := s.quote
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case quote != "" && strings.HasPrefix(quote, `"`) && text[i] == '\\':
			i++
		case quote != "" && strings.HasPrefix(rest, quote):
			i += len(quote) - 1
			quote = ""
		case quote != "":
		case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, `'''`):
			quote = rest[:3]
			i += 2
		case text[i] == '"' || text[i] == '\'':
			quote = rest[:1]
		case text[i] == '#':
			i = len(text)
		case text[i] == '[' || text[i] == '{':
			s.depth++
		case text[i] == ']' || text[i] == '}':
			s.depth--
		}
	}
	if len(quote) < 3 {
		quote = "" // a text of one line ends with it
	}
	s.quote = quote
}
