package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

// pipes is a listener without a network, so that a bubble of synctest can stand
// still around server and client. It keeps all of the server's deadlines.
type pipes struct {
	conns chan net.Conn
	done  context.Context
	close context.CancelFunc
}

func newPipes(ctx context.Context) *pipes {
	done, cancel := context.WithCancel(ctx)
	return &pipes{make(chan net.Conn), done, cancel}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8484} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done.Done():
		return nil, net.ErrClosed
	}
}

// reading is a stream that is read until it ends.
type reading struct {
	heads atomic.Int64
	ended chan struct{}
	at    time.Time // when it ended
}

// read opens a stream with a token and reads it.
func (w *world) read(client *http.Client, token string) *reading {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	address := "http://" + w.engine.Issuer().Host() + oauth.PathFeedStream + "?cursor=" + string(head.LogID) + "." + strconv.FormatInt(head.Seq, 10)
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request) //nolint:bodyclose // who reads it closes it
	if err != nil {
		w.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		w.t.Fatalf("the stream is answered %d", answer.StatusCode)
	}
	r := &reading{ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		defer func() { _ = answer.Body.Close() }()
		for lines := bufio.NewReader(answer.Body); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				r.at = time.Now()
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					w.t.Error(err)
				}
				return
			}
			if strings.HasPrefix(line, "event: hb") {
				r.heads.Add(1)
			}
		}
	}()
	return r
}

// piped is a world in a bubble, and a client of it.
func piped(t *testing.T) (*world, *http.Client) {
	w := newSite(t, "http://localhost:8484")
	listener := newPipes(t.Context())
	w.serve(listener)
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(transport.CloseIdleConnections)
	synctest.Wait() // the feed has published what was populated
	return w, &http.Client{Transport: transport}
}

// NewServer reads for 15 s and writes for 30 s: for a stream, the deadline is of
// each piece. It ends with its token's expiry.
func TestAStreamLivesAsLongAsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := piped(t)
		token, _ := w.tokenOf("reader")
		reader, refused := w.engine.FeedReader(t.Context(), token, nil)
		if refused != nil {
			t.Fatal(refused)
		}
		end := time.UnixMilli(reader.Until)
		r := w.read(client, token)
		synctest.Wait()
		if r.heads.Load() != 1 {
			t.Errorf("%d heads came at once", r.heads.Load())
		}
		time.Sleep(10 * time.Minute)
		if n := r.heads.Load(); n < 200 {
			t.Errorf("%d heads came in ten minutes", n)
		}
		<-r.ended
		if r.at.Before(end) || r.at.After(end.Add(3*time.Second)) {
			t.Errorf("the token ended at %v, and its stream at %v", end, r.at)
		}
	})
}

func TestAStreamEndsAtOnceWhenItsTokenIsTakenBack(t *testing.T) {
	order := func(kind string, ids ...string) func(*world, string) error {
		return func(w *world, _ string) error {
			_, err := w.engine.RevokeFor(w.t.Context(), engine.RevocationOrder{Kind: kind, IDs: ids, Reason: "test"})
			return err
		}
	}
	for name, revoke := range map[string]func(*world, string) error{
		"its client was cut": order("client", "reader"),
		"all was":            order("all"),
		"its client was disabled": func(w *world, _ string) error {
			return w.engine.DisableClient(w.t.Context(), "reader")
		},
		"its client was deleted": func(w *world, _ string) error {
			return w.engine.DeleteClient(w.t.Context(), "reader")
		},
		"the token was": func(w *world, token string) error {
			if refused := w.engine.Revoke(w.t.Context(), &oauth.RevocationRequest{
				Token:       token,
				Credentials: oauth.Credentials{Method: oauth.AuthBasic, ClientID: "reader", Secret: w.secrets["reader"]},
			}); refused != nil {
				return refused
			}
			return nil
		},
		"its key was compromised": func(w *world, _ string) error { return w.engine.RotateKeys(w.t.Context(), true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, client := piped(t)
				token, _ := w.tokenOf("reader")
				r := w.read(client, token)
				synctest.Wait()
				start := time.Now()
				if err := revoke(w, token); err != nil {
					t.Fatal(err)
				}
				<-r.ended
				if late := r.at.Sub(start); late != 0 {
					t.Errorf("it ended %v after that", late)
				}
			})
		})
	}
}
