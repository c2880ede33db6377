// Package server starts the real binary, for tests of the whole.
package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
)

// binary names the environment variable with the program to test.
const binary = "MINTMARK_BINARY"

// Main runs the tests of a package that starts servers, with the program that
// MINTMARK_BINARY names or else one that is built for them, once.
func Main(run func() int) int {
	if os.Getenv(binary) != "" {
		return run()
	}
	dir, err := os.MkdirTemp("", "mintmark-binary")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "mintmark")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", program, "github.com/mintmark-id/mintmark/cmd/mintmark")
	if text, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, text)
		return 1
	}
	if err := os.Setenv(binary, program); err != nil {
		fmt.Fprintln(os.Stderr, "naming the binary:", err)
		return 1
	}
	return run()
}

// Server is a running `mintmark serve` with a data directory of its own.
type Server struct {
	*Process // the run of the moment

	t       testing.TB
	before  []*Process // the runs that have ended
	flags   []string
	alarmed bool
}

// Start starts a server without users on a free port of loopback. When the test
// ends the server is told to stop, and must do so with status 0 and without ever
// having logged an error.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	return StartOn(t, t.TempDir(), flags...)
}

// StartOn starts a server on a data directory that is there.
func StartOn(t testing.TB, data string, flags ...string) *Server {
	t.Helper()
	s := &Server{t: t, flags: flags}
	var err error
	s.Process, err = Launch(t.Context(), Binary(), data, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

// Binary is the program to test, once [Main] runs the tests.
func Binary() string { return os.Getenv(binary) }

// Kill ends the server as a power cut does, and waits until it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	s.must(s.Process.Kill())
}

// Stop ends the server as a supervisor does.
func (s *Server) Stop() {
	s.t.Helper()
	s.must(s.Process.Stop())
}

// Pause lets the server do nothing at all until it is resumed.
func (s *Server) Pause() {
	s.t.Helper()
	s.must(s.Process.Pause())
}

// Resume lets a paused server go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.must(s.Process.Resume())
}

// Restart starts the server that has ended once more, on the same data and the
// same port, with the flags of before or else those.
func (s *Server) Restart(flags ...string) {
	s.t.Helper()
	if !s.Ended() {
		s.t.Fatal("the server to start again still runs")
	}
	if len(flags) > 0 {
		s.flags = flags
	}
	next, err := s.Again(s.t.Context(), s.flags...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.before = append(s.before, s.Process)
	s.Process = next
}

// MayLogErrors is for tests of what a server must log as an error.
func (s *Server) MayLogErrors() { s.alarmed = true }

// Log is what the server has printed, in all its runs.
func (s *Server) Log() string {
	var all strings.Builder
	for _, run := range append(s.before, s.Process) {
		all.WriteString(run.Log())
	}
	return all.String()
}

// stop ends the server as a supervisor does, unless it has ended already.
func (s *Server) stop() {
	if !s.Ended() {
		if err := errors.Join(s.Process.Resume(), s.Process.Stop()); err != nil { // it may be paused
			s.t.Error(err)
		}
	}
	log := s.Log()
	if !s.alarmed && strings.Contains(log, `"level":"ERROR"`) {
		s.t.Error("the server logged an error")
	}
	if s.t.Failed() {
		s.t.Logf("the server's log:\n%s", log)
	}
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// CLI runs a command against the server, which must succeed, and gives what it
// printed as JSON.
func (s *Server) CLI(args ...string) []byte {
	s.t.Helper()
	var out, problems bytes.Buffer
	cmd := s.Command(s.t.Context(), append(args, "--json")...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("mintmark %s: %v\n%s", strings.Join(args, " "), err, problems.String())
	}
	return out.Bytes()
}

// Admin is a client of the server's administration API.
func (s *Server) Admin() *admin.Client {
	client := s.Process.Admin()
	s.t.Cleanup(client.Close)
	return client
}

// NewClient registers a client as the flags of `client create` say.
func (s *Server) NewClient(name string, flags ...string) admin.RegisteredClient {
	s.t.Helper()
	return decoded[admin.RegisteredClient](s, append([]string{"client", "create", "--name", name}, flags...))
}

// NewUser makes a user, with a password made by the server.
func (s *Server) NewUser(email string, flags ...string) admin.User {
	s.t.Helper()
	return decoded[admin.User](s, append([]string{"user", "create", "--email", email}, flags...))
}

// NewResource names an API.
func (s *Server) NewResource(audience string, flags ...string) admin.Resource {
	s.t.Helper()
	return decoded[admin.Resource](s, append([]string{"resource", "create", audience}, flags...))
}

// Keys lists the signing keys.
func (s *Server) Keys() []admin.Key {
	s.t.Helper()
	var keys []admin.Key
	decoder := json.NewDecoder(bytes.NewReader(s.CLI("key", "list")))
	for {
		var key admin.Key
		switch err := decoder.Decode(&key); {
		case errors.Is(err, io.EOF):
			return keys
		case err != nil:
			s.t.Fatalf("reading the list of keys: %v", err)
		}
		keys = append(keys, key)
	}
}

func decoded[T any](s *Server, args []string) T {
	s.t.Helper()
	var answer T
	if err := json.Unmarshal(s.CLI(args...), &answer); err != nil {
		s.t.Fatalf("reading the answer of mintmark %s: %v", strings.Join(args, " "), err)
	}
	return answer
}
