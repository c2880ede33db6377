package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// dial opens n connections to a server that runs handler.
func dial(t *testing.T, n int, handler http.HandlerFunc) *Group {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	group, err := Dial(t.Context(), strings.TrimPrefix(server.URL, "http://"), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(group.Close)
	return group
}

// times is a script that sends the request n times and accepts only 200.
func times(n int, request []byte) Script {
	return Script{
		Next: func() []byte {
			if n--; n < 0 {
				return nil
			}
			return request
		},
		Check: func(r Response) error {
			if r.Status != http.StatusOK {
				return fmt.Errorf("status %d", r.Status)
			}
			return nil
		},
	}
}

func TestEveryRequestIsSentOnceAndCountedOnce(t *testing.T) {
	var served atomic.Int64
	group := dial(t, 3, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("a") != "1 &" || r.Header.Get("Authorization") != "Basic eA==" || r.Host != "issuer.example" {
			w.WriteHeader(http.StatusBadRequest)
		}
		served.Add(1)
	})
	request := Post("issuer.example", "/token", url.Values{"a": {"1 &"}}, "Authorization: Basic eA==")
	for range 2 { // the connections serve a second run as well
		served.Store(0)
		result, err := group.Run(t.Context(), time.Minute, []Script{times(5, request), times(0, request), times(7, request)})
		if err != nil {
			t.Fatal(err)
		}
		if result.Requests() != 12 || served.Load() != 12 {
			t.Errorf("counted %d, served %d, want 12", result.Requests(), served.Load())
		}
	}
}

func TestTheRunEndsWhenItsTimeIsOver(t *testing.T) {
	group := dial(t, 2, func(http.ResponseWriter, *http.Request) {})
	request := Get("x", "/")
	result, err := group.Run(t.Context(), 50*time.Millisecond, []Script{times(1<<60, request), times(1<<60, request)})
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests() < 2 {
		t.Errorf("%d requests in %v", result.Requests(), result.Elapsed)
	}
}

func TestAWrongAnswerEndsTheRunOfAllConnections(t *testing.T) {
	group := dial(t, 2, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	_, err := group.Run(t.Context(), time.Hour, []Script{times(1<<60, Get("x", "/")), times(1, Get("x", "/bad"))})
	if err == nil || !strings.Contains(err.Error(), "connection 1: status 500") {
		t.Errorf("got %v", err)
	}
}

func TestCancellingWakesAConnectionThatWaits(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	release := make(chan struct{})
	group := dial(t, 1, func(http.ResponseWriter, *http.Request) {
		cancel(interrupted)
		<-release
	})
	defer close(release)
	_, err := group.Run(ctx, time.Hour, []Script{times(1, Get("x", "/"))})
	if !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
}

func TestAConnectionThatTheServerDropsIsAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1024))
		_ = conn.Close()
	}()
	group, err := Dial(t.Context(), listener.Addr().String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	if _, err := group.Run(t.Context(), time.Minute, []Script{times(1, Get("x", "/"))}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestChecksSeeTheAnswersOfARealServer(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 5000)
	group := dial(t, 1, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Header().Set("Location", "/login?x=1")
		w.WriteHeader(http.StatusSeeOther)
		_, _ = w.Write(body)
	})
	script := times(1, Get("x", "/"))
	script.Check = func(r Response) error {
		if r.Status != http.StatusSeeOther || string(r.Location) != "/login?x=1" || !bytes.Equal(r.Body, body) {
			return fmt.Errorf("status %d, location %q, %d bytes", r.Status, r.Location, len(r.Body))
		}
		return nil
	}
	if _, err := group.Run(t.Context(), time.Minute, []Script{script}); err != nil {
		t.Error(err)
	}
}

func TestPercentilesAreNearestRanks(t *testing.T) {
	var c connection
	for i := range 200 {
		c.latencies = append(c.latencies, time.Duration(200-i))
	}
	result := newResult([]*connection{{}, &c}, 2*time.Second)
	var got []int64
	for _, p := range []int{0, 1, 50, 99, 100} {
		got = append(got, int64(result.Percentile(p)))
	}
	if want := []int64{1, 2, 100, 198, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if result.Rate() != 100 {
		t.Errorf("rate %v", result.Rate())
	}
	if (Result{}).Percentile(50) != 0 {
		t.Error("no requests have no latency")
	}
}

// Half of the answers are refusals, and the rate is kept.
func TestRequestsArriveWhateverBecomesOfThoseBefore(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 0 {
			w.Header().Set("Retry-After", "1")
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Length", "0")
	}))
	defer server.Close()
	const connections = 8
	group, err := Dial(t.Context(), server.Listener.Addr().String(), connections)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	script := Script{Next: func() []byte { return []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n") }, Check: func(Response) error { return nil }}
	arrivals, err := group.Arrive(t.Context(), 100, 500*time.Millisecond, slices.Repeat([]Script{script}, connections))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, a := range arrivals {
		if a.Refused {
			refused++
		}
		if a.Took <= 0 || a.Sent > 600*time.Millisecond {
			t.Errorf("sent after %s, answered within %s", a.Sent, a.Took)
		}
	}
	if len(arrivals) < 30 || len(arrivals) > 50 || refused != len(arrivals)/2 {
		t.Errorf("%d arrived, %d refused", len(arrivals), refused)
	}
}

func TestARefusalThatDoesNotSayWhenEndsTheFlood(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	group, err := Dial(t.Context(), server.Listener.Addr().String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	script := Script{Next: func() []byte { return []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n") }, Check: func(Response) error { return nil }}
	if _, err := group.Arrive(t.Context(), 100, time.Second, []Script{script}); !errors.Is(err, errNoRetryAfter) {
		t.Errorf("it ended with %v", err)
	}
}

// A server gives up a connection that asks nothing, so a run that comes late has connections of its own.
func TestConnectionsThatWereIdleForLongAreDialledAgain(t *testing.T) {
	group := dial(t, 2, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") })
	idle := slices.Clone(group.connections)
	group.used = group.used.Add(-stale)
	request := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	result, err := group.Run(t.Context(), time.Minute, []Script{times(3, request), times(3, request)})
	if err != nil || result.Requests() != 6 {
		t.Errorf("%d requests, %v", result.Requests(), err)
	}
	for i, c := range group.connections {
		if c == idle[i] {
			t.Errorf("connection %d is the old one", i)
		}
	}
}
