package apply

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryProblemHasItsLine(t *testing.T) {
	for what, c := range map[string]struct{ text, problems string }{
		"nothing": {"", ""},
		"good":    {"[[client]]\nclient_id = \"a\" # a [comment]\nname = \"A\"\ngrant_types = [\n  \"client_credentials\", # one\n]\n", ""},
		"after a list over several lines": {
			"[[client]]\nclient_id = \"a\"\ngrant_types = [\n\"x\",\n\"colour = 3\",\n]\ncolour = 1\n", "7: client: colour: is not known",
		},
		"after texts over several lines": {
			"[[client]]\nclient_id = \"\"\"\na\"\"\"\nname = '''\ncolour = 1\n[[client]]\n'''\ncolour = 1\n", "8: client: colour: is not known",
		},
		"after brackets and quotes in texts": {
			"[[client]]\nclient_id = 'a[{\"'\nname = \"]\\\"[\"\ncolour = 1\n", "4: client: colour: is not known",
		},
		"in the second of two": {
			"[[client]]\nclient_id = \"a\"\nname=\"A\"\n\n[[client]]\nname = 3\nclient_id = \"b\"\n", "6: client: name: is not a number, but a string",
		},
		"in an inline table": {
			"[[user]]\nemail = \"a@b.c\"\naddress = { locality = \"X\", planet = \"Y\" }\n", "3: user: address: is not known",
		},
		"in a table below": {
			"[[user]]\nemail = \"a@b.c\"\n[user.address]\nlocality = 3\n", "3: user: address: is not a number, but a string",
		},
		"a key of the file":   {"a = 1\n", "1: a: is not known; a file has [[resource]], [[client]] and [[user]]"},
		"a table, not a list": {"\n[client]\nclient_id = \"a\"\n", "2: client: is a list of tables: [[client]]"},
		"no list at all":      {"client = 1\n", "1: client: is a list of tables: [[client]]"},
		"an inline list":      {"client = [{ client_id = \"a\", name = 3 }]\n", "1: client: name: is not a number, but a string"},
		"twice": {
			"[[user]]\nemail = \"a@b.c\"\n[[user]]\nemail = \"A@b.c\"\n", "3: user A@b.c: is declared twice, first on line 1",
		},
		"an id that is no text": {"[[client]]\nclient_id = 1\n", "1: client: client_id: is needed: it says which one is meant\n2: client: client_id: is not a number, but a string"},
		"no TOML":               {"[[client]]\nclient_id = \n", "2: expected value but found '\\n' instead"},
		"a key twice":           {"[[client]]\nclient_id = \"a\"\nclient_id = \"b\"\n", "3: Key 'client.client_id' has already been defined."},
	} {
		_, problems := Read(c.text)
		var lines []string
		for _, p := range problems {
			lines = append(lines, fmt.Sprint(p))
		}
		if got := strings.Join(lines, "\n"); got != c.problems {
			t.Errorf("%s:\n%s\nnot\n%s", what, got, c.problems)
		}
	}
}

// Whatever is in a file, reading it ends, and no problem is without a line.
func FuzzRead(f *testing.F) {
	f.Add("[[client]]\nclient_id = \"a\"\n[client.x]\ny = [1, {a = 'b'}]\n")
	f.Add("[[user]]\nemail = \"\"\"\n\"\"\"\n\"a\" = 1\na.b = 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := Read(text)
		for _, p := range problems {
			if p.Wrong == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
