package outbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/record"
)

// OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.5, and M4: what the client
// gets, down to the last claim.
func TestAClientGetsALogoutTokenOfItsOwn(t *testing.T) {
	w := newWorld(t)
	for _, alg := range []string{"", "ES256", "RS256"} {
		r := w.receiver(status(http.StatusOK))
		id := "shop" + alg
		w.client(id, r.URL+"/logout?tenant=1", func(s *record.ClientSettings) { s.IDTokenSigningAlg = alg })
		before := w.now().Unix()
		w.signOut("sid of "+id, id)
		o := w.open()
		claims := w.claims(r.next(t))
		done := w.until("sid of "+id, id, ended)
		o.Close()
		if done.Outcome != record.Delivered || done.Answer != "answered 200" || done.Tries != 1 {
			t.Errorf("it ended as %+v", done)
		}
		jti, iat := claims["jti"].(string), claims["iat"].(float64)
		if len(jti) != 22 || int64(iat) < before || int64(iat) > w.now().Unix() {
			t.Errorf("jti %q, iat %v", jti, iat)
		}
		want := map[string]any{
			"alg": max(alg, "ES256"), "iss": issuer, "sub": "ana", "aud": id, "iat": iat, "exp": iat + 120, "jti": jti, "sid": "sid of " + id,
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
		if diff := cmp.Diff(want, claims); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	}
}

// §2.8: 200 and 204 say that the logout succeeded, and nothing else does.
func TestOnlyAnAcknowledgementEndsADelivery(t *testing.T) {
	gigabyte := func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 14 {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	w := newWorld(t)
	elsewhere := w.receiver(status(http.StatusOK))
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		outcome record.DeliveryOutcome
		words   string
	}{
		"200":         {status(http.StatusOK), record.Delivered, "answered 200"},
		"204":         {status(http.StatusNoContent), record.Delivered, "answered 204"},
		"202":         {status(http.StatusAccepted), "", "answered 202"},
		"400":         {status(http.StatusBadRequest), "", "answered 400"},
		"500":         {status(http.StatusInternalServerError), "", "answered 500"},
		"redirects":   {http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, "", "redirect"},
		"a gigabyte":  {gigabyte, "", "too_large"},
		"hangs":       {func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, "", "timeout"},
		"breaks off":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", "unreachable"},
		"is down":     {nil, "", "unreachable"},
		"is of http":  {nil, "", "url_scheme"},
		"is inward":   {nil, "", "address_not_public (private)"},
		"has no such": {nil, "", "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := "client " + name
			var uri string
			switch name {
			case "is down":
				r := w.receiver(status(http.StatusOK))
				uri = r.URL
				r.Close()
			case "is of http":
				uri = "http://10.1.2.3:8080/"
			case "is inward":
				uri = "https://10.1.2.3/"
			case "has no such":
				uri = "https://no-such-host.invalid/"
			default:
				r := w.receiver(c.answer)
				uri = r.URL
			}
			w.client(id, uri)
			w.signOut("sid of "+id, id)
			d := w.until("sid of "+id, id, tried(1))
			if d.Outcome != c.outcome || d.Answer != c.words {
				t.Errorf("it is %+v", d)
			}
			if c.outcome == "" && (d.DueAt < d.MadeAt+2500 || d.DoneAt != 0) {
				t.Errorf("it is not tried again as it should: %+v", d)
			}
		})
	}
	o := w.open()
	t.Cleanup(func() {
		o.Close()
		if len(elsewhere.got) != 0 {
			t.Error("a redirect was followed")
		}
	})
}

// A client that does not answer is tried again, each time with a fresh token, and
// then no more, which the log and the audit trail say.
func TestADeliveryIsTriedAgainAndThenGivenUp(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(status(http.StatusServiceUnavailable))
	w.client("shop", r.URL)
	w.signOut("sid", "shop")
	o := w.open()
	defer o.Close()
	first := w.claims(r.next(t))
	var d record.Delivery
	for n := int64(1); n < 5; n++ {
		d = w.until("sid", "shop", tried(n))
		w.advance(time.Duration(d.DueAt-w.now().UnixMilli()+1) * time.Millisecond)
		again := w.claims(r.next(t))
		if again["jti"] == first["jti"] || again["iat"].(float64) <= first["iat"].(float64) || again["sid"] != first["sid"] {
			t.Errorf("the token of attempt %d is %v, the one before %v", n+1, again, first)
		}
		first = again
	}
	if strings.Contains(w.log.all(), "given up") {
		t.Errorf("it was given up early: %s", w.log.all())
	}
	w.until("sid", "shop", tried(5))
	w.advance(patience)
	r.next(t)
	d = w.until("sid", "shop", ended)
	if d.Outcome != record.GivenUp || d.Tries != 6 || d.Answer != "answered 503" {
		t.Errorf("it ended as %+v", d)
	}
	trail, err := w.store.AuditList(t.Context(), "", 9)
	if err != nil || len(trail) != 1 || trail[0].Event != "delivery_given_up" || trail[0].ClientID != "shop" || trail[0].UserID != "ana" ||
		trail[0].Detail != "logout of session sid, after 6 attempts: answered 503" {
		t.Errorf("the audit trail is %+v (%v)", trail, err)
	}
	if log := w.log.all(); strings.Count(log, "a delivery was given up") != 1 || strings.Contains(log, "logout_token") || strings.Contains(log, r.URL) {
		t.Errorf("the log is %s", log)
	}
	w.advance(patience)
	if len(r.got) != 0 {
		t.Error("it was tried once more")
	}
}

// Clients that hang, as many as there are slots, hold up nobody else.
func TestASlowReceiverHoldsUpNobodyElse(t *testing.T) {
	w := newWorld(t)
	hang := make(chan struct{})
	slow := w.receiver(func(http.ResponseWriter, *http.Request) { <-hang })
	quick := w.receiver(status(http.StatusOK))
	w.client("quick", quick.URL)
	w.client("slow", slow.URL)
	for n := range 20 {
		w.signOut(fmt.Sprint("slow ", n), "slow")
	}
	o := w.open()
	for range perReceiver {
		slow.next(t)
	}
	for n := range 50 {
		w.signOut(fmt.Sprint("quick ", n), "quick")
	}
	for range 50 {
		quick.next(t)
	}
	if n := len(slow.got); n != 0 {
		t.Errorf("%d more went to the slow one while it had %d", n, perReceiver)
	}
	close(hang)
	o.Close()
}

// Two outboxes on one database share the rows: each is delivered once while nobody
// dies.
func TestTwoServersShareTheWork(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(status(http.StatusNoContent))
	w.client("shop", r.URL)
	one, two := w.open(), w.open()
	var want, got []string
	for n := range 40 {
		sid := fmt.Sprintf("sid %02d", n)
		want = append(want, sid)
		w.signOut(sid, "shop")
	}
	for range want {
		got = append(got, w.claims(r.next(t))["sid"].(string))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	one.Close()
	two.Close()
	if len(r.got) != 0 {
		t.Errorf("%d came twice", len(r.got))
	}
}

// Whoever dies between the lease and the answer is stood in for when the lease
// has run out, and not before.
func TestALeaseThatRanOutIsTakenOver(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(status(http.StatusOK))
	w.client("shop", r.URL)
	w.signOut("sid", "shop")
	due, err := w.store.DueDeliveries(t.Context(), w.now().UnixMilli(), nil, 9)
	if err != nil || len(due) != 1 {
		t.Fatalf("due are %+v (%v)", due, err)
	}
	if _, err := w.store.LeaseDelivery(t.Context(), due[0], w.now().Add(lease).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	o := w.open()
	defer o.Close()
	w.client("another", r.URL)
	w.signOut("another sid", "another")
	if sid := w.claims(r.next(t))["sid"]; sid != "another sid" {
		t.Errorf("%s came, which somebody else is at", sid)
	}
	w.advance(lease)
	if sid := w.claims(r.next(t))["sid"]; sid != "sid" {
		t.Errorf("%s came", sid)
	}
	w.until("sid", "shop", func(d record.Delivery) bool { return ended(d) && d.Tries == 2 })
}

// Stopping waits for what is under way, for a while; what is cut off is due at
// once for whoever starts next.
func TestStoppingCutsOffWhatHangs(t *testing.T) {
	w := newWorld(t)
	hang := make(chan struct{})
	r := w.receiver(func(http.ResponseWriter, *http.Request) { <-hang })
	w.client("shop", r.URL)
	w.signOut("sid", "shop")
	o := w.open()
	r.next(t)
	began := time.Now()
	o.Close()
	if took := time.Since(began); took < grace || took > grace+time.Second {
		t.Errorf("it stopped after %v", took)
	}
	close(hang)
	o = w.open()
	defer o.Close()
	r.next(t)
	w.until("sid", "shop", func(d record.Delivery) bool { return d.Outcome == record.Delivered && d.Tries == 2 })
}

// A client that is gone, or that names no address any more, gets nothing.
func TestWhatNobodyIsThereForIsWithdrawn(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(status(http.StatusOK))
	w.client("gone", r.URL)
	w.client("silent", r.URL)
	w.signOut("sid", "gone", "silent")
	w.commit(record.DeleteClient{ID: "gone"}, record.UpdateClient{ID: "silent", Enabled: true, Version: 1})
	o := w.open()
	defer o.Close()
	for _, id := range []string{"gone", "silent"} {
		if d := w.until("sid", id, ended); d.Outcome != record.Withdrawn {
			t.Errorf("%s ended as %+v", id, d)
		}
	}
	if len(r.got) != 0 {
		t.Error("something came")
	}
}
