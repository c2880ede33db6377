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
// a socket that answers means that another server has this data directory; one
// that a crash left behind is removed.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > longestSocket {
		return nil, fmt.Errorf("the path of the administration socket is longer than %d bytes: %s: choose a shorter data directory, or give it relative to where you are", longestSocket, path)
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return nil, errors.Join(fmt.Errorf("another server runs on this data directory: it answers at %s", path), conn.Close())
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("removing the administration socket of a server that is gone: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the administration socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("closing the administration socket to others: %w", err), listener.Close())
	}
	return listener, nil
}
