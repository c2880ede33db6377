package faults_test

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// reader follows the stream over a socket of its own, as the page of the feed says.
type reader struct {
	w    *world
	conn net.Conn
	body io.Reader

	mu    sync.Mutex
	bytes int
	last  string   // the last id
	seqs  []string // of the entries, in their order
}

// readStream opens the stream at a cursor. A small reader takes as little as a
// socket can, so that the server's is full soon.
func (w *world) readStream(cursor string, small bool) *reader {
	w.Helper()
	var dialer net.Dialer
	if small {
		dialer.Control = func(_, _ string, c syscall.RawConn) (err error) {
			const segment, buffer = 536, 4096 // bytes
			failed := c.Control(func(fd uintptr) {
				if err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segment); err == nil {
					err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer)
				}
			})
			if failed != nil {
				return failed
			}
			return err
		}
	}
	conn, err := dialer.DialContext(w.Context(), "tcp", strings.TrimPrefix(w.Issuer, "http://"))
	w.must(err)
	w.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /revocations/stream HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nLast-Event-ID: %s\r\n\r\n",
		strings.TrimPrefix(w.Issuer, "http://"), w.feedToken(), cursor)
	w.must(err)
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	w.must(err)
	w.Cleanup(func() {
		_ = conn.Close() // first: closing the body reads it to its end, and a stream has none
		_ = answer.Body.Close()
	})
	if answer.StatusCode != http.StatusOK {
		w.Fatalf("the stream at %s is answered with %s", cursor, answer.Status)
	}
	return &reader{w: w, conn: conn, body: answer.Body, last: cursor}
}

// read reads until the connection ends. An event that it ends in counts for nothing.
func (r *reader) read() {
	events := bufio.NewScanner(r.body)
	events.Buffer(nil, 4<<20)
	events.Split(wholeEvents)
	for events.Scan() {
		r.take(events.Text())
	}
}

func (r *reader) take(event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += len(event)
	for line := range strings.Lines(event) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case name == "id":
			r.last = value
		case name == "data" && isEntries(event):
			var batch struct {
				Entries [][]json.RawMessage `json:"entries"`
			}
			if err := json.Unmarshal([]byte(value), &batch); err != nil {
				r.w.Errorf("reading %q: %v", value, err)
			}
			for _, entry := range batch.Entries {
				r.seqs = append(r.seqs, strings.Trim(string(entry[0]), `"`))
			}
		}
	}
}

func (r *reader) at() (bytes int, last string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes, r.last
}

// A reader that does not read is dropped once a megabyte waits for it, instead of
// being waited for: others are served meanwhile. It resumes by the last id that it
// has seen, and misses nothing and gets nothing twice.
func TestAReaderThatDoesNotReadIsDroppedAndResumes(t *testing.T) {
	t.Parallel()
	const unsent = 1 << 20
	w := newWorld(t)
	begin := w.position()
	cursor := fmt.Sprintf("%s.%d", begin.Log, begin.Seq)
	slow, healthy := w.readStream(cursor, true), w.readStream(cursor, false)
	go healthy.read()
	revoked := 0
	for n := 0; n < 2*unsent; n, _ = healthy.at() { // twice: some of it waits in the sockets
		w.revoke("token", someJTI())
		revoked++
	}
	current := fmt.Sprintf("%s.%d", begin.Log, w.position().Seq)
	isCurrent := func(r *reader) bool { _, last := r.at(); return last == current }
	w.await("who reads has everything", patience, func() bool { return isCurrent(healthy) })

	slow.read() // to the end: it was dropped
	got, last := slow.at()
	if all, _ := healthy.at(); got >= all-unsent {
		t.Errorf("who did not read got %d of %d bytes", got, all)
	}
	resumed := w.readStream(last, false)
	go resumed.read()
	w.await("who was dropped has everything", patience, func() bool { return isCurrent(resumed) })
	if both := slices.Concat(slow.seqs, resumed.seqs); !slices.Equal(both, healthy.seqs) || len(both) != revoked {
		t.Errorf("%d entries before it was dropped and %d after, of %d for who read, and %d in all", len(slow.seqs), len(resumed.seqs), len(healthy.seqs), revoked)
	}
}

func someJTI() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}
