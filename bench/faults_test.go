package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindingsAreReadAsTheTestsWriteThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "findings")
	text := `{"title":"a","measured":"1","bound":"0","kept":false}` + "\n" + `{"title":"b","measured":"0","bound":"0","kept":true}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readFindings(path)
	if err != nil || len(got) != 2 || got[0] != (finding{"faults", "a", "1", "0", false}) || !got[1].kept {
		t.Errorf("%+v, %v", got, err)
	}
	if (report{findings: got}).kept() {
		t.Error("a broken promise is kept")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFindings(path); err == nil {
		t.Error("no findings are enough")
	}
}

func TestFailuresAreToldWithoutLogs(t *testing.T) {
	said := "=== RUN\n    faults_test.go:3: it broke\n    cluster_test.go:9: node 1 said:\n        {\"time\":1}\n--- FAIL: TestX (1s)\nFAIL\nFAIL\tpackage\n"
	got := failures([]byte(said))
	if !strings.Contains(got, "faults_test.go:3: it broke") || !strings.Contains(got, "--- FAIL: TestX") || strings.Contains(got, "time") {
		t.Errorf("it says %s", got)
	}
}
