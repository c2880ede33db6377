package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = time.Second / 100

// cpuTime is what a process has used, user and system, of all its threads, those that have ended too. The kernel counts
// nanoseconds and rounds down here: a difference is at most two ticks off, which is 1 % of a round of two busy seconds.
// (/proc/PID/schedstat is finer, but knows one thread; task/*/schedstat forgets the threads that have ended.)
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading a process's time: %w", err)
	}
	return parseStat(string(stat), ownTime)
}

// familyTime is what a process of one thread has used with its children, those that have ended too: PostgreSQL makes one
// for each connection. Nobody of them makes children. Of those that run the kernel tells nanoseconds, of which there are
// too many processes for ticks to do.
func familyTime(pid int) (time.Duration, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, fmt.Errorf("reading a process's children: %w", err)
	}
	var sum time.Duration
	for child := range strings.FieldsSeq(string(children)) {
		used, err := threadTime(child)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // else it has just ended, and its time is with the ended ones
			return 0, err
		}
		sum += used
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading a process's time: %w", err)
	}
	own, err := parseStat(string(stat), ownTime)
	if err != nil {
		return 0, err
	}
	ended, err := parseStat(string(stat), endedTime)
	return sum + own + ended, err
}

// threadTime is the first number of schedstat: nanoseconds on a processor.
func threadTime(pid string) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + pid + "/schedstat")
	if err != nil {
		return 0, fmt.Errorf("reading a process's time: %w", err)
	}
	first, _, _ := strings.Cut(string(stat), " ")
	ns, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading a process's time: %w", err)
	}
	return time.Duration(ns), nil
}

// Where parseStat finds the two times, counted from the name: of the process, and of its children that have ended.
const (
	ownTime   = 11
	endedTime = 13
)

// parseStat reads utime and stime, fields 14 and 15 of proc_pid_stat(5), or cutime and cstime, 16 and 17. Field 2 is the name of the program in
// parentheses and may contain anything, so fields are counted from the last one.
func parseStat(stat string, from int) (time.Duration, error) {
	name := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[name+1:])
	if name < 0 || len(fields) < from+2 {
		return 0, fmt.Errorf("reading a process's time: %q", stat)
	}
	var ticks uint64
	for _, field := range fields[from : from+2] {
		n, err := strconv.ParseUint(field, 10, 63)
		if err != nil {
			return 0, fmt.Errorf("reading a process's time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// residentBytes is the memory of a process that is in RAM (VmRSS).
func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading a process's memory: %w", err)
	}
	return parseStatus(string(status))
}

func parseStatus(status string) (int64, error) {
	for line := range strings.Lines(status) {
		value, found := strings.CutPrefix(line, "VmRSS:")
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 53)
		if err != nil {
			return 0, fmt.Errorf("reading a process's memory: %w", err)
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("reading a process's memory: no VmRSS in %d bytes", len(status))
}
