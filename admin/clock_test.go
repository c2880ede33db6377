package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

func inTestMode(c *engine.Config) { c.TestMode = true }

func TestOnlyInTestModeIsThereAClockToMove(t *testing.T) {
	s := newServer(t)
	_, err := s.AdvanceClock(t.Context(), time.Minute)
	s.refused(err, http.StatusNotFound)
	if ahead := time.Until(s.engine.Now()); ahead > time.Second {
		t.Errorf("the clock is ahead by %s", ahead)
	}
}

func TestAClockThatIsMovedTakesEverythingAlong(t *testing.T) {
	s := newServer(t, inTestMode)
	const leap = 91 * 24 * time.Hour
	before := map[string]string{}
	for _, key := range collect(s, s.Keys(t.Context())) {
		before[key.KID] = key.Status
	}
	now, err := s.AdvanceClock(t.Context(), leap)
	s.must(err)
	if ahead := time.Until(now); ahead < leap-time.Minute || ahead > leap {
		t.Errorf("it shows %s, which is %s ahead", now, ahead)
	}
	for _, key := range collect(s, s.Keys(t.Context())) {
		if before[key.KID] == "active" && key.Status != "retired" {
			t.Errorf("after %s key %s of %s is %s", leap, key.KID, key.Alg, key.Status)
		}
	}
	s.must(s.engine.RotateKeys(t.Context(), false)) // a commit that moves the logical clock
	head, err := s.store.Head(t.Context())
	s.must(err)
	if head.LC < now.UnixMilli() {
		t.Errorf("the logical clock is at %s, behind %s", time.UnixMilli(head.LC), now)
	}
}

func TestAClockMovesNotForEverAndNeverBehindTheMachines(t *testing.T) {
	s := newServer(t, inTestMode)
	for _, by := range []time.Duration{0, -time.Hour, time.Microsecond, 3651 * 24 * time.Hour} {
		_, err := s.AdvanceClock(t.Context(), by)
		if problem := s.problem(err, http.StatusBadRequest); problem.Errors[0].Field != "advance" {
			t.Errorf("by %s: %+v", by, problem)
		}
	}
	_, err := s.AdvanceClock(t.Context(), 3650*24*time.Hour)
	s.must(err)
	_, err = s.AdvanceClock(t.Context(), time.Hour)
	s.refused(err, http.StatusBadRequest)
	now, err := s.AdvanceClock(t.Context(), -3650*24*time.Hour)
	s.must(err)
	if ahead := time.Until(now); ahead > 0 || ahead < -time.Minute {
		t.Errorf("moved all the way back, it is ahead by %s", ahead)
	}
	_, err = s.AdvanceClock(t.Context(), -time.Hour)
	s.refused(err, http.StatusBadRequest)
}

func TestTestModeRefusesAnIssuerThatOthersMayRelyOn(t *testing.T) {
	s := newServer(t)
	issuer, err := oauth.ParseIssuer("https://id.example")
	s.must(err)
	_, err = engine.Open(t.Context(), engine.Config{Policy: decide.DefaultPolicy(issuer), Store: s.store, TestMode: true})
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("it opened: %v", err)
	}
}

func TestTheAuditTrailIsListedNewestFirst(t *testing.T) {
	s := newServer(t)
	client := shop()
	client.Resources = nil
	_, err := s.CreateClient(t.Context(), client)
	s.must(err)
	const times = 110 // twice that is more than a page
	for range times {
		_, err := s.DisableClient(t.Context(), "shop")
		s.must(err)
		_, err = s.EnableClient(t.Context(), "shop")
		s.must(err)
	}
	seen, disabled := map[string]bool{}, 0
	var last admin.AuditEvent
	for _, event := range collect(s, s.Audit(t.Context())) {
		if seen[event.ID] || !last.At.IsZero() && event.At.After(last.At) {
			t.Fatalf("%+v comes after %+v", event, last)
		}
		seen[event.ID], last = true, event
		if event.ClientID == "shop" && event.Event == "client_cut" && event.Actor == "admin" && event.Count == 1 {
			disabled++
		}
	}
	if disabled != times {
		t.Errorf("of %d events %d are there", times, disabled)
	}
}
