package revocation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/verify"
)

// fleet lists the verifiers, once so many are connected and know the whole log.
func (w *world) fleet(n int) (list []admin.Verifier) {
	w.Helper()
	w.await("so many verifiers are up to date", func() bool {
		list = nil
		for v, err := range w.office.Verifiers(w.Context()) {
			w.must(err)
			if v.Connected && v.Lag == 0 && v.State == "live" {
				list = append(list, v)
			}
		}
		return len(list) == n
	})
	return list
}

// RFC 7009 §2.2: the answer is 200, and what is in it is ignored by who does not
// ask. RFC 7240 §3: who asks hears what was done about it. tokens.md, part 3: what
// the receipt says has been applied is refused.
func TestAReceiptThatIsCompleteMeansThatEveryVerifierRefuses(t *testing.T) {
	w := newWorld(t)
	w.protect("orders-1", orders, verify.Balanced)
	w.protect("orders-2", orders, verify.Strict)
	w.fleet(2)
	ana := w.browserOf(w.newUser("ana@example.com"))
	shop := w.apps["shop"]
	h := shop.signIn(ana, orders, "openid")
	for _, token := range []string{h.access, h.refresh} {
		h.renew()
		access := h.access
		if token != h.refresh {
			access = token
		}
		w.receipt(shop.revoke(token, "Prefer", "wait=9"), "wait=9")
		for _, a := range w.apis[orders] {
			if !a.refuses(access) {
				t.Errorf("%s lets it in, after it said that it had applied the revocation", a.name)
			}
		}
	}
}

// receipt holds an answer to what a receipt of two verifiers says.
func (w *world) receipt(a answer, preference string) {
	w.Helper()
	var said admin.Receipt
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || !said.Complete || said.Applied != 2 || said.Connected != 2 ||
		!strings.HasPrefix(said.Sentence, "applied by 2 of 2 connected verifiers in ") {
		w.Errorf("the receipt is %s", a.body)
	}
	if got := a.header.Get("Preference-Applied"); got != preference {
		w.Errorf("the preference that was applied is %q", got)
	}
}

func TestWhoAsksForNoReceiptGetsNone(t *testing.T) {
	w := newWorld(t)
	shop := w.apps["shop"]
	h := shop.signIn(w.browserOf(w.newUser("ana@example.com")), orders, "openid")
	for _, c := range []struct {
		token, prefer, applied string
	}{
		{h.access, "", ""},
		{h.access, "wait=0", ""},
		{h.access, "wait=soon", ""},
		{"nothing of ours", "", ""},
		{"nothing of ours", "wait=2", "wait=2"},
		{h.refresh, "respond-async, wait=1", "wait=1"},
		{h.refresh, "wait=1", "wait=1"}, // once more
	} {
		var header []string
		if c.prefer != "" {
			header = []string{"Prefer", c.prefer}
		}
		a := shop.revoke(c.token, header...)
		if a.header.Get("Preference-Applied") != c.applied || (a.body == "") != (c.applied == "") {
			t.Errorf("%q is answered with %q, %q", c.prefer, a.header.Get("Preference-Applied"), a.body)
		}
		if c.applied != "" && !strings.Contains(a.body, `"sentence":"no verifier is connected"`) {
			t.Errorf("without a verifier the receipt is %s", a.body)
		}
	}
}

// The administration API takes the same preference, and keeps it likewise.
func TestAnAdministratorHearsTheSame(t *testing.T) {
	w := newWorld(t)
	w.protect("orders-1", orders, verify.Balanced)
	a := w.protect("orders-2", orders, verify.Available)
	w.fleet(2)
	token := w.apps["robot"].own(orders).access
	order, err := json.Marshal(admin.Revocation{Kind: "client", IDs: []string{"robot"}, Reason: "test"})
	w.must(err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://mintmark"+admin.Root+"revocations", bytes.NewReader(order))
	w.must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=9")
	got := w.throughSocket(request)
	var result admin.RevocationResult
	w.must(json.Unmarshal([]byte(got.body), &result))
	if got.header.Get("Preference-Applied") != "wait=9" || result.Receipt == nil || !result.Receipt.Complete || result.Receipt.Applied != 2 {
		t.Errorf("%q %s", got.header.Get("Preference-Applied"), got.body)
	}
	if !a.refuses(token) {
		t.Error("it is let in")
	}
}

// The list says who follows, how far, and who no longer does.
func TestTheListOfVerifiersIsThatOfTheFleet(t *testing.T) {
	w := newWorld(t, "--test-mode")
	w.protect("orders-1", orders, verify.Balanced)
	gone := w.protect("orders-2", orders, verify.Strict)
	list := w.fleet(2)
	for i, want := range []struct{ name, policy string }{{"orders-1", "balanced"}, {"orders-2", "strict"}} {
		v := list[i]
		if v.Name != want.name || v.Policy != want.policy || v.ClientID != "apis" || v.Version == "" || v.ConnectedSince.IsZero() {
			t.Errorf("%+v", v)
		}
	}
	w.server.CLI("revoke", "client", "robot", "--reason", "test", "--wait", "9s")
	if after := w.fleet(2); after[0].Seq <= list[0].Seq || after[0].Entries != list[0].Entries+1 {
		t.Errorf("after a revocation %+v", after)
	}
	gone.stop()
	_, err := w.office.AdvanceClock(t.Context(), 11*time.Second) // instead of waiting so long
	w.must(err)
	w.await("the one that is left has reported again", func() bool {
		var connected, away []string
		for v, err := range w.office.Verifiers(t.Context()) {
			w.must(err)
			if v.Connected {
				connected = append(connected, v.Name)
			} else {
				away = append(away, v.Name)
			}
		}
		return len(connected) == 1 && connected[0] == "orders-1" && len(away) == 1 && away[0] == "orders-2"
	})
}

// Bad input to the feed: docs/reference/revocation-feed.md, RFC 6750 §3.1.
func TestTheFeedSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	reader, robot := w.apps["apis"].own(issuer).access, w.apps["robot"].own(issuer).access
	for _, c := range []struct {
		path, token string
		status      int
		says        string
	}{
		{oauth.PathFeedSnapshot, "", http.StatusUnauthorized, `Bearer realm=`},
		{oauth.PathFeedStream + "?cursor=x", "", http.StatusUnauthorized, `Bearer realm=`},
		{oauth.PathFeedPoll + "?cursor=x", "", http.StatusUnauthorized, `Bearer realm=`},
		{oauth.PathFeedSnapshot, "x", http.StatusUnauthorized, `error="invalid_token"`},
		{oauth.PathFeedSnapshot, w.apps["apis"].own(orders).access, http.StatusUnauthorized, `error="invalid_token"`}, // for an API, not for the issuer
		{oauth.PathFeedSnapshot, robot, http.StatusForbidden, `error="insufficient_scope"`},
		{oauth.PathFeedSnapshot, robot, http.StatusForbidden, `scope="revocations:read"`},
		{oauth.PathFeedStream + "?cursor=x", robot, http.StatusForbidden, `scope="revocations:read"`},
		{oauth.PathFeedPoll + "?cursor=x", robot, http.StatusForbidden, `scope="revocations:read"`},
		{oauth.PathFeedStream, reader, http.StatusBadRequest, `error="invalid_request"`},
		{oauth.PathFeedStream + "?cursor=x", reader, http.StatusBadRequest, `error="invalid_request"`},
		{oauth.PathFeedPoll + "?cursor=AAAAAAAAAAAAAAAA.-1", reader, http.StatusBadRequest, `error="invalid_request"`},
		{oauth.PathFeedPoll + "?cursor=AAAAAAAAAAAAAAAA.1&wait=x", reader, http.StatusBadRequest, `error="invalid_request"`},
		{oauth.PathFeedStream + "?cursor=AAAAAAAAAAAAAAAA.1", reader, http.StatusGone, ""}, // of another log
		{oauth.PathFeedSnapshot, reader, http.StatusOK, ""},
	} {
		a := w.get(w.server.Issuer+c.path, c.token)
		if a.status != c.status || !strings.Contains(a.header.Get("WWW-Authenticate"), c.says) {
			t.Errorf("%s is answered with %d %q, want %d %s", c.path, a.status, a.header.Get("WWW-Authenticate"), c.status, c.says)
		}
	}
}

// throughSocket sends a request to the administration API.
func (w *world) throughSocket(request *http.Request) answer {
	w.Helper()
	var dialer net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", filepath.Join(w.server.Data, "admin.sock"))
	}}
	defer transport.CloseIdleConnections()
	return w.send(&http.Client{Transport: transport}, request)
}
