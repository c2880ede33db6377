package feed

import (
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

func (w *world) report(name, policy string, at Cursor) {
	w.Helper()
	w.must(w.Report("api", Report{Name: name, Version: "1", Policy: policy, State: "live", Log: at.Log, Seq: at.Seq}))
}

func (w *world) receipt(wait time.Duration) Receipt {
	w.Helper()
	e := w.Expect()
	defer e.Done()
	r, err := e.Receipt(w.Context(), wait)
	w.must(err)
	return r
}

func TestAReceiptCountsWhoHasAppliedTheRevocation(t *testing.T) {
	w := newWorld(t)
	if r := w.receipt(time.Hour); !r.Complete || r.Sentence != "no verifier is connected" {
		t.Errorf("of nobody: %+v", r)
	}
	before := w.here()
	w.report("orders-1", strict, before)
	w.report("orders-2", balanced, before)
	w.revoke(revocation.ForSID("a"))
	if r := w.receipt(0); r.Complete || r.Applied != 0 || r.Connected != 2 || !strings.Contains(r.Sentence, "orders-2 (balanced) has not confirmed it and will refuse all but safe methods by ") {
		t.Errorf("before anybody: %+v", r)
	}
	done := make(chan Receipt)
	go func() {
		e := w.Expect()
		defer e.Done()
		r, err := e.Receipt(t.Context(), time.Hour)
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	w.report("orders-1", strict, w.here())
	w.report("orders-2", balanced, w.here())
	if r := <-done; !r.Complete || r.Applied != 2 || r.Connected != 2 || !strings.HasPrefix(r.Sentence, "applied by 2 of 2 connected verifiers in ") {
		t.Errorf("after both: %+v", r)
	}
}

// tokens.md part 3: the bound of whoever is away is worded by its policy.
func TestAReceiptSaysWhenWhoIsAwayWillRefuse(t *testing.T) {
	w := newWorld(t)
	w.unix.Store(time.Date(2026, 11, 22, 14, 1, 31, 0, time.UTC).UnixMilli())
	for name, policy := range map[string]string{"a": strict, "b": balanced, "c": available} {
		w.report(name, policy, w.here())
	}
	w.pass(connectedFor)
	w.report("d", strict, w.here())
	w.revoke(revocation.ForSID("a"))
	w.report("d", strict, w.here())
	r := w.receipt(time.Hour)
	if r.Applied != 1 || r.Connected != 1 {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{
		"a (strict) is disconnected and will refuse by 14:02:31 UTC",
		"b (balanced) is disconnected and will refuse all but safe methods by 14:02:31 UTC",
		"c (available) is disconnected and promises nothing while disconnected",
	} {
		if !strings.Contains(r.Sentence, want) {
			t.Errorf("%q is not in %q", want, r.Sentence)
		}
	}
	w.pass(refusesAfter)
	if r := w.receipt(0); !strings.Contains(r.Sentence, "a (strict) is disconnected and refuses since 14:02:31 UTC") {
		t.Errorf("later it says %q", r.Sentence)
	}
}

func TestWhoWaitsForAReceiptHasVerifiersAsked(t *testing.T) {
	w := newWorld(t)
	r, s := w.reader(w.here(), w.head().Chain), w.stream(w.here())
	e := w.Expect()
	r.follow(s, w.revoke(revocation.ForSID("a")))
	e.Done()
	r.follow(s, w.revoke(revocation.ForSID("b")))
	if r.asked != 1 {
		t.Errorf("it was asked %d times", r.asked)
	}
}

func TestTheListSaysHowFarEachVerifierIs(t *testing.T) {
	w := newWorld(t)
	here := w.here()
	w.report("b", strict, here)
	w.report("a", balanced, Cursor{revocation.NewLogID([12]byte{1}), 5})
	since := w.now()
	s := w.stream(here)
	w.reader(here, w.head().Chain).follow(s, w.revoke(revocation.ForSID("a"), revocation.ForSID("b")))
	w.pass(beat)
	w.report("b", strict, here)
	list := w.Verifiers()
	if len(list) != 2 || list[0].Name != "a" || list[0].Lag != -1 || list[1].Lag != 2 || !list[1].Connected || !list[1].Since.Equal(since) {
		t.Errorf("%+v", list)
	}
	w.pass(connectedFor)
	if list := w.Verifiers(); list[1].Connected {
		t.Errorf("after a silence: %+v", list[1])
	}
	w.report("b", strict, here)
	if list := w.Verifiers(); !list[1].Since.Equal(w.now()) {
		t.Errorf("after it came back: %+v", list[1])
	}
	w.pass(forgottenAfter + time.Millisecond)
	if list := w.Verifiers(); len(list) != 0 {
		t.Errorf("for ever: %+v", list)
	}
}

func TestWhatNoVerifierReportsIsRefused(t *testing.T) {
	w := newWorld(t)
	good := Report{Name: "n", Version: "v", Policy: strict, State: "live", Log: w.here().Log}
	for name, spoil := range map[string]func(*Report){
		"no name": func(r *Report) { r.Name = "" }, "a name that a terminal obeys": func(r *Report) { r.Name = "\x1b[2J" },
		"a long name": func(r *Report) { r.Name = strings.Repeat("x", 201) }, "no version": func(r *Report) { r.Version = "" },
		"no policy": func(r *Report) { r.Policy = "lax" }, "no state": func(r *Report) { r.State = "fine" },
		"no log": func(r *Report) { r.Log = "x" }, "a negative number": func(r *Report) { r.Seq = -1 },
		"negative entries": func(r *Report) { r.Entries = -1 },
	} {
		bad := good
		spoil(&bad)
		if err := w.Report("api", bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if len(w.Verifiers()) != 0 {
		t.Error("and it is in the list")
	}
	w.must(w.Report("api", good))
}
