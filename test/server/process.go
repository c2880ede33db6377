package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mintmark-id/mintmark/admin"
)

const (
	startsWithin = 20 * time.Second // on a machine that is busy with other tests
	stopsWithin  = 20 * time.Second
	startsTried  = 3 // another test may take the port that was free a moment ago
)

const (
	// ownPort stands in a flag for the port that the server gets.
	ownPort = "{port}"
	tlsFlag = "--tls-cert"
)

// Process is one run of `mintmark serve` on a data directory, for whoever wants to
// end it in ways that no server likes. Another run may follow on the same data.
type Process struct {
	Issuer string
	Setup  string // the link that makes the first user; empty if there are users
	Remote string // URL of the listener for administrators; empty: there is none
	Data   string // the directory

	binary string
	listen string // host:port
	scheme string // that it speaks there
	cmd    *exec.Cmd
	log    lines
	done   chan struct{} // closed when the process has ended
	err    error         // how it ended; set before done is closed
}

// Launch runs the program on a data directory, at a free port of loopback, until
// it is told to stop, and returns when it is ready. It does not end with ctx.
func Launch(ctx context.Context, binary, data string, flags ...string) (*Process, error) {
	for tried := 1; ; tried++ {
		listen, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		p := &Process{binary: binary, Data: data, listen: listen}
		err = p.start(ctx, flags)
		if err == nil || tried == startsTried || !strings.Contains(err.Error(), "address already in use") {
			return p, err
		}
	}
}

// Again runs the program once more on the data and at the address of a run that
// has ended.
func (p *Process) Again(ctx context.Context, flags ...string) (*Process, error) {
	next := &Process{binary: p.binary, Data: p.Data, listen: p.listen}
	return next, next.start(ctx, flags)
}

func (p *Process) start(ctx context.Context, flags []string) error {
	p.done = make(chan struct{})
	p.scheme = "http"
	args := []string{"serve", "--listen", p.listen}
	for _, flag := range flags {
		if flag == tlsFlag {
			p.scheme = "https"
		}
		args = append(args, strings.ReplaceAll(flag, ownPort, p.listen[strings.LastIndexByte(p.listen, ':')+1:]))
	}
	p.cmd = p.Command(context.WithoutCancel(ctx), args...)
	p.cmd.Stderr = &p.log
	p.cmd.Env = append(p.cmd.Env, "MINTMARK_DRAIN=0s") // no balancer is told, unless a flag says otherwise
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("opening the server's output: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	announced := make(chan map[string]string, 1)
	go p.watch(out, announced)
	ctx, cancel := context.WithTimeout(ctx, startsWithin)
	defer cancel()
	if err := p.await(ctx, announced); err != nil {
		return errors.Join(err, p.Kill())
	}
	return nil
}

// Listen is the address that the server listens on.
func (p *Process) Listen() string { return p.listen }

// Command is a run of the program on the same data, in an environment without
// settings.
func (p *Process) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, append([]string{"--data", p.Data}, args...)...)
	cmd.Dir = p.Data
	cmd.Env = []string{"HOME=" + p.Data, "TMPDIR=" + os.TempDir()}
	return cmd
}

// Admin is a client of the administration API. Close it.
func (p *Process) Admin() *admin.Client { return admin.Dial(filepath.Join(p.Data, "admin.sock")) }

// watch reads what the server says of itself, a name and a value on a line, and
// then waits for its end.
func (p *Process) watch(out io.Reader, announced chan<- map[string]string) {
	said := map[string]string{}
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		p.log.add(scanner.Text())
		name, value, _ := strings.Cut(scanner.Text(), " ")
		said[name] = strings.TrimSpace(value)
		if name == "Ready." { // the last of them
			announced <- said
		}
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

// await waits for the announcement, and then asks the server itself.
func (p *Process) await(ctx context.Context, announced <-chan map[string]string) error {
	select {
	case said := <-announced:
		p.Issuer, p.Setup, p.Remote = said["issuer"], said["setup"], said["admin"]
	case <-p.done:
		return fmt.Errorf("the server ended at once: %w\n%s", p.err, p.log.text())
	case <-ctx.Done():
		return fmt.Errorf("the server said nothing for %s\n%s", startsWithin, p.log.text())
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := ready(ctx, p.scheme+"://"+p.listen) // which may be one of several behind the issuer
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready after %s: %w\n%s", startsWithin, err, p.log.text())
		}
	}
}

// anybody asks whether a server is ready, and not who it is: that is for the tests.
var anybody = &http.Client{Transport: &http.Transport{
	TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // nothing is told to it, and nothing that it says believed
}}

func ready(ctx context.Context, issuer string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := anybody.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// Log is what the server printed so far.
func (p *Process) Log() string { return p.log.text() }

// Kill ends the server as a power cut does (SIGKILL), and waits until it is gone.
func (p *Process) Kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.done
	return err
}

// Pause lets the server do nothing at all (SIGSTOP): its sockets stay open, and
// nobody answers. It returns when every thread of it stands still: on a busy machine
// one may still take a request that it will not answer before long.
func (p *Process) Pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	deadline := time.NewTimer(stopsWithin)
	defer deadline.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !p.still() {
		select {
		case <-again.C:
		case <-deadline.C:
			return fmt.Errorf("the server goes on %s after it was paused", stopsWithin)
		}
	}
	return nil
}

// still reports whether each thread is in the state T, stopped by a signal
// (proc_pid_stat(5): the state follows the name in parentheses).
func (p *Process) still() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return false
		}
		if end := bytes.LastIndexByte(text, ')'); end < 0 || !bytes.HasPrefix(text[end:], []byte(") T")) {
			return false
		}
	}
	return true
}

// Resume lets a paused server go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// Stop ends the server as a supervisor does. One that does not end with status 0 in
// due time is an error.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("the server told to stop ended with %w, not status 0", p.err)
		}
		return nil
	case <-time.After(stopsWithin):
		return errors.Join(fmt.Errorf("the server did not stop within %s", stopsWithin), p.Kill())
	}
}

// Ended says whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *Process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending the server %s: %w", s, err)
	}
	return nil
}

// freeAddress is an address of loopback that nobody listens on. Its port is none
// that a system gives to whoever asks for any (RFC 6335 §6 and Linux's own range),
// or it could be gone while a server is being started again.
func freeAddress(ctx context.Context) (string, error) {
	const first, count = 10_000, 20_000
	var options net.ListenConfig
	var last error
	for n := range 1000 {
		port := first + (os.Getpid()*97+int(time.Now().UnixMicro()%97)+n)%count
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		listener, err := options.Listen(ctx, "tcp", address)
		if err == nil {
			return address, listener.Close()
		}
		last = err
	}
	return "", fmt.Errorf("finding a free port: %w", last)
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
