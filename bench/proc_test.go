package main

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestTimesAreFoundBehindAnyProgramName(t *testing.T) {
	tests := []struct {
		name, stat string
		want       time.Duration
	}{
		{"plain", "42 (mintmark) S 1 42 42 0 -1 4194560 900 0 0 0 150 25 7 8 20 0 9 0 123 0 0\n", 1750 * time.Millisecond},
		{"spaces and parentheses", "42 (a) S (b c) R 1 42 42 0 -1 4194560 900 0 0 0 1 2 7 8 20 0 9 0 123 0 0\n", 30 * time.Millisecond},
		{"idle", "1 (x) S 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := parseStat(tt.stat, ownTime); err != nil || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	for _, bad := range []string{"", "42 mintmark S 1 2 3", "42 (x) S 1 2", "1 (x) S 0 0 0 0 -1 0 0 0 0 0 a 0 0 0", "1 (x) S 0 0 0 0 -1 0 0 0 0 0 0 -1 0 0"} {
		if got, err := parseStat(bad, ownTime); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
}

// The kernel's two accounts of this process must agree. They are read in the order of the inequality, and the one from
// /proc is rounded down, twice.
func TestOurOwnTimeAgreesWithRusage(t *testing.T) {
	for end := rusage(t) + 200*time.Millisecond; rusage(t) < end; { // uses its time up instead of waiting
	}
	before := rusage(t)
	got, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after := rusage(t)
	if got < before-2*tick || got > after {
		t.Errorf("got %v, want between %v and %v", got, before, after)
	}
}

func rusage(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestResidentMemoryIsReadInBytes(t *testing.T) {
	got, err := parseStatus("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t   24576 kB\nRssAnon:\t 1 kB\n")
	if err != nil || got != 24<<20 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, bad := range []string{"", "VmRSS:\tmuch kB\n", "VmHWM:\t 9 kB\n"} {
		if got, err := parseStatus(bad); err == nil {
			t.Errorf("%q gave %d", bad, got)
		}
	}
}

func TestOurOwnMemoryHoldsWhatWeTouch(t *testing.T) {
	before, err := residentBytes(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	touched := make([]byte, size)
	for i := range touched {
		touched[i] = byte(i)
	}
	after, err := residentBytes(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if touched[size-1] != 255 || after < size || after-before < size/2 {
		t.Errorf("%d bytes before, %d after touching %d", before, after, size)
	}
}
