package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// cluster is a PostgreSQL server that one side of a comparison has for itself: Debian's, with the settings that it comes
// with, on a socket in its own directory. What is acknowledged is on the disk.
type cluster struct {
	*process
	directory string
}

// startCluster makes an empty cluster below directory and starts its server.
func startCluster(ctx context.Context, directory, name string) (*cluster, error) {
	c := &cluster{process: &process{}, directory: filepath.Join(directory, name)}
	who, err := unprivileged()
	if err == nil {
		err = c.makeDirectory(who)
	}
	if err != nil {
		return nil, fmt.Errorf("making a directory for PostgreSQL: %w", err)
	}
	command, err := c.command(ctx, who, "initdb", "-D", c.data(), "-U", "mintmark", "--auth=trust", "--encoding=UTF8", "--no-sync")
	if err != nil {
		return nil, err
	}
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a PostgreSQL database: %w\n%s", err, out)
	}
	if command, err = c.command(ctx, who, "postgres", "-D", c.data(), "-c", "listen_addresses=",
		"-c", "unix_socket_directories="+c.directory, "-c", "max_connections=200"); err != nil {
		return nil, err
	}
	if c.process, err = run("", filepath.Join(directory, name+".log"), command); err != nil {
		return nil, err
	}
	if err := c.await(ctx, c.answers); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cluster) data() string { return filepath.Join(c.directory, "data") }

// url is where the database is.
func (c *cluster) url() string {
	return "postgres://mintmark@/postgres?host=" + url.QueryEscape(c.directory)
}

// answers asks the server's own program whether it takes connections.
func (c *cluster) answers(ctx context.Context) error {
	command, err := c.command(ctx, nil, "pg_isready", "-q", "-h", c.directory, "-d", "postgres", "-U", "mintmark")
	if err != nil {
		return err
	}
	return command.Run()
}

// psql runs statements that must succeed.
func (c *cluster) psql(ctx context.Context, statements string) error {
	command, err := c.command(ctx, nil, "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", c.url(), "-c", statements)
	if err != nil {
		return err
	}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w\n%s", err, out)
	}
	return nil
}

// makeDirectory makes the cluster's directory, and lets its owner reach it.
func (c *cluster) makeDirectory(who *syscall.Credential) error {
	if err := os.Mkdir(c.directory, 0o700); err != nil || who == nil {
		return err
	}
	return errors.Join(os.Chmod(filepath.Dir(c.directory), 0o711), os.Chown(c.directory, int(who.Uid), int(who.Gid))) //nolint:gosec // to pass through, not to read
}

// command is a program of PostgreSQL, where Debian has it or in the path.
func (c *cluster) command(ctx context.Context, who *syscall.Credential, name string, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath(name)
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 { // the pattern is well formed
		path, err = found[len(found)-1], nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: this needs PostgreSQL 15 or later, as Debian's package postgresql has it", err)
	}
	command := exec.CommandContext(ctx, path, args...)
	command.Dir = c.directory
	command.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return command, nil
}

// unprivileged is whom PostgreSQL runs as, for it refuses to run as root; nil: as whoever runs the benchmark.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nobody else
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, errUID := strconv.ParseUint(who.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(who.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(errUID, errGID)
}
