package faults_test

import (
	"bufio"
	"crypto/sha1" // RFC 6455 §4.2.2 wants it; nothing here is a secret
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// socketKey and socketAccept are those of RFC 6455 §1.3.
const (
	socketKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	socketAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// acceptSocket takes a connection over as RFC 6455 §4.2.2 says, and echoes what comes
// in frames of less than 126 bytes.
func acceptSocket(rw http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	go func() {
		defer conn.Close()
		for err == nil {
			err = echoFrame(conn, buffered.Reader)
		}
	}()
}

func echoFrame(out io.Writer, in *bufio.Reader) error {
	text, err := readFrame(in)
	if err == nil {
		_, err = out.Write(append([]byte{0x81, byte(len(text))}, text...)) // §5.2: FIN, text
	}
	return err
}

// readFrame reads a short text frame, masked or not (RFC 6455 §5.2, §5.3).
func readFrame(in *bufio.Reader) (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return "", err
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(in, mask[:]); err != nil {
			return "", err
		}
	}
	text := make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(in, text); err != nil {
		return "", err
	}
	for i := range text {
		text[i] ^= mask[i%4]
	}
	return string(text), nil
}

// socket is a client's end.
type socket struct {
	w    *world
	conn net.Conn
	in   *bufio.Reader
}

func (w *world) openSocket(address, token string) *socket {
	w.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	w.must(err)
	w.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", token, socketKey)
	w.must(err)
	s := &socket{w: w, conn: conn, in: bufio.NewReader(conn)}
	answer, err := http.ReadResponse(s.in, nil)
	w.must(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != socketAccept {
		w.Fatalf("the handshake is answered with %s, %v", answer.Status, answer.Header)
	}
	return s
}

// echo sends a frame and reads it back; an error means that the socket was cut.
func (s *socket) echo(text string) error {
	mask := [4]byte{1, 2, 3, 4} // §5.3: a client masks
	frame := append([]byte{0x81, 0x80 | byte(len(text))}, mask[:]...)
	for i := range len(text) {
		frame = append(frame, text[i]^mask[i%4])
	}
	if _, err := s.conn.Write(frame); err != nil {
		return err
	}
	got, err := readFrame(s.in)
	if err == nil && got != text {
		s.w.Fatalf("%q came back as %q", text, got)
	}
	return err
}

// A WebSocket that was opened with a token is cut when the token is revoked: its
// client, which only listens, reads the end. Sockets of other tokens go on, and no
// new one can be opened.
func TestAWebSocketIsCutWhenItsTokenDies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serve(w.follow(), acceptSocket)
	dying, living := w.signIn(), w.signIn()
	cut, kept := w.openSocket(address, dying.Access), w.openSocket(address, living.Access)
	for _, s := range []*socket{cut, kept} {
		w.must(s.echo("hello"))
	}
	w.must(w.Shop.Revoke(t.Context(), dying.Refresh))
	w.must(cut.conn.SetReadDeadline(time.Now().Add(patience)))
	if _, err := cut.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the socket is not cut: %v", err)
	}
	w.must(kept.echo("still here"))
	answer := w.ask(http.MethodGet, address, http.Header{
		"Authorization": {"Bearer " + dying.Access}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
	})
	if answer.status != http.StatusUnauthorized {
		t.Errorf("a new socket is answered with %d", answer.status)
	}
}
