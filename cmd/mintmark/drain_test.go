package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

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
	r.tell(ts, args[0])
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

func (r *running) tell(ts *testscript.TestScript, name string) {
	for _, p := range r.servers {
		if p.name == name {
			ts.Check(p.command.Process.Signal(syscall.SIGTERM))
		}
	}
}

// leaving is "leaving NAME D|twice": it tells a server to stop, which is to say so at
// /readyz and to answer everything else until D is over, or until it is told once more.
func leaving(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: leaving NAME D|twice")
	}
	r, _ := ts.Value(runningKey{}).(*running)
	base := "http://" + ts.Getenv("ADDRESS")
	if status, _, err := ask(base + "/readyz"); err != nil || status != http.StatusOK {
		ts.Fatalf("before: %d, %v", status, err)
	}
	began := time.Now()
	r.tell(ts, args[0])
	for {
		status, text, err := ask(base + "/readyz")
		ts.Check(err)
		if status == http.StatusServiceUnavailable && strings.HasPrefix(text, "stopping") {
			break
		}
	}
	served := 0
	if args[1] == "twice" {
		r.tell(ts, args[0])
	}
	for { // each on a new connection
		status, _, err := ask(base + "/healthz")
		if err != nil {
			break
		}
		if status != http.StatusOK {
			ts.Fatalf("it answers %d", status)
		}
		served++
	}
	if args[1] == "twice" {
		return
	}
	wanted, err := time.ParseDuration(args[1])
	ts.Check(err)
	if took := time.Since(began); took < wanted || served == 0 {
		ts.Fatalf("it served %d requests in %s", served, took)
	}
}

// ask asks on a connection of its own.
func ask(url string) (status int, text string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(read), err
}
