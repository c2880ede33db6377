// Others verifies access tokens as a Go team would without Mintmark: with the libraries that are used most, which check
// signature, issuer, audience and expiry, and ask nobody what was revoked.
//
// It reads a case as one line of JSON from standard input, then lines of a library's name and a number of calls; it
// answers each with the CPU time in ns and the allocations of them all.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// scene is what every library is given.
type scene struct {
	Token    string          `json:"token"`
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
	Key      json.RawMessage `json:"key"` // a JWK
}

func main() {
	if err := serve(bufio.NewReader(os.Stdin)); err != nil {
		fmt.Fprintln(os.Stderr, "others:", err)
		os.Exit(1)
	}
}

func serve(in *bufio.Reader) error {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var s scene
	if err := json.Unmarshal(line, &s); err != nil {
		return err
	}
	libraries, err := prepare(s)
	if err != nil {
		return err
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil // nobody wants to know more
		}
		var name string
		var calls int
		if _, err := fmt.Fscan(strings.NewReader(line), &name, &calls); err != nil {
			return err
		}
		verify, ok := libraries[name]
		if !ok {
			return fmt.Errorf("no library %q", name)
		}
		cpu, allocs, err := measure(calls, verify)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(cpu, allocs)
	}
}

// measure counts as the benchmark counts its own calls: CPU of all threads, so that collecting the garbage counts.
func measure(calls int, verify func() error) (cpu int64, allocs uint64, err error) {
	runtime.GC()
	var before, after runtime.MemStats
	var begin, end syscall.Rusage
	runtime.ReadMemStats(&before)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &begin); err != nil {
		return 0, 0, err
	}
	for range calls {
		if err := verify(); err != nil {
			return 0, 0, err
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &end); err != nil {
		return 0, 0, err
	}
	runtime.ReadMemStats(&after)
	used := func(u syscall.Rusage) int64 { return u.Utime.Nano() + u.Stime.Nano() }
	return used(end) - used(begin), after.Mallocs - before.Mallocs, nil
}
