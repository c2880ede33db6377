package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// forgetProgram unmaps the pages of the program's own file: parsing the command line
// and templates, checking the schema and describing the admin API have touched most of
// its 25 MB, and serving touches a third of them. They stay in the system's cache,
// and one that is needed is mapped again (docs/decisions/0017).
func forgetProgram() {
	program, err := os.Executable()
	if err != nil {
		return // then they stay
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		if from, to, ok := readOnly(line, program); ok {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED) // it is advice
		}
	}
}

// readOnly gives the addresses of a line of proc_pid_maps(5), if a part of the file is
// mapped there that nobody can have written to: what was written would be lost.
func readOnly(line, file string) (from, to uintptr, ok bool) {
	fields := strings.Fields(line) // address perms offset dev inode pathname
	if len(fields) < 6 || strings.Join(fields[5:], " ") != file || strings.Contains(fields[1], "w") {
		return 0, 0, false
	}
	first, last, _ := strings.Cut(fields[0], "-")
	a, errA := strconv.ParseUint(first, 16, 64)
	b, errB := strconv.ParseUint(last, 16, 64)
	return uintptr(a), uintptr(b), errA == nil && errB == nil && a < b
}
