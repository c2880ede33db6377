package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// measureFaults runs the tests of test/nodes at their full length: three servers on one PostgreSQL, from which one thing
// after another is taken away. What a test has found is a line of the table; a test that fails for another reason is a
// problem.
func (b *bench) measureFaults(ctx context.Context) (findings []finding, problems []string, err error) {
	path := filepath.Join(b.directory, "findings")
	if b.binary, err = build(ctx, b.directory, "./cmd/mintmark"); err != nil {
		return nil, nil, err
	}
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-parallel=1", "-timeout="+b.limit.String(), "-tags=external", "./test/nodes",
		"-args", "-long", "-findings="+path)
	test.Env = append(os.Environ(), "MINTMARK_BINARY="+b.binary)
	// What it starts is of its group, and ends with it.
	test.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	test.Cancel = func() error { return syscall.Kill(-test.Process.Pid, syscall.SIGTERM) }
	test.WaitDelay = readyWithin
	said, failed := test.CombinedOutput()
	if ctx.Err() != nil {
		problems = append(problems, fmt.Sprintf("the rest: %v", context.Cause(ctx)))
	}
	if findings, err = readFindings(path); err != nil {
		return nil, nil, fmt.Errorf("reading what the tests found: %w\n%s", err, said)
	}
	if failed != nil && ctx.Err() == nil {
		problems = append(problems, failures(said))
	}
	return findings, problems, nil
}

// readFindings reads a line for each finding.
func readFindings(path string) ([]finding, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []finding
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var found struct {
			Title, Measured, Bound string
			Kept                   bool
		}
		if err := json.Unmarshal(lines.Bytes(), &found); err != nil {
			return nil, err
		}
		all = append(all, finding{"faults", found.Title, found.Measured, found.Bound, found.Kept})
	}
	if len(all) == 0 {
		return nil, errors.New("there are none")
	}
	return all, nil
}

var failure = regexp.MustCompile(`(?m)^ *(--- FAIL: .*|[a-z]+_test\.go:[0-9]+: .*|panic: .*|FAIL.*)$`)

// failures are the lines that say what has failed, without the servers' logs.
func failures(said []byte) string {
	lines := failure.FindAllString(string(said), 40)
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return "faults:\n  " + strings.Join(lines, "\n  ")
}
