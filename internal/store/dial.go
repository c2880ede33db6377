package store

import (
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// silenceWithin is how long a server's machine may say nothing at all, not even that
// something has arrived, before its connections are given up: it has lost its power
// or its cable. One that is only slow is not silent.
const silenceWithin = 3 * time.Second

// dial connects to a server of PostgreSQL.
func dial() pgconn.DialFunc {
	dialer := net.Dialer{
		// Whoever waits for an answer sends nothing that could be missed, but for this.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: int(silenceWithin / time.Second)},
		Control:         endSilence,
	}
	return dialer.DialContext
}
