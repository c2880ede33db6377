package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheReferenceSaysWhatTheCodeSays(t *testing.T) {
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	readSources(t, filepath.Join(root, "cmd/mintmark"))
	pages, err := render(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{feedPage}
	for _, p := range pages {
		names = append(names, p.name)
		committed, err := os.ReadFile(filepath.Join(root, reference, p.name))
		if err != nil {
			t.Errorf("%v; run go generate ./...", err)
			continue
		}
		if diff := cmp.Diff(strings.Split(string(committed), "\n"), strings.Split(string(p.text), "\n")); diff != "" {
			t.Errorf("%s/%s is not what the code says; run go generate ./...\n%s", reference, p.name, diff)
		}
	}
	present, err := os.ReadDir(filepath.Join(root, reference))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range present {
		if !slices.Contains(names, file.Name()) {
			t.Errorf("%s/%s is written by nothing; remove it", reference, file.Name())
		}
	}
}

// readSources opens the files that a program is built from, so that go test does
// not take its answer of last time for this one's: it cannot see into the build.
func readSources(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEventWithoutASentenceAndASentenceWithoutAnEventAreErrors(t *testing.T) {
	err := matched(map[string][]string{"a": {"a.go"}, "b": {"b.go"}}, map[string]string{"b": "B.", "c": "C."})
	for _, want := range []string{"event a of a.go has no sentence", "event c, which nothing writes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err := matched(map[string][]string{"b": {"b.go"}}, map[string]string{"b": "B."}); err != nil {
		t.Error(err)
	}
}

func TestEveryWayOfMakingAnAuditRowIsRead(t *testing.T) {
	root := t.TempDir()
	writeRoom(t, root, "internal/engine", "package engine")
	writeRoom(t, root, "internal/decide", `package decide
var ends = map[int]string{1: "one_ended", 2: "two_ended"}
func literal() { audited(record.Audit{Actor: "x", Event: "literal"}, env) }
func variable() { act := userAct("variable", actor); reason := userAct("only_a_reason", actor); use(reason); audited(act, env) }
func call() { audited(userAct("call", actor), env) }
func table() { audited(record.Audit{Event: ends[kind]}, env) }
func key() { audited(record.Audit{Event: "key_" + string(status)}, env) }
`)
	words, err := auditWords(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for word := range words {
		got = append(got, word)
	}
	slices.Sort(got)
	want := []string{"call", "key_active", "key_compromised", "key_next", "key_retired", "literal", "one_ended", "two_ended", "variable"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	for _, unreadable := range []string{
		`func f(row record.Audit) { audited(row, env) }`,
		`func f() { audited(record.Audit{Event: word}, env) }`,
		`func f() { audited(record.Audit{Event: "x_" + word}, env) }`,
		`func f() { audited(record.Audit{Actor: "x"}, env) }`,
	} {
		writeRoom(t, root, "internal/decide", "package decide\n"+unreadable)
		if words, err := auditWords(root); err == nil {
			t.Errorf("%s is read as %v", unreadable, words)
		}
	}
}

func writeRoom(t *testing.T, root, room, source string) {
	t.Helper()
	dir := filepath.Join(root, room)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "room.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAMigrationLineThatIsNotUnderstoodIsAnError(t *testing.T) {
	var w writer
	if err := writeMigration(&w, "-- What it is.\nCREATE TABLE t (\n\tid TEXT PRIMARY KEY,\n\tn BIGINT NOT NULL\n);\n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### t", "What it is.", "| `id` | TEXT | `PRIMARY KEY` |", "| `n` | BIGINT | `NOT NULL` |"} {
		if !strings.Contains(w.text.String(), want) {
			t.Errorf("no %q in %s", want, w.text.String())
		}
	}
	if err := writeMigration(&w, "-- More.\nALTER TABLE t ADD COLUMN m BIGINT NOT NULL;\n"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.text.String(), "Added to `t`: `m` BIGINT `NOT NULL`") {
		t.Errorf("a column that is added is not in %s", w.text.String())
	}
	if err := writeMigration(&w, "ALTER TABLE t DROP COLUMN m;"); err == nil {
		t.Error("it was passed over")
	}
}
