package faults_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

// wire lies between a verifier and the server, and does what it likes to the lines
// of a stream.
type wire struct {
	address string

	mu        sync.Mutex
	mangle    func(event string) []string // what arrives of an event; nil: it itself
	snapshots int
}

// torn ends a connection in the middle of an event.
const torn = "\x00"

func (w *world) newWire() *wire {
	to, err := url.Parse(w.Issuer)
	w.must(err)
	r := &wire{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Host = p.In.Host
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		ModifyResponse: func(answer *http.Response) error {
			switch answer.Request.URL.Path {
			case "/revocations/snapshot":
				r.mu.Lock()
				r.snapshots++
				r.mu.Unlock()
			case "/revocations/stream":
				if answer.StatusCode == http.StatusOK {
					answer.Body = r.tap(answer.Body)
				}
			}
			return nil
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	})
	w.Cleanup(proxy.Close)
	w.Cleanup(proxy.CloseClientConnections)
	r.address = strings.TrimPrefix(proxy.URL, "http://")
	return r
}

// client reaches the server through the wire alone.
func (r *wire) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, r.address)
	}}}
}

// set changes what happens to events from now on.
func (r *wire) set(mangle func(event string) []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mangle = mangle
}

func (r *wire) taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshots
}

// tap reads a stream event by event, and hands on what is left of each.
func (r *wire) tap(body io.ReadCloser) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		defer body.Close()
		events := bufio.NewScanner(body)
		events.Buffer(nil, 1<<20)
		events.Split(wholeEvents)
		for events.Scan() {
			r.mu.Lock()
			lines := []string{events.Text()}
			if r.mangle != nil {
				lines = r.mangle(lines[0])
			}
			r.mu.Unlock()
			for _, line := range lines {
				before, _, cut := strings.Cut(line, torn)
				_, err := io.WriteString(in, before)
				if err != nil || cut {
					_ = in.CloseWithError(errors.Join(err, io.ErrUnexpectedEOF))
					return
				}
			}
		}
		_ = in.CloseWithError(events.Err())
	}()
	return out
}

func wholeEvents(data []byte, _ bool) (advance int, token []byte, err error) {
	if end := bytes.Index(data, []byte("\n\n")); end >= 0 {
		return end + 2, data[:end+2], nil
	}
	return 0, nil, nil
}

func isEntries(event string) bool { return strings.HasPrefix(event, "event: rv\n") }

// first changes the first event with entries, and leaves all others.
func first(change func(event string) []string) func() func(string) []string {
	return func() func(string) []string {
		done := false
		return func(event string) []string {
			if done || !isEntries(event) {
				return []string{event}
			}
			done = true
			return change(event)
		}
	}
}

// late holds the first event with entries back until so many more have passed.
func late(more int) func() func(string) []string {
	return func() func(string) []string {
		held, left := "", more
		return func(event string) []string {
			switch {
			case held == "" && left == more && isEntries(event):
				held = event
				return nil
			case held != "":
				if left--; left == 0 {
					both := []string{event, held}
					held = ""
					return both
				}
			}
			return []string{event}
		}
	}
}

// A line of the stream that is dropped, doubled, changed, delayed or moved on the
// way is noticed, at the latest at the next head: the verifier takes a snapshot,
// and refuses what was revoked. Until then it accepts nothing that it refused
// before. A connection that is torn in the middle of a line is resumed, without a
// snapshot.
func TestALineThatIsTamperedWithIsNoticedAtTheNextHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.newWire()
	v := w.follow(verify.WithHTTPClient(r.client()))
	old := w.signIn().Access
	w.revokeToken(old)
	w.awaitRefusal(v, "what was revoked before", old)

	for _, c := range []struct {
		name      string
		mangle    func() func(event string) []string
		snapshots int
	}{
		{"nothing happens", first(func(e string) []string { return []string{e} }), 0},
		{"dropped", first(func(string) []string { return nil }), 1},
		{"doubled", first(func(e string) []string { return []string{e, e} }), 1},
		{"changed", first(func(e string) []string { return []string{changeName(e)} }), 1},
		{"behind the head that names it", late(1), 1},
		{"two heads late, on the connection that follows", late(2), 2},
		{"torn", first(func(e string) []string { return []string{e[:len(e)/2] + torn} }), 0},
	} {
		before, victim := r.taken(), w.signIn().Access
		w.expect(v, "a fresh token", victim, "good")
		r.set(c.mangle())
		w.revokeToken(victim)
		w.await(c.name+": what was revoked is refused", beat+patience, func() bool {
			if got := w.verdict(v, old); got != string(verify.Revoked) {
				t.Fatalf("%s: what was refused before is %s", c.name, got)
			}
			return w.verdict(v, victim) == string(verify.Revoked)
		})
		w.await(c.name+": it is noticed and healed", beat+patience, func() bool {
			s := v.Status()
			return r.taken()-before == c.snapshots && s.State == verify.Live && s.Problem == "" && s.Seq == w.position().Seq
		})
		r.set(nil)
	}
}

// changeName changes a digit of the entry's name.
func changeName(event string) string {
	at := strings.Index(event, `"entries":[[`)
	start := at + strings.Index(event[at:], `,"`) + 2
	digit := "0"
	if event[start] == '0' {
		digit = "1"
	}
	return event[:start] + digit + event[start+1:]
}

func (w *world) revokeToken(token string) {
	w.Helper()
	w.must(w.Shop.Revoke(w.Context(), token))
}

// A wire that holds streams back, as buffering proxies do, does not silence the
// feed: the verifier polls after two streams that brought nothing, and is live
// again; a revocation reaches it.
func TestAWireThatHoldsStreamsBackIsPolledAround(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.newWire()
	r.set(func(string) []string { return nil })
	v, err := w.Verifier(t.Context(), verify.WithHTTPClient(r.client()))
	w.must(err)
	t.Cleanup(func() { _ = v.Close() })
	const twoSilences, pauses = 13 * time.Second, 4 * time.Second
	w.await("it is live", twoSilences+pauses+patience, func() bool { return v.Status().State == verify.Live })
	victim := w.signIn().Access
	w.expect(v, "a fresh token", victim, "good")
	w.revokeToken(victim)
	w.awaitRefusal(v, "a token", victim)
}
