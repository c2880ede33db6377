//go:build external

package failover

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
)

const (
	// patience is for a busy machine that makes two databases.
	patience = 90 * time.Second
	network  = "10.213.7."
	switchIF = "mintmark-sw"
)

// machine has an address of its own on the switch, and a database under Patroni.
type machine struct {
	name, address string
	dir           string
}

// machines are two databases, of which one follows the other, and the etcd that says
// which: it is at the switch.
type machines struct {
	*testing.T
	dir string
	all [2]*machine
}

func newMachines(t *testing.T) *machines {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces need root")
	}
	dir, err := os.MkdirTemp("", "mintmark-failover") //nolint:usetesting // others than root must come in
	if err != nil {
		t.Fatal(err)
	}
	m := &machines{T: t, dir: dir}
	m.must(os.Chmod(dir, 0o755)) //nolint:gosec // as above
	t.Cleanup(func() { m.must(os.RemoveAll(dir)) })
	m.unplug() // what a killed run left
	m.ip("link", "add", switchIF, "type", "bridge")
	t.Cleanup(m.unplug)
	m.ip("addr", "add", network+"1/24", "dev", switchIF)
	m.ip("link", "set", switchIF, "up")
	etcd := "http://" + network + "1:2379"
	m.run("etcd", "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", "http://"+network+"1:2380", "--log-level", "error")
	for i := range m.all {
		m.all[i] = m.plugIn(i)
	}
	m.await("a primary and its standby", func() bool { return m.primary() != nil && m.synchronous() })
	return m
}

// plugIn makes a machine and starts its database.
func (m *machines) plugIn(i int) *machine {
	m.Helper()
	a := &machine{name: fmt.Sprint("mintmark-", i), address: fmt.Sprint(network, i+2), dir: filepath.Join(m.dir, fmt.Sprint(i))}
	m.ip("netns", "add", a.name)
	m.ip("link", "add", a.cable(), "type", "veth", "peer", "name", "eth0", "netns", a.name)
	m.ip("link", "set", a.cable(), "master", switchIF, "up")
	m.ip("-n", a.name, "addr", "add", a.address+"/24", "dev", "eth0")
	m.ip("-n", a.name, "link", "set", "eth0", "up")
	m.ip("-n", a.name, "link", "set", "lo", "up")
	who := m.postgres()
	m.must(errors.Join(os.Mkdir(a.dir, 0o700), os.Chown(a.dir, int(who.Uid), int(who.Gid))))
	file := filepath.Join(m.dir, a.name+".yml")
	m.must(os.WriteFile(file, []byte(a.settings()), 0o644)) //nolint:gosec // nothing secret
	m.run(a.name, "ip", "netns", "exec", a.name, "setpriv",
		fmt.Sprint("--reuid=", who.Uid), fmt.Sprint("--regid=", who.Gid), "--clear-groups", "patroni", file)
	return a
}

func (a *machine) cable() string { return a.name + "c" }

// settings are Patroni's: whoever is cut off is no primary any more after five
// seconds, and what was acknowledged is on both disks (docs/operations.md).
func (a *machine) settings() string {
	bin, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // ./check installs one
	lines := []string{
		"scope: mintmark", "name: " + a.name,
		"restapi: {listen: '" + a.address + ":8008', connect_address: '" + a.address + ":8008'}",
		"etcd3: {hosts: '" + network + "1:2379'}",
		"bootstrap:",
		"  dcs: {ttl: 5, loop_wait: 1, retry_timeout: 2, synchronous_mode: true, postgresql: {use_pg_rewind: true}}",
		"  initdb: [{encoding: UTF8}, data-checksums]",
		"  pg_hba: ['host all all " + network + "0/24 trust', 'host replication all " + network + "0/24 trust', 'local all all trust']",
		"postgresql:",
		"  listen: " + a.address + ":5432", "  connect_address: " + a.address + ":5432",
		"  data_dir: " + a.dir + "/data", "  bin_dir: " + bin[len(bin)-1], "  pgpass: " + a.dir + "/pgpass",
		"  authentication: {superuser: {username: mintmark, password: x}, replication: {username: replicator, password: x}}",
		"  parameters: {unix_socket_directories: " + a.dir + "}",
	}
	return strings.Join(lines, "\n") + "\n"
}

// url is the database, wherever its primary is.
func (m *machines) url() string {
	return "postgres://mintmark@" + m.all[0].address + "," + m.all[1].address + "/postgres"
}

// kek is the key-encryption key of all servers.
func (m *machines) kek() string {
	file := filepath.Join(m.dir, "kek")
	if _, err := os.Stat(file); err != nil {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // it never fails
		m.must(os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(key)), 0o600))
	}
	return file
}

// primary is the machine that says it is; nil: there is none.
func (m *machines) primary() *machine {
	for _, a := range m.all {
		if a.is("primary") {
			return a
		}
	}
	return nil
}

// synchronous reports whether commits wait for the standby.
func (m *machines) synchronous() bool {
	for _, a := range m.all {
		if a.is("synchronous") {
			return true
		}
	}
	return false
}

// is asks a machine's Patroni.
func (a *machine) is(role string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.address+":8008/"+role, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var said struct{ State string }
	return json.NewDecoder(answer.Body).Decode(&said) == nil && answer.StatusCode == http.StatusOK && said.State == "running"
}

// cut pulls a machine's cable.
func (m *machines) cut(a *machine) { m.ip("link", "set", a.cable(), "down") }

// mend puts it back.
func (m *machines) mend(a *machine) { m.ip("link", "set", a.cable(), "up") }

// unplug removes everything that is there, and ends what runs in it.
func (m *machines) unplug() {
	for i := range m.all {
		name := fmt.Sprint("mintmark-", i)
		pids, _ := exec.CommandContext(context.Background(), "ip", "netns", "pids", name).Output() // none, if it is not there
		for pid := range strings.FieldsSeq(string(pids)) {
			if n, err := strconv.Atoi(pid); err == nil {
				_ = syscall.Kill(n, syscall.SIGKILL)
			}
		}
		_ = exec.CommandContext(context.Background(), "ip", "netns", "del", name).Run()
	}
	_ = exec.CommandContext(context.Background(), "ip", "link", "del", switchIF).Run()
}

func (m *machines) ip(args ...string) {
	m.Helper()
	if out, err := exec.CommandContext(context.Background(), "ip", args...).CombinedOutput(); err != nil {
		m.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// run starts a program that ends with the test, and shows what it said if that failed.
func (m *machines) run(name, program string, args ...string) {
	m.Helper()
	command := exec.CommandContext(context.Background(), program, args...)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.WaitDelay = time.Second // what it started may live on for a moment, and has its output
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		runtime.LockOSThread() // whose end the signal is about
		started <- command.Start()
		_ = command.Wait() // it is killed
		close(ended)
	}()
	m.must(<-started)
	m.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
		if m.Failed() {
			text := said.String()
			m.Logf("%s said:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

func (m *machines) postgres() *syscall.Credential {
	m.Helper()
	who, err := user.Lookup("postgres")
	m.must(err)
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	m.must(err)
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	m.must(err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (m *machines) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *machines) await(what string, holds func() bool) {
	m.Helper()
	m.must(app.Await(m.Context(), what, patience, holds))
}
