// Package server starts the real binary, for tests of the whole.
package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

// binary names the environment variable with the program to test.
const binary = "MINTMARK_BINARY"

const (
	startsWithin = 20 * time.Second // on a machine that is busy with other tests
	stopsWithin  = 20 * time.Second
)

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
	Issuer string
	Setup  string // the link that makes the first user

	t    testing.TB
	data string
	cmd  *exec.Cmd
	log  lines
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; set before done is closed
}

// Start starts a server without users on a free port of loopback. When the test
// ends the server is told to stop, and must do so with status 0 and without ever
// having logged an error.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	s := &Server{t: t, data: t.TempDir(), done: make(chan struct{})}
	outlives := context.WithoutCancel(t.Context()) // that ends before stop has run
	s.cmd = s.command(outlives, append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("opening the server's output: %v", err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	announced := make(chan map[string]string, 1)
	go s.watch(out, announced)
	t.Cleanup(s.stop)
	s.await(announced)
	s.awaitReady()
	return s
}

// command is a run of the binary on the server's data, in an environment without
// settings.
func (s *Server) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Getenv(binary), append([]string{"--data", s.data}, args...)...)
	cmd.Dir = s.data
	cmd.Env = []string{"HOME=" + s.data, "TMPDIR=" + os.TempDir()}
	return cmd
}

// watch reads what the server says of itself, a name and a value on a line, and
// then waits for its end.
func (s *Server) watch(out io.Reader, announced chan<- map[string]string) {
	said := map[string]string{}
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		s.log.add(scanner.Text())
		name, value, _ := strings.Cut(scanner.Text(), " ")
		said[name] = strings.TrimSpace(value)
		if name == "setup" { // the last of them
			announced <- said
		}
	}
	s.err = s.cmd.Wait()
	close(s.done)
}

func (s *Server) await(announced <-chan map[string]string) {
	s.t.Helper()
	select {
	case said := <-announced:
		s.Issuer, s.Setup = said["issuer"], said["setup"]
	case <-s.done:
		s.t.Fatalf("the server ended at once: %v\n%s", s.err, s.log.text())
	case <-time.After(startsWithin):
		s.t.Fatalf("the server said nothing for %s\n%s", startsWithin, s.log.text())
	}
}

// awaitReady asks the server itself.
func (s *Server) awaitReady() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), startsWithin)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := ready(ctx, s.Issuer)
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			s.t.Fatalf("the server is not ready after %s: %v\n%s", startsWithin, err, s.log.text())
		}
	}
}

func ready(ctx context.Context, issuer string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// stop ends the server as a supervisor does.
func (s *Server) stop() {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("telling the server to stop: %v", err)
	}
	select {
	case <-s.done:
		if s.err != nil {
			s.t.Errorf("the server told to stop ended with %v, not status 0", s.err)
		}
	case <-time.After(stopsWithin):
		s.t.Errorf("the server did not stop within %s", stopsWithin)
		_ = s.cmd.Process.Kill() // its end is awaited either way
		<-s.done
	}
	if strings.Contains(s.log.text(), `"level":"ERROR"`) {
		s.t.Error("the server logged an error")
	}
	if s.t.Failed() {
		s.t.Logf("the server's log:\n%s", s.log.text())
	}
}

// CLI runs a command against the server, which must succeed, and gives what it
// printed as JSON.
func (s *Server) CLI(args ...string) []byte {
	s.t.Helper()
	var out, problems bytes.Buffer
	cmd := s.command(s.t.Context(), append(args, "--json")...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("mintmark %s: %v\n%s", strings.Join(args, " "), err, problems.String())
	}
	return out.Bytes()
}

// Admin is a client of the server's administration API.
func (s *Server) Admin() *admin.Client {
	client := admin.Dial(filepath.Join(s.data, "admin.sock"))
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

// lines gathers what the server printed, from several writers.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write is for what the process writes.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) add(line string) { _, _ = l.Write([]byte(line + "\n")) } // a buffer takes everything

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
