package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long anything may take on a machine that is busy.
const patience = 30 * time.Second

type runningKey struct{}

// running are the servers of one script.
type running struct{ servers []*process }

// process is a server in the background, and what it said.
type process struct {
	command *exec.Cmd
	name    string
	said    strings.Builder
	ended   chan struct{} // closed when the process has ended
	err     error         // how; set before
}

func (r *running) killAll() {
	for _, p := range r.servers {
		_ = p.command.Process.Kill() // it may have ended
		<-p.ended
	}
}

// serveInBackground is "serve NAME FLAG...": it starts a server on a free port
// and waits until it has said where it is. It sets ADDRESS, ISSUER, SETUP and ADMIN, and
// keeps what the server says in NAME.out and NAME.err.
func serveInBackground(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: serve NAME FLAG...")
	}
	flags := append([]string{"serve"}, args[1:]...)
	if !strings.Contains(strings.Join(flags, " "), "--listen") {
		flags = append(flags, "--listen", "127.0.0.1:0")
	}
	programs, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	p := &process{command: exec.Command(programs+"/mintmark", flags...), name: args[0], ended: make(chan struct{})}
	p.command.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "MINTMARK_KEK"} {
		if value := ts.Getenv(name); value != "" {
			p.command.Env = append(p.command.Env, name+"="+value)
		}
	}
	log, err := os.Create(ts.MkAbs(p.name + ".err"))
	ts.Check(err)
	defer log.Close()
	p.command.Stderr = log
	out, err := p.command.StdoutPipe()
	ts.Check(err)
	ts.Check(p.command.Start())
	r, _ := ts.Value(runningKey{}).(*running)
	r.servers = append(r.servers, p)
	p.listen(ts, out)
}

// listen reads what the server announces. The last line comes when all is said.
func (p *process) listen(ts *testscript.TestScript, out io.Reader) {
	announced := make(chan map[string]string, 1)
	go func() {
		values := map[string]string{}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.said.WriteString(lines.Text() + "\n")
			name, value, _ := strings.Cut(lines.Text(), " ")
			values[name] = strings.TrimSpace(value)
			if name == "Ready." {
				announced <- values
			}
		}
		p.err = p.command.Wait()
		close(p.ended)
	}()
	select {
	case values := <-announced:
		ts.Setenv("ADDRESS", values["listening"])
		ts.Setenv("ISSUER", values["issuer"])
		ts.Setenv("SETUP", values["setup"])
		ts.Setenv("ADMIN", values["admin"])
	case <-p.ended:
		log, _ := os.ReadFile(ts.MkAbs(p.name + ".err"))
		ts.Fatalf("the server ended: %v\n%s%s", p.err, p.said.String(), log)
	case <-time.After(patience):
		ts.Fatalf("the server said nothing for %s", patience)
	}
}

// end is "end NAME [KILL]": it ends a server, expects status 0 unless it was
// killed, and leaves NAME.out.
func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: end NAME [KILL]")
	}
	r, _ := ts.Value(runningKey{}).(*running)
	for n, p := range r.servers {
		if p.name != args[0] {
			continue
		}
		sent := os.Signal(syscall.SIGTERM)
		if len(args) > 1 {
			sent = os.Kill
		}
		_ = p.command.Process.Signal(sent) // it may have been told already
		select {
		case <-p.ended:
			if _, killed := errors.AsType[*exec.ExitError](p.err); p.err != nil && (len(args) == 1 || !killed) {
				ts.Fatalf("the server ended: %v", p.err)
			}
		case <-time.After(patience):
			ts.Fatalf("the server did not end for %s", patience)
		}
		ts.Check(os.WriteFile(ts.MkAbs(p.name+".out"), []byte(p.said.String()), 0o600))
		r.servers = append(r.servers[:n], r.servers[n+1:]...)
		return
	}
	ts.Fatalf("no server %s runs", args[0])
}

// capture is "capture VARIABLE FIELD": it takes a field of the JSON object that the
// last command printed. "capture VARIABLE /PATTERN/" takes what a pattern's group
// matches.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VARIABLE FIELD, or VARIABLE /PATTERN/")
	}
	captureFrom(ts, ts.ReadFile("stdout"), args)
}

// captureErr is capture from standard error.
func captureErr(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: captureErr VARIABLE /PATTERN/")
	}
	captureFrom(ts, ts.ReadFile("stderr"), args)
}

func captureFrom(ts *testscript.TestScript, text string, args []string) {
	if pattern, ok := strings.CutPrefix(args[1], "/"); ok {
		found := regexp.MustCompile(strings.TrimSuffix(pattern, "/")).FindStringSubmatch(text)
		if len(found) != 2 {
			ts.Fatalf("%s is not in\n%s", args[1], text)
		}
		ts.Setenv(args[0], found[1])
		return
	}
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(text), &object))
	value, ok := object[args[1]]
	if !ok {
		ts.Fatalf("%s is not in %s", args[1], text)
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// status is "status N PROGRAM ARGUMENT...": exec that expects an exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGUMENT...")
	}
	err := ts.Exec(args[1], args[2:]...)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || fmt.Sprint(exit.ExitCode()) != args[0] {
		ts.Fatalf("%s gave %v, not %s\n%s%s", args[1], err, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// mode is "mode 0600 FILE...": it expects the files to have it.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	for _, path := range args[1:] {
		info, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); (got == args[0]) == neg {
			ts.Fatalf("%s has the mode %s", path, got)
		}
	}
}

// await is "await FILE PATTERN": it waits until a file has a text, which a process
// in the background writes in its own time.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE PATTERN")
	}
	pattern := regexp.MustCompile(args[1])
	deadline := time.After(patience)
	for {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && pattern.Match(text) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%s does not match %s:\n%s", args[0], args[1], text)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// awaitVerifiers is "await-verifiers N": it waits until so many verifiers have
// reported that they are live and have applied the whole log.
func awaitVerifiers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await-verifiers N")
	}
	deadline := time.After(patience)
	for {
		ts.Check(ts.Exec("mintmark", "verifiers", "--json"))
		said := ts.ReadFile("stdout")
		if fmt.Sprint(len(regexp.MustCompile(`"state":"live","connected":true,"seq":[0-9]+,"lag":0,`).FindAllString(said, -1))) == args[0] {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("there are not %s verifiers:\n%s", args[0], said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// awaitSession is "await-session SID TEXT": it waits until the receipt of a session
// has a text.
func awaitSession(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await-session SID TEXT")
	}
	deadline := time.After(patience)
	for {
		ts.Check(ts.Exec("mintmark", "session", "show", args[0], "--json"))
		said := ts.ReadFile("stdout")
		if strings.Contains(said, args[1]) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%s is not in %s", args[1], said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
