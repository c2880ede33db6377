package web

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// follower reads the feed over HTTP, by its page alone.
type follower struct {
	*world
	token string
	log   string
	key   revocation.FeedKey

	mu    sync.Mutex
	moved *sync.Cond
	cuts  map[uint64]int64
	seq   int64 // of the last head
}

// ask makes a request with a bearer token.
func (w *world) ask(method, path, token, body string) *http.Response {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.address+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Host = w.engine.Issuer().Host()
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

// tokenOf gives a token of a client for itself, and its rvs.
func (w *world) tokenOf(clientID string) (token string, rvs int64) {
	w.t.Helper()
	signed, refused := w.engine.Token(w.t.Context(), &oauth.TokenRequest{
		GrantType:   oauth.GrantClientCredentials,
		Credentials: oauth.Credentials{Method: oauth.AuthBasic, ClientID: clientID, Secret: w.secrets[clientID]},
	})
	if refused != nil {
		w.t.Fatal(refused)
	}
	token = signed.Access
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		w.t.Fatal(err)
	}
	var claims struct {
		RVS int64 `json:"rvs"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		w.t.Fatal(err)
	}
	return token, claims.RVS
}

// follow takes a snapshot and streams on from there until the test ends.
func (w *world) follow() *follower {
	w.t.Helper()
	f := &follower{world: w, cuts: map[uint64]int64{}}
	f.moved = sync.NewCond(&f.mu)
	f.token, _ = w.tokenOf("reader")
	answer := w.ask(http.MethodGet, oauth.PathFeedSnapshot, f.token, "")
	line, err := bufio.NewReader(answer.Body).ReadBytes('\n')
	_ = answer.Body.Close()
	var header struct {
		Log, Key string
		Seq      int64
		N        int
	}
	if err != nil || json.Unmarshal(line, &header) != nil || header.N != 0 {
		w.t.Fatalf("the snapshot is %s, %v", line, err)
	}
	key, err := base64.RawURLEncoding.DecodeString(header.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	f.log, f.key = header.Log, revocation.FeedKey(key)
	//nolint:bodyclose // closed by the cleanup below
	stream := w.ask(http.MethodGet, oauth.PathFeedStream+"?cursor="+header.Log+"."+strconv.FormatInt(header.Seq, 10), f.token, "")
	if stream.StatusCode != http.StatusOK || stream.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("the stream is %d %s", stream.StatusCode, stream.Header)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.read(stream.Body)
	}()
	w.t.Cleanup(func() {
		_ = stream.Body.Close()
		<-done
	})
	return f
}

func (f *follower) read(body io.Reader) {
	event := ""
	for lines := bufio.NewScanner(body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data" && event == "rv":
			f.apply(value)
		case field == "data" && event == "hb":
			f.attest(value)
		}
	}
}

func (f *follower) apply(data string) {
	var batch struct {
		Ask     bool
		Entries [][4]json.RawMessage
	}
	if err := json.Unmarshal([]byte(data), &batch); err != nil {
		f.t.Errorf("%s: %v", data, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range batch.Entries {
		name, bad := strconv.ParseUint(strings.Trim(string(e[1]), `"`), 16, 64)
		cut, worse := strconv.ParseInt(string(e[2]), 10, 64)
		if string(e[2]) == `"forever"` {
			cut, worse = revocation.Forever, nil
		}
		if bad != nil || worse != nil {
			f.t.Errorf("the entry %s", e)
		}
		f.cuts[name] = max(f.cuts[name], cut)
	}
}

func (f *follower) attest(head string) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(head, ".")[1])
	var claims struct{ Seq int64 }
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		f.t.Errorf("the head %s: %v", head, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq = claims.Seq
	f.moved.Broadcast()
}

// at gives the cutoff of a target once the follower has reached a number.
func (f *follower) at(seq int64, target revocation.Target) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.seq < seq {
		f.moved.Wait()
	}
	return f.cuts[f.key.Name(target)]
}

func (f *follower) head() int64 {
	f.t.Helper()
	head, err := f.store.Head(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return head.Seq
}

// No token that was minted before an acknowledged cutoff lives at a reader whose head
// is at or past it, and none minted after it is dead (tokens.md I2, I3, I10).
func TestAnAcknowledgedCutoffPartsTheTokensAtEveryReader(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	f := w.follow()
	const rounds = 25
	var begun, acked atomic.Int64 // numbers of cutoffs
	var cuts [rounds + 1]int64    // at the reader
	type minted struct{ rvs, after, before int64 }
	var mu sync.Mutex
	var history []minted
	var minters sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		minters.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				m := minted{after: acked.Load()}
				_, m.rvs = w.tokenOf("machine")
				m.before = begun.Load() + 1
				mu.Lock()
				history = append(history, m)
				mu.Unlock()
			}
		})
	}
	for n := int64(1); n <= rounds; n++ {
		begun.Store(n)
		_, err := w.engine.RevokeFor(t.Context(), engine.RevocationOrder{Kind: "client", IDs: []string{"machine"}, Reason: "test"})
		if err != nil {
			t.Fatal(err)
		}
		acked.Store(n)
		cuts[n] = f.at(f.head(), revocation.ForClient("machine"))
	}
	close(stop)
	minters.Wait()
	for _, m := range history {
		if m.before <= rounds && !revocation.Dead(m.rvs, cuts[m.before]) {
			t.Errorf("minted before cutoff %d and alive: %+v, %d", m.before, m, cuts[m.before])
		}
		if revocation.Dead(m.rvs, cuts[m.after]) {
			t.Errorf("minted after cutoff %d and dead: %+v, %d", m.after, m, cuts[m.after])
		}
	}
	if len(history) < rounds {
		t.Errorf("only %d tokens were minted", len(history))
	}
}

// RFC 7240 §4.3: the answer waits for the verifiers, and says how many.
func TestARevocationThatWaitsAnswersWithTheReceipt(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	f := w.follow()
	// Who only waits takes no place from those who report, or nobody would ever hear.
	narrow := newGate(nil, "narrow", roomFor(1))
	w.site.routes[oauth.PathRevoke].gate, w.site.routes[oauth.PathFeedReceipt].gate = narrow, narrow
	report := func(seq int64) {
		body := `{"name":"orders-1","version":"1","policy":"strict","state":"live","log":"` + f.log + `","seq":` + strconv.FormatInt(seq, 10) + `,"entries":1}`
		status := http.StatusServiceUnavailable
		for status == http.StatusServiceUnavailable && t.Context().Err() == nil { // it may be here before the revocation has begun to wait
			answer := w.ask(http.MethodPost, oauth.PathFeedReceipt, f.token, body)
			_ = answer.Body.Close()
			status = answer.StatusCode
		}
		if status != http.StatusNoContent {
			t.Errorf("the report is answered %d", status)
		}
	}
	before := f.head()
	report(before)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		f.at(before+1, revocation.ForAll())
		report(before + 1)
	}()
	answer := w.revokeAndWait()
	defer answer.Body.Close()
	var got receipt
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	<-reported
	if answer.Header.Get("Preference-Applied") != "wait=10" || !got.Complete || got.Applied != 1 || got.Connected != 1 ||
		!strings.HasPrefix(got.Sentence, "applied by 1 of 1 connected verifier in ") {
		t.Errorf("%s %+v", answer.Header, got)
	}
}

// As many wait as there may be: the next is answered at once, without a receipt.
func TestARevocationDoesNotWaitBehindTooManyOthers(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	w.follow()
	for range gateWidth {
		if !w.site.receipts.enter() {
			t.Fatal("it is full too soon")
		}
	}
	answer := w.revokeAndWait()
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Preference-Applied") != "" {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
}

// revokeAndWait revokes a token and would wait for the receipt.
func (w *world) revokeAndWait() *http.Response {
	w.t.Helper()
	token, _ := w.tokenOf("machine")
	form := url.Values{"token": {token}}
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+w.address+oauth.PathRevoke, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Host = w.engine.Issuer().Host()
	request.Header.Set("Content-Type", formType)
	request.Header.Set("Prefer", "wait=10")
	request.SetBasicAuth("machine", w.secrets["machine"])
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}
