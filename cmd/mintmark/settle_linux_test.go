package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Only what cannot have been written to may be forgotten.
func TestWhatIsForgottenWasReadOnly(t *testing.T) {
	for line, want := range map[string][2]uintptr{
		"00400000-00fff000 r-xp 00000000 fe:00 1077 /srv/mint mark":           {0x400000, 0xfff000},
		"00fff000-01c8a000 r--p 00bff000 fe:00 1077 /srv/mint mark\n":         {0xfff000, 0x1c8a000},
		"01c8a000-01d43000 rw-p 0188a000 fe:00 1077 /srv/mint mark":           {},
		"00400000-00fff000 r-xp 00000000 fe:00 1077 /srv/mint mark (deleted)": {},
		"00400000-00fff000 r-xp 00000000 fe:00 1078 /srv/another":             {},
		"7f56b7000000-7f56b71c0000 rw-p 00000000 00:00 0":                     {},
		"x-00fff000 r-xp 00000000 fe:00 1077 /srv/mint mark":                  {},
		"00fff000-00400000 r-xp 00000000 fe:00 1077 /srv/mint mark":           {},
		"": {},
	} {
		from, to, ok := readOnly(line, "/srv/mint mark")
		if ok != (want != [2]uintptr{}) || ok && [2]uintptr{from, to} != want {
			t.Errorf("%q: %x to %x, %v", line, from, to, ok)
		}
	}
}

// What the program's own file takes of memory is less afterwards, and the program goes on.
func TestAProgramForgetsItsOwnPages(t *testing.T) {
	before := pagesOfFiles(t)
	settle()
	if after := pagesOfFiles(t); after >= before {
		t.Errorf("%d kB of files before, %d after", before, after)
	}
}

// pagesOfFiles is RssFile of proc_pid_status(5), in kB.
func pagesOfFiles(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatal(err)
	}
	return kB
}
