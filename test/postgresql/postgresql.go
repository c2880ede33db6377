// Package postgresql runs a real PostgreSQL for tests: Debian's, on a socket in a
// temporary directory, as a user without privileges. It is started by the first
// test that asks and stopped by Main.
package postgresql

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running server.
type Server struct {
	dir     string
	options []string
	process *exec.Cmd
	ended   chan struct{}
}

// shared is the server of a test binary, which many tests use at once.
var shared = struct {
	server  atomic.Pointer[Server]
	schemas atomic.Int64
	start   chan struct{}
}{start: make(chan struct{}, 1)}

// Main runs the tests of a package and stops the server that they shared. Its
// TestMain exits with what this returns.
func Main(run func() int) int {
	code := run()
	if s := shared.server.Load(); s != nil {
		s.Stop()
		if err := os.RemoveAll(s.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return code
}

// Schema gives the address of a schema of its own, empty, on the shared server.
// What is written there does not outlive a power cut.
func Schema(t testing.TB) string {
	t.Helper()
	shared.start <- struct{}{}
	s := shared.server.Load()
	if s == nil {
		s = Start(t, temporary(t), "fsync=off", "full_page_writes=off")
		shared.server.Store(s)
	}
	<-shared.start
	return s.Schema(t)
}

// Schema gives the address of a schema of its own, empty.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	name := fmt.Sprint("s", shared.schemas.Add(1))
	s.Exec(t, `CREATE SCHEMA `+name)
	return s.URL("search_path=" + name)
}

// URL is the address of the server, with parameters.
func (s *Server) URL(parameters string) string {
	return "postgres://mintmark@/postgres?host=" + url.QueryEscape(s.dir) + "&" + parameters
}

// Dir is where the server has its socket.
func (s *Server) Dir() string { return s.dir }

// Exec runs statements that must succeed.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	ctx := context.Background() // also while a test is cleaned up
	conn, err := pgx.Connect(ctx, s.URL(""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // it has done its work
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// TakeAll takes every connection that the server has, also those of other programs,
// until what it gives is called.
func (s *Server) TakeAll(t testing.TB) (giveBack func()) {
	t.Helper()
	ctx := context.Background() // also while a test is cleaned up
	var all []*pgx.Conn
	giveBack = func() {
		for _, conn := range all {
			_ = conn.Close(ctx) // it was never used
		}
		all = nil
	}
	t.Cleanup(giveBack)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		conn, err := pgx.Connect(ctx, s.URL(""))
		if err == nil {
			all = append(all, conn)
			continue
		}
		var others int64
		err = all[0].QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND application_name = 'mintmark'`).Scan(&others)
		if err != nil {
			t.Fatal(err)
		}
		if others == 0 {
			return giveBack
		}
	}
	t.Fatal("others get connections again and again")
	return giveBack
}

// temporary is a directory that outlives the test that asks for it.
func temporary(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mintmark-pg") //nolint:usetesting // it outlives the test
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// New starts a server of its own for a test, which keeps what it acknowledged.
func New(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := Start(t, temporary(t), settings...)
	t.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(s.dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Standby starts another server that follows this one, and has this one wait for it
// with each commit.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	next := &Server{dir: temporary(t)}
	t.Cleanup(func() {
		next.Stop()
		if err := os.RemoveAll(next.dir); err != nil {
			t.Error(err)
		}
	})
	for _, option := range s.options {
		next.options = append(next.options, strings.ReplaceAll(option, s.dir, next.dir))
	}
	if who := unprivileged(t); who != nil {
		if err := os.Chown(next.dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	copying := next.command(t, "pg_basebackup", "-D", next.data(), "-h", s.dir, "-U", "mintmark", "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	if out, err := copying.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	next.Start(t)
	s.Exec(t, `ALTER SYSTEM SET synchronous_standby_names = '*'`, `SELECT pg_reload_conf()`)
	s.awaitSync(t)
	return next
}

// awaitSync returns once commits wait for a standby. Each look is a statement of its
// own: between two of them a session learns of settings that have changed.
func (s *Server) awaitSync(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, s.URL(""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it was a question
	deadline := time.Now().Add(30 * time.Second)
	for waits := false; !waits; <-time.After(10 * time.Millisecond) {
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync')`).Scan(&waits)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the standby is not synchronous: %v", err)
		}
	}
}

// Promote makes a standby the primary.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.Exec(t, `DO $$ BEGIN IF NOT pg_promote() THEN RAISE 'it is not promoted'; END IF; END $$`)
}

// Ended says whether the server has ended by itself.
func (s *Server) Ended() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Start makes a database cluster in a directory and starts its server.
func Start(t testing.TB, dir string, settings ...string) *Server {
	t.Helper()
	s := &Server{dir: dir}
	for _, setting := range append(settings, "listen_addresses=", "unix_socket_directories="+dir, "max_connections=200") {
		s.options = append(s.options, "-c", setting)
	}
	if who := unprivileged(t); who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := s.command(t, "initdb", "-D", s.data(), "-U", "mintmark", "--auth=trust", "--encoding=UTF8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Start(t)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Start starts a server that was stopped or killed.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.process = s.command(t, "postgres", append([]string{"-D", s.data()}, s.options...)...)
	s.process.Stdout, s.process.Stderr = log, log
	s.process.SysProcAttr.Pdeathsig = syscall.SIGQUIT // when the test binary is killed
	s.ended = make(chan struct{})
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // whose end the signal is about
		started <- s.process.Start()
		_ = s.process.Wait() // it may have been killed
		_ = log.Close()      // it is read by people
		close(s.ended)
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if !await(t, s.URL(""), s.ended) {
		said, _ := os.ReadFile(filepath.Join(s.dir, "log")) // as much as there is
		t.Fatalf("the server ended: %s", said)
	}
}

// await returns once a server takes connections; false: it has ended.
func await(t testing.TB, at string, ended <-chan struct{}) bool {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := pgx.Connect(context.Background(), at)
		if err == nil {
			_ = conn.Close(context.Background()) // it was a question
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
}

// Stop stops the server as an administrator does who does not wait for clients.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Crash stops the server as a power cut does.
func (s *Server) Crash() { s.end(syscall.SIGQUIT) }

func (s *Server) end(how syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(how) // it may have ended
	<-s.ended
	s.process = nil
}

// Pooler puts PgBouncer in front of the server, in transaction mode and with few
// connections, and gives the address of a database of its own behind it.
func (s *Server) Pooler(t testing.TB) string {
	t.Helper()
	name := fmt.Sprint("p", shared.schemas.Add(1))
	s.Exec(t, `CREATE DATABASE `+name)
	dir := filepath.Join(s.dir, name)
	settings := "[databases]\n* = host=" + s.dir + " user=mintmark\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = " + dir +
		"\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200\nlogfile = " + dir + "/log\n"
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(dir+"/ini", []byte(settings), 0o600)); err != nil {
		t.Fatal(err)
	}
	if who := unprivileged(t); who != nil {
		if err := errors.Join(os.Chown(dir, int(who.Uid), int(who.Gid)), os.Chown(dir+"/ini", int(who.Uid), int(who.Gid))); err != nil {
			t.Fatal(err)
		}
	}
	pooler := s.command(t, "pgbouncer", "-q", dir+"/ini")
	if err := pooler.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = pooler.Process.Kill() // it keeps nothing
		_ = pooler.Wait()
	})
	at := "postgres://mintmark@/" + name + "?host=" + url.QueryEscape(dir) + "&port=6432"
	await(t, at, nil)
	return at
}

// command is a program of PostgreSQL, run as somebody without privileges.
func (s *Server) command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t, name), args...) //nolint:noctx // it ends with Stop
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: unprivileged(t)}
	return cmd
}

// program finds a program where Debian has it, or in the path.
func program(t testing.TB, name string) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // PgBouncer is in the path
	if err == nil && len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: these tests need PostgreSQL 15 or later (./check installs Debian's)", err)
	}
	return path
}

// unprivileged is whom the server runs as, for it refuses to run as root; nil: as
// whoever runs the tests.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, errUID := strconv.ParseUint(who.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(who.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
