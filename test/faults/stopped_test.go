package faults_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/verify"
)

// guarded is an API of one policy, and how it answers a good token while its
// verifier is stale, and when it has expired.
type guarded struct {
	policy                           verify.Policy
	staleGet, stalePost              int
	expiredGet, expiredPost, streams int // streams: how many of one are left

	verifier *verify.Verifier
	address  string
	stream   <-chan struct{}
}

// A server that stops answering (SIGSTOP: its sockets stay open) makes no token bad.
// Verifiers are stale within 13 s and expired within 60 s; then they answer as
// their policies say, with 503 where they refuse, never with 401. An API that is
// killed and started again meanwhile starts from what it saved, in the state of its
// age, and still refuses what was revoked before. When the server goes on, all are
// live again, and a revocation that had been sent to it meanwhile reaches them.
func TestAStoppedServerMakesVerifiersStaleThenExpiredAndNoTokenBad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	apis := []*guarded{
		{policy: verify.Strict, staleGet: 503, stalePost: 503, expiredGet: 503, expiredPost: 503, streams: 0},
		{policy: verify.Balanced, staleGet: 200, stalePost: 200, expiredGet: 200, expiredPost: 503, streams: 1},
		{policy: verify.Available, staleGet: 200, stalePost: 200, expiredGet: 200, expiredPost: 200, streams: 1},
	}
	dead, good := w.signIn(), w.signIn()
	for _, a := range apis {
		w.guard(a, good.Access)
	}
	seed := t.TempDir()
	apart := w.startAPI(seed, verify.Balanced)
	w.await("the API of its own is live", patience, func() bool { return apart.status().State == verify.Live })
	w.must(w.Shop.Revoke(t.Context(), dead.Access))
	w.await("it refuses what was revoked", patience, func() bool { return apart.call(http.MethodGet, dead.Access) == 401 })

	w.server.Pause()
	stopped := time.Now()
	left := func(within time.Duration) time.Duration { return within - time.Since(stopped) }
	reply := w.revokeMeanwhile(good)
	for _, a := range apis {
		w.await(a.policy.String()+" is stale", left(staleWithin), func() bool { return a.verifier.Status().State == verify.Stale })
		w.answers(a, good.Access, a.staleGet, a.stalePost)
	}
	w.await("the API of its own is stale", left(staleWithin), func() bool { return apart.status().State == verify.Stale })

	w.await("it has saved what it knows", patience, func() bool { return w.savedAt(seed).After(stopped) })
	apart.end(syscall.SIGKILL)
	apart = w.startAPI(seed, verify.Balanced)
	if s := apart.status(); s.State != verify.Stale || s.Age < time.Since(stopped)-time.Second || s.Entries != 1 {
		t.Errorf("an API that starts %s after the server stopped is %+v", time.Since(stopped), s)
	}
	if got := apart.call(http.MethodGet, good.Access); got != http.StatusOK {
		t.Errorf("started from its seed it answers a good token with %d", got)
	}
	if got := apart.call(http.MethodGet, dead.Access); got != http.StatusUnauthorized {
		t.Errorf("started from its seed it answers a revoked token with %d", got)
	}

	for _, a := range apis {
		w.await(a.policy.String()+" has expired", left(expiredWithin), func() bool { return a.verifier.Status().State == verify.Expired })
		w.answers(a, good.Access, a.expiredGet, a.expiredPost)
		if a.streams == 0 {
			w.await("the stream is cut", patience, func() bool { return isClosed(a.stream) })
		} else if isClosed(a.stream) {
			t.Errorf("%s cut a stream", a.policy)
		}
	}
	w.await("the API of its own has expired", left(expiredWithin), func() bool { return apart.status().State == verify.Expired })

	w.server.MayLogErrors() // the feed is silent until the database has been read again
	w.server.Resume()
	if status := <-reply; status != http.StatusOK {
		t.Fatalf("the revocation that waited is answered with %d", status)
	}
	for _, a := range apis {
		w.await(a.policy.String()+" is live again", backWithin, func() bool { return a.verifier.Status().State == verify.Live })
		w.await("what was revoked meanwhile is refused", patience, func() bool {
			return w.call(http.MethodGet, a.address, good.Access).status == http.StatusUnauthorized
		})
		w.expect(a.verifier, "a fresh token", w.signIn().Access, "good")
	}
	w.await("the API of its own is live again", backWithin, func() bool { return apart.status().State == verify.Live })
}

func (w *world) guard(a *guarded, token string) {
	w.Helper()
	a.verifier = w.follow(verify.WithPolicy(a.policy), verify.WithName(a.policy.String()))
	a.address = w.serve(a.verifier, answerOK)
	if got := w.call(http.MethodPost, a.address, token).status; got != http.StatusOK {
		w.Fatalf("a good token is answered with %d", got)
	}
	stream, err := a.verifier.Watch(w.Context(), token)
	w.must(err)
	a.stream = stream.Done()
}

// answers holds an API to how it answers, and a refusal to being one of ours.
func (w *world) answers(a *guarded, token string, get, post int) {
	w.Helper()
	for method, want := range map[string]int{http.MethodGet: get, http.MethodPost: post} {
		answer := w.call(method, a.address, token)
		if answer.status != want {
			w.Errorf("%s %s: %d, not %d: %+v", a.policy, method, answer.status, want, a.verifier.Status())
		}
		if want == http.StatusServiceUnavailable && answer.header.Get("Retry-After") == "" {
			w.Errorf("%s %s: 503 without Retry-After", a.policy, method)
		}
	}
}

// revokeMeanwhile sends the revocation of a refresh token to a server that does not
// answer: the kernel takes it. The channel gives the status when there is one.
func (w *world) revokeMeanwhile(tokens app.Tokens) <-chan int {
	w.Helper()
	request, err := w.Shop.Request(w.Context(), "/oauth2/revoke", url.Values{"token": {tokens.Refresh}})
	w.must(err)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.Issuer, "http://"))
	w.must(err)
	w.Cleanup(func() { _ = conn.Close() })
	w.must(request.Write(conn))
	status := make(chan int, 1)
	go func() {
		reply, err := http.ReadResponse(bufio.NewReader(conn), request)
		if err != nil {
			status <- 0
			return
		}
		_ = reply.Body.Close()
		status <- reply.StatusCode
	}()
	return status
}

// savedAt is when the seed in a directory was saved, by its own words.
func (w *world) savedAt(dir string) time.Time {
	w.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.seed"))
	w.must(err)
	if len(files) != 1 {
		return time.Time{}
	}
	text, err := os.ReadFile(files[0])
	w.must(err)
	end := slices.Index(text, '\n')
	var header struct {
		Saved int64 `json:"saved"`
	}
	w.must(json.NewDecoder(bytes.NewReader(text[:end])).Decode(&header))
	return time.UnixMilli(header.Saved)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// An API that is told to stop saves what it knows, and a new one begins with it: it
// refuses at once what was revoked before, and as soon as it is live what was
// revoked while it was away.
func TestAVerifierThatIsStartedAgainGoesOnFromItsSeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, meanwhile, good := w.signIn(), w.signIn(), w.signIn()
	seed := t.TempDir()
	a := w.startAPI(seed, verify.Strict)
	w.must(w.Shop.Revoke(t.Context(), before.Refresh))
	w.await("the revocation arrives", patience, func() bool { return a.call(http.MethodGet, before.Access) == 401 })
	w.await("a head vouches for it", patience, func() bool { return a.status().Seq == w.position().Seq })
	a.end(syscall.SIGTERM)

	w.must(w.Shop.Revoke(t.Context(), meanwhile.Refresh))
	a = w.startAPI(seed, verify.Strict)
	if s := a.status(); s.State == verify.Init || s.Entries < 1 {
		t.Errorf("a verifier with a seed starts with %+v", s)
	}
	if got := a.call(http.MethodGet, before.Access); got != http.StatusUnauthorized {
		t.Errorf("what was revoked before is answered with %d", got)
	}
	w.await("it is level with the log", patience, func() bool { return a.status().Seq == w.position().Seq })
	for token, want := range map[string]int{before.Access: 401, meanwhile.Access: 401, good.Access: 200} {
		if got := a.call(http.MethodGet, token); got != want {
			t.Errorf("got %d, not %d", got, want)
		}
	}
}
