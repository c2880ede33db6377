package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// longestSocket is how many bytes the path of a socket may have on every system.
const longestSocket = 103

// listenSocket opens the administration socket. File permission is the login, and
// a socket that answers means that another server has this data directory.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > longestSocket {
		return nil, fmt.Errorf("the path of the administration socket is longer than %d bytes: %s: choose a shorter data directory, or give it relative to where you are", longestSocket, path)
	}
	listener, err := openSocket(ctx, path, 0o600)
	if errors.Is(err, errAnswered) {
		return nil, fmt.Errorf("another server runs on this data directory: it answers at %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the administration socket: %w", err)
	}
	return listener, nil
}

var errAnswered = errors.New("somebody answers there already")

// openSocket listens on a Unix socket at which nobody answers; one that a crash
// left behind is removed.
func openSocket(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, errAnswered), conn.Close())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("%s is there and is no socket", path)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("removing the socket of one that is gone: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", path, err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("setting the mode of the socket: %w", err), listener.Close())
	}
	return listener, nil
}
