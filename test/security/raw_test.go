package security_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
)

// raw sends bytes as they are, over a connection of its own, and reads one answer.
func (w *world) raw(request string) answer {
	w.t.Helper()
	return w.rawFrom("", request)
}

// rawFrom sends bytes from an address of the loopback.
func (w *world) rawFrom(address, request string) answer {
	w.t.Helper()
	conn := w.dial(address)
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		w.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	asked, err := http.NewRequestWithContext(w.t.Context(), method, "http://raw.example/", nil)
	if err != nil {
		asked = nil
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), asked)
	if err != nil {
		w.t.Fatalf("%v after %q", err, request[:min(len(request), 200)])
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	return answer{response, string(text)}
}

func (w *world) dial(address string) net.Conn {
	w.t.Helper()
	dialer := net.Dialer{}
	if address != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
	}
	conn, err := dialer.DialContext(w.t.Context(), "tcp", w.server.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}
