package faults_test

import (
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/verify"
)

// rounds is how many cutoffs a history has.
const rounds = 30

// minting is a token, and which cutoffs it lies between: it was asked for when so
// many had been acknowledged, and there when so many had been begun.
type minting struct {
	token        string
	acked, begun int64
}

// history is what happened, as those saw it to whom it happened. Cutoffs are
// numbered from 1.
type history struct {
	begun, acked atomic.Int64
	mu           sync.Mutex
	minted       []minting
}

// mint has one client after the other mint tokens until it is told to stop.
func (h *history) mint(w *world, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		acked := h.acked.Load()
		token, err := w.APIs.Own(w.Context(), url.Values{"resource": {app.Orders}})
		if err != nil {
			w.Error(err)
			return
		}
		h.mu.Lock()
		h.minted = append(h.minted, minting{token, acked, h.begun.Load()})
		h.mu.Unlock()
	}
}

// between are the tokens of which it is known between which two cutoffs they were
// minted: after n, and before n+1 was begun.
func (h *history) between(n int64) (tokens []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.minted {
		if m.acked == n && m.begun == n {
			tokens = append(tokens, m.token)
		}
	}
	return tokens
}

// A history of mints, cutoffs and verifications, of a server and APIs that are
// processes of their own: no token that was minted before an acknowledged cutoff is
// accepted by a verifier that has caught up with it, and none that was minted after it is
// refused (tokens.md I2, I3, I10). What was minted while a cutoff was under way may
// be either, but not both: once refused, it stays so, at every verifier.
func TestNoVerifierTellsTokensApartOtherwiseThanTheCutoffDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	apis := []*api{w.startAPI(t.TempDir(), verify.Strict), w.startAPI(t.TempDir(), verify.Balanced), w.startAPI(t.TempDir(), verify.Available)}
	for _, a := range apis {
		w.await("an API is live", patience, func() bool { return a.status().State == verify.Live })
	}
	var h history
	var minters sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		minters.Go(func() { h.mint(w, stop) })
	}
	judged := 0
	for n := int64(0); n < rounds; n++ {
		w.await("a token was minted between two cutoffs", patience, func() bool { return len(h.between(n)) > 0 })
		tokens := h.between(n)
		token := tokens[len(tokens)-1]
		for i, a := range apis { // a verifier needs to have caught up with nothing for what is newer than the cutoff
			if status := a.call(http.MethodPost, token); status != http.StatusOK {
				t.Errorf("API %d answers %d to a token that was minted after cutoff %d: %+v", i, status, n, a.status())
			}
		}
		seq := w.cutOwn(&h, n+1)
		for i, a := range apis {
			w.await("it has caught up", patience, func() bool { return a.status().Seq >= seq })
			if status := a.call(http.MethodGet, token); status != http.StatusUnauthorized {
				t.Errorf("API %d answers %d to a token that was minted before cutoff %d: %+v", i, status, n+1, a.status())
			}
		}
		judged += len(apis)
	}
	close(stop)
	minters.Wait()
	w.agree(apis, &h)
	t.Logf("%d tokens, %d cutoffs, %d judgements of each side", len(h.minted), rounds, judged)
}

// cutOwn cuts off what the client has, and gives where the log then stands at least.
func (w *world) cutOwn(h *history, n int64) int64 {
	w.Helper()
	h.begun.Store(n)
	result, err := w.Office.Revoke(w.Context(), admin.Revocation{Kind: "audience", IDs: []string{app.Orders}, Reason: "a test"}, time.Second)
	w.must(err)
	h.acked.Store(n)
	if result.Receipt == nil {
		w.Fatal("there is no receipt")
	}
	return result.Receipt.Seq
}

// agree holds all APIs to one verdict about each token, those included of which
// nobody knows whether they came before a cutoff or after it.
func (w *world) agree(apis []*api, h *history) {
	w.Helper()
	for _, m := range h.minted[max(0, len(h.minted)-200):] {
		want := apis[0].call(http.MethodGet, m.token)
		for _, a := range apis[1:] {
			if got := a.call(http.MethodGet, m.token); got != want {
				w.Errorf("of a token that was minted between cutoff %d and %d one API says %d, another %d", m.acked, m.begun+1, want, got)
			}
		}
	}
}
