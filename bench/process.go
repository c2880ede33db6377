package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// readyWithin bounds how long a process may take to answer, and to end when it is asked to.
const readyWithin = 20 * time.Second

// build compiles a package the way it is released, stripped, and returns the path of the binary.
func build(ctx context.Context, directory, pkg string) (string, error) {
	binary := filepath.Join(directory, filepath.Base(pkg))
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, pkg)
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// process is a program that is measured.
type process struct {
	address string // host:port
	log     string // path of what it prints
	started time.Time
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended, after err is set
	err     error
	cluster *cluster // that it keeps its rows in; nil: in a file of its own
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// launch starts a program that will listen on address, and returns at once. What it prints is appended to log. It ends
// with ctx, asked first.
func launch(ctx context.Context, address, log, binary string, args ...string) (*process, error) {
	return run(address, log, exec.CommandContext(ctx, binary, args...))
}

// run starts a command. What it prints goes into a file: that is where a service's log goes, and reading a pipe would
// cost the generator time.
func run(address, log string, command *exec.Cmd) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	defer file.Close() // the child has its own
	p := &process{address: address, log: log, command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = file, file
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = readyWithin
	p.started = time.Now()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(command.Path), err)
	}
	go func() {
		p.err = command.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.command.Process.Pid }

// cpuTime is what the process has used, with the PostgreSQL that it has for itself.
func (p *process) cpuTime() (time.Duration, error) {
	own, err := cpuTime(p.pid())
	if err != nil || p.cluster == nil {
		return own, err
	}
	database, err := familyTime(p.cluster.pid())
	return own + database, err
}

// stop asks the process to end and waits for it; after a while it is killed, which is an error. One that never ran or
// has ended already is left as it is.
func (p *process) stop() error {
	if p.command == nil {
		return nil
	}
	select {
	case <-p.ended:
		return p.err
	default:
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping a process: %w", err)
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(readyWithin):
		_ = p.command.Process.Kill() // it may have ended this moment
		<-p.ended
		return fmt.Errorf("the process had to be killed; its log ends with: %s", p.lastWords())
	}
}

// await tries every millisecond until it succeeds, the process ends, or readyWithin is over.
func (p *process) await(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return errors.Join(fmt.Errorf("the process ended; its log ends with: %s", p.lastWords()), p.err)
		case <-ctx.Done():
			return fmt.Errorf("the process does not answer: %w; its log ends with: %s", err, p.lastWords())
		case <-time.After(time.Millisecond):
		}
	}
}

// accepts tries to connect.
func (p *process) accepts(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// lastWords is the end of the log, for whoever must find out what went wrong.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
