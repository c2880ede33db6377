package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The sessions in testdata run the real binary: the one that MINTMARK_BINARY names,
// or one that is built here. The other programs are this test's own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"http":        httpMain,
		"signin":      signinMain,
		"certificate": certificateMain,
		"freeport":    freeportMain,
		"verifier":    verifierMain,
		"hears":       hearsMain,
		"agekey":      agekeyMain,
	})
}

// binary makes a directory that holds the program as mintmark.
func binary(t *testing.T) (directory string) {
	t.Helper()
	directory = t.TempDir()
	program := filepath.Join(directory, "mintmark")
	if made := os.Getenv("MINTMARK_BINARY"); made != "" {
		absolute, err := filepath.Abs(made)
		if err == nil {
			err = os.Symlink(absolute, program)
		}
		if err != nil {
			t.Fatal(err)
		}
		return directory
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, text)
	}
	return directory
}

func TestTheCommandLineKeepsItsContract(t *testing.T) {
	programs := binary(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			servers := &running{}
			env.Values[runningKey{}] = servers
			env.Defer(servers.killAll)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":      serveInBackground,
			"end":        end,
			"capture":    capture,
			"captureErr": captureErr,
			"status":     status,
			"halfSent":   halfSent,
			"leaving":    leaving,
			"mode":       mode,
			"await":      await,

			"await-verifiers": awaitVerifiers,
			"await-session":   awaitSession,
		},
	})
}

// fail ends a program of this test.
func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
