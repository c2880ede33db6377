package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// halfSent is "halfSent NAME": it tells a server to stop while a request is half sent,
// and expects that request to be answered, and no new one.
func halfSent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: halfSent NAME")
	}
	r, _ := ts.Value(runningKey{}).(*running)
	conn, err := net.Dial("tcp", ts.Getenv("ADDRESS"))
	ts.Check(err)
	defer conn.Close()
	const body = "grant_type=client_credentials"
	fmt.Fprintf(conn, "POST /oauth2/token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		strings.TrimPrefix(ts.Getenv("ISSUER"), "http://"), len(body))
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n')
	ts.Check(err)
	if !strings.Contains(line, " 100 ") { // it waits for the body: the request is under way
		ts.Fatalf("the server answered %s", line)
	}
	for _, p := range r.servers {
		if p.name == args[0] {
			ts.Check(p.command.Process.Signal(syscall.SIGTERM))
		}
	}
	for {
		other, err := net.Dial("tcp", ts.Getenv("ADDRESS"))
		if err != nil {
			break // it takes no new connections
		}
		_ = other.Close()
	}
	_, err = io.WriteString(conn, body)
	ts.Check(err)
	rest, err := io.ReadAll(answer)
	ts.Check(err)
	if !strings.Contains(string(rest), "HTTP/1.1 401 ") || !strings.Contains(string(rest), "invalid_client") {
		ts.Fatalf("the server answered %s", rest)
	}
}
