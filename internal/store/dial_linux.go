package store

import (
	"strings"
	"syscall"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), RFC 5482: how long, in ms, what was
// sent may stay unacknowledged. Package syscall does not have it.
const tcpUserTimeout = 0x12

// endSilence has the system end a connection to a machine that is gone, on which it
// would otherwise send again for a quarter of an hour.
func endSilence(network, _ string, conn syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var refused error
	err := conn.Control(func(fd uintptr) {
		refused = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silenceWithin.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return refused
}
