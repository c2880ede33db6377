package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func exampleLine(cpu float64) line {
	round := sample{requests: 100, rate: 5000, cpu: 50, p50: 1500 * time.Microsecond, p99: 9 * time.Millisecond}
	server := round
	server.cpu = cpu
	return line{work: works()[0], connections: 16, floors: []sample{round}, servers: []sample{server}}
}

func TestOneBrokenBoundBreaksTheReport(t *testing.T) {
	kept, broken := finding{kept: true}, finding{kept: false}
	tests := []struct {
		name string
		r    report
		want bool
	}{
		{"all kept, the bound itself included", report{lines: []line{exampleLine(65)}, findings: []finding{kept}}, true},
		{"a ratio", report{lines: []line{exampleLine(40), exampleLine(65.1)}}, false},
		{"a figure", report{lines: []line{exampleLine(40)}, findings: []finding{kept, broken}}, false},
		{"something could not be measured", report{lines: []line{exampleLine(40)}, problems: []string{"x"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.r.kept() != tt.want {
				t.Errorf("kept is %v", tt.r.kept())
			}
		})
	}
}

func TestBothReportsStateTheSameFigures(t *testing.T) {
	r := report{
		machine:  "a machine",
		lines:    []line{exampleLine(60), exampleLine(70)},
		findings: []finding{atMost("memory", "memory, idle", "MB", megabytes(24_960_000), 25), atMost("tokens", "token", "bytes", 481, 480)},
		problems: []string{"growth: the disk is full"},
	}
	var plain, markdown strings.Builder
	if err := r.print(&plain); err != nil {
		t.Fatal(err)
	}
	if err := r.printMarkdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{plain.String(), markdown.String()} {
		if !contains(text, "a machine", "50.0", "60.0", "1.20", "1.40", "1.30 (target 1.00)", "kept", "BROKEN", "1.50 ms", "24.9 MB", "481 bytes", "the disk is full") {
			t.Errorf("report:\n%s", text)
		}
	}
	for row := range strings.Lines(markdown.String()) {
		if n := strings.Count(row, "|"); strings.HasPrefix(row, "| client-credentials") && n != 14 {
			t.Errorf("%d bars in %q", n, row)
		}
	}
}

func TestPagesInTheWriteAheadLogAreCounted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mintmark.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE t (x BLOB)`); err != nil {
		t.Fatal(err)
	}
	small, err := countPages(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO t VALUES (zeroblob(40960))`); err != nil {
		t.Fatal(err)
	}
	large, err := countPages(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if small != 2 || large < small+10 {
		t.Errorf("%d pages, then %d", small, large)
	}
}

func TestFlagsAreCheckedBeforeAnythingRuns(t *testing.T) {
	o, err := parseOptions([]string{"-connections", "1,8", "-only", "refresh,growth", "-duration", "1s"})
	if err != nil || len(o.connections) != 2 || !o.wants("growth") || o.wants("jwks") || o.rounds != 7 {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, bad := range [][]string{
		{"-connections", "16,"},
		{"-connections", "0"},
		{"-only", "nothing"},
		{"-rounds", "0"},
		{"-duration", "-1s"},
		{"-refreshes", "10000"},
		{"-tokens", "0"},
		{"extra"},
	} {
		if _, err := parseOptions(bad); err == nil {
			t.Errorf("accepted %v", bad)
		}
	}
}
