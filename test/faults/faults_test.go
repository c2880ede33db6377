// Package faults_test breaks things for real: the binary as a process of its own
// that is killed, stopped and set back, sockets that nobody reads, and a wire that
// lies; with real verifiers in front of APIs, here or in processes of their own.
package faults_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/mintmark-id/mintmark/test/faults/crash"
	"github.com/mintmark-id/mintmark/test/server"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(apiSettings); text != "" {
		if err := beAPI(text); err != nil {
			fmt.Fprintln(os.Stderr, "being an API:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	// What takes time here is waiting, not work: all of it at once.
	if err := flag.Set("test.parallel", "32"); err != nil {
		fmt.Fprintln(os.Stderr, "running tests side by side:", err)
		os.Exit(1)
	}
	os.Exit(server.Main(m.Run))
}

// A revocation that a server answered, or served to one verifier, outlives its kill
// -9; one that it did neither with has either happened everywhere or nowhere.
func TestARevocationOutlivesTheServer(t *testing.T) {
	t.Parallel()
	report, err := crash.Revocation(t.Context(), server.Binary(), t.TempDir(), 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report)
}
