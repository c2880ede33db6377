package verify

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// Over real sockets: an upgraded connection is closed, whether or not its handler looks at a context.
func TestAnUpgradedConnectionIsCutWhenItsTokenDies(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	returned := make(chan struct{})
	api := httptest.NewServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		go func() { // as libraries do that return from the handler
			_, _ = io.Copy(conn, conn)
			close(returned)
		}()
	})))
	defer api.Close()
	conn, err := net.Dial("tcp", api.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer %s\r\n\r\n", i.token(nil))
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	defer res.Body.Close()
	_, _ = io.WriteString(conn, "ping\n")
	if line, err := in.ReadString('\n'); err != nil || line != "ping\n" {
		t.Fatal(line, err)
	}
	i.revoke(revocation.ForSID("s1"))
	if _, err := in.ReadString('\n'); err == nil {
		t.Error("the connection still speaks")
	}
	<-returned
}

// A stream whose handler only writes is cut by its connection's deadline.
func TestServerSentEventsEndWhenTheirTokenDies(t *testing.T) {
	for name, forever := range map[string]func(http.ResponseWriter, *http.Request){
		"a handler that waits for its context": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: hello\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"a handler that only writes": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, "data: hello\n\n"); err != nil {
					return
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			v := i.verifier(t)
			returned := make(chan struct{})
			api := httptest.NewServer(v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(returned)
				forever(w, r)
			})))
			defer api.Close()
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL, nil)
			// What is minted in the millisecond of a cutoff lives: so it is of before.
			req.Header.Set("Authorization", "Bearer "+i.token(map[string]any{"rvs": i.lc}))
			req.Header.Set("Accept", "text/event-stream")
			res, err := http.DefaultClient.Do(req)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatal(res, err)
			}
			defer res.Body.Close()
			if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "data: hello\n" {
				t.Fatal(line, err)
			}
			i.revoke(revocation.ForSub("ana"))
			_, _ = io.Copy(io.Discard, res.Body)
			<-returned
		})
	}
}

// Promise 4: requests already admitted run on; what has run for 5 s is a stream.
func TestARequestRunsOnAndAStreamDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		token := i.token(nil)
		_ = reason(v, token)
		var after []time.Duration
		h := v.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			start := time.Now()
			time.Sleep(time.Second)
			i.revoke(revocation.ForJTI("j1"))
			child, cancel := context.WithTimeout(r.Context(), time.Minute)
			defer cancel()
			synctest.Wait()
			if r.Context().Err() != nil {
				t.Error("a request of a second was cut")
			}
			<-child.Done()
			after = append(after, time.Since(start))
			if r.Context().Err() == nil || child.Err() != context.Canceled {
				t.Errorf("%v, %v", r.Context().Err(), child.Err())
			}
		}))
		ask(h, "GET", token)
		if len(after) != 1 || after[0] < streamAfter || after[0] > streamAfter+time.Second {
			t.Errorf("cut after %v", after)
		}
	})
}

func TestCallsLeaveTheListWhenTheyEnd(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	h := v.Middleware(v.Require("orders:read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
	token := i.token(nil)
	for range 3 {
		func() {
			defer func() { _ = recover() }()
			ask(h, "GET", token)
		}()
	}
	under := 0
	v.calls.cut(func(*call) bool { under++; return false })
	if under != 0 {
		t.Errorf("%d calls are still listed", under)
	}
}

// WHATWG HTML §9.2.6.
func TestEventsAreReadAsTheStandardSays(t *testing.T) {
	for _, c := range []struct {
		text string
		want []event
	}{
		{"data: a\n\n", []event{{"", "a"}}},
		{"\ufeffdata: a\n\n", []event{{"", "a"}}},
		{"event: x\r\ndata:a\r\n\r\n", []event{{"x", "a"}}},
		{"event: x\rdata:a\r\r", []event{{"x", "a"}}},
		{"data: a\ndata:  b\n\n", []event{{"", "a\n b"}}},
		{": comment\n\nid: 7\nretry: 1\nevent: y\n\ndata: z\n\n", []event{{"", "z"}}},
		{"data\n\n", []event{{"", ""}}},
		{"event: x\ndata: unfinished\n", nil},
	} {
		for _, chunk := range []int{1, 2, 1000} {
			in := newEvents(&slowReader{c.text, chunk})
			var got []event
			for {
				e, err := in.next()
				if err != nil {
					break
				}
				got = append(got, e)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%q in pieces of %d: %q, want %q", c.text, chunk, got, c.want)
			}
		}
	}
}

type slowReader struct {
	text  string
	chunk int
}

func (r *slowReader) Read(b []byte) (int, error) {
	n := copy(b, r.text[:min(r.chunk, len(r.text))])
	r.text = r.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func FuzzEvents(f *testing.F) {
	f.Add("event: rv\ndata: {}\nid: x.1\n\n")
	f.Add("data: a\r\n\r\n: c\r\rdata\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		in := newEvents(strings.NewReader(text))
		total := 0
		for {
			e, err := in.next()
			if err != nil {
				return
			}
			if total += len(e.data); total > len(text) || strings.ContainsRune(e.data, '\r') {
				t.Fatalf("%q from %q", e.data, text)
			}
		}
	})
}
