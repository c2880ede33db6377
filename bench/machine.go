package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine describes what was measured on, in one line: without it a figure means nothing.
func machine(ctx context.Context, directory string) (string, error) {
	flush, err := flushTime(directory)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; %d × %s; Linux %s; %s; commit %s; a flushed write of 4 KiB takes %.2f ms",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), processor(), kernel(), runtime.Version(),
		commit(ctx), flush.Seconds()*1000), nil
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// flushTime is the median time of a small write that is flushed to the disk: what every durable commit waits for.
func flushTime(directory string) (time.Duration, error) {
	file, err := os.Create(filepath.Join(directory, "flush"))
	if err != nil {
		return 0, fmt.Errorf("measuring the disk: %w", err)
	}
	defer file.Close()
	var times [50]time.Duration
	for i := range times {
		begin := time.Now()
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			return 0, fmt.Errorf("measuring the disk: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("measuring the disk: %w", err)
		}
		times[i] = time.Since(begin)
	}
	return median(times[:]), nil
}
