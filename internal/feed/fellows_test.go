package feed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

// says has the feed hear what another node says.
func (w *world) says(node string, what word) {
	w.Helper()
	what.From, what.Node = "a run of "+node, node
	if what.Log == "" {
		what.Log = w.here().Log
	}
	text, err := json.Marshal(what)
	w.must(err)
	w.hear(string(text))
}

func (w *world) toldOf(name string, at Cursor, age time.Duration) told {
	return told{
		Client: "api", Age: age.Milliseconds(), Since: time.Minute.Milliseconds(),
		Report: Report{Name: name, Version: "1", Policy: strict, State: "live", Log: at.Log, Seq: at.Seq},
	}
}

func TestAReceiptCountsTheVerifiersOfAllNodes(t *testing.T) {
	w := newWorld(t)
	w.Node = "here:1"
	before := w.here()
	w.report("orders-1", strict, before)
	w.says("there:1", word{Verifiers: []told{w.toldOf("orders-2", before, 0), w.toldOf("orders-3", before, 0)}})
	w.revoke(revocation.ForSID("a"))
	if r := w.receipt(0); r.Connected != 3 || r.Applied != 0 || !strings.Contains(r.Sentence, "orders-2 (strict, at there:1) has not confirmed it") {
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
	w.says("there:1", word{Verifiers: []told{w.toldOf("orders-2", w.here(), 0)}})
	w.says("there:2", word{Verifiers: []told{w.toldOf("orders-3", w.here(), 0)}}) // it went on to another node
	if r := <-done; !r.Complete || r.Applied != 3 || r.Connected != 3 {
		t.Errorf("after all: %+v", r)
	}
	var nodes []string
	for _, v := range w.Verifiers() {
		nodes = append(nodes, v.Name+" "+v.Node)
	}
	if want := []string{"orders-1 here:1", "orders-2 there:1", "orders-3 there:2"}; !slices.Equal(nodes, want) {
		t.Errorf("the list has %v", nodes)
	}
}

// A report counts however it came, and the newest one does.
func TestOlderNewsOfAVerifierIsNoNews(t *testing.T) {
	w := newWorld(t)
	w.Node = "here:1"
	before := w.here()
	w.revoke(revocation.ForSID("a"))
	w.report("orders", strict, w.here())
	w.says("there:1", word{Verifiers: []told{w.toldOf("orders", before, time.Second)}})
	if v := w.Verifiers()[0]; v.Lag != 0 || v.Node != "here:1" {
		t.Errorf("it was overtaken by the past: %+v", v)
	}
}

func TestANodeThatDiesFallsOutAndIsNamed(t *testing.T) {
	w := newWorld(t)
	w.Node = "here:1"
	w.says("there:1", word{Verifiers: []told{w.toldOf("orders", w.here(), 0)}})
	w.says("there:2", word{})
	w.says("there:3", word{})
	w.says("there:3", word{Bye: true})
	if r := w.receipt(0); r.Connected != 1 || !r.Complete || strings.Contains(r.Sentence, "last heard") {
		t.Errorf("while they live: %+v", r)
	}
	w.revoke(revocation.ForSID("a"))
	w.pass(connectedFor)
	w.says("there:2", word{})
	r := w.receipt(0)
	if r.Connected != 0 || !strings.Contains(r.Sentence, "orders (strict, at there:1) is disconnected and will refuse by ") ||
		!strings.Contains(r.Sentence, "node there:1 was last heard at ") || strings.Contains(r.Sentence, "node there:2") || strings.Contains(r.Sentence, "node there:3") {
		t.Errorf("after one has died: %+v", r)
	}
	w.pass(forgottenAfter)
	w.says("there:2", word{})
	if r := w.receipt(0); strings.Contains(r.Sentence, "there:1") {
		t.Errorf("an hour later: %+v", r)
	}
}

func TestWhatIsNoWordOfANodeIsIgnored(t *testing.T) {
	w := newWorld(t)
	w.Node = "here:1"
	bad := w.toldOf("a\x1bname", w.here(), 0)
	w.says("there:1", word{Verifiers: []told{bad, w.toldOf("orders", w.here(), -time.Hour)}})
	w.hear(`{"from":"x","node":"there:9","verifiers":[{"name":7}]}`)
	w.hear(`{`)
	w.hear(`{"from":"x"}`)
	w.says("there:1", word{Log: "bG9nIG9mIG90aGVy", Ask: true, Verifiers: []told{w.toldOf("invoices", w.here(), 0)}}) // of another issuer, beside ours
	w.hear(fmt.Sprintf(`{"from":%q,"node":"here:1","log":%q,"ask":true}`, w.fellows.me, w.here().Log))                // its own
	if list := w.Verifiers(); len(list) != 1 || list[0].Name != "orders" || list[0].Seen.After(w.now()) {
		t.Errorf("it took %+v", list)
	}
	if w.fellows.isAsked() {
		t.Error("it asks because of itself")
	}
}

// What a node says fits a notification, whatever its verifiers are called.
func TestWordsFitIntoANotification(t *testing.T) {
	w := newWorld(t)
	w.Node = strings.Repeat("n", 260)
	var all []told
	for i := range 500 {
		v := w.toldOf(fmt.Sprint(strings.Repeat(`"`, i%200), i), w.here(), 0)
		v.Version, v.Client = strings.Repeat("<", 200), strings.Repeat("c", 64)
		all = append(all, v)
	}
	n := 0
	for part := range slices.Chunk(all, w.perWord(all)) {
		text, err := json.Marshal(word{From: w.fellows.me, Node: w.Node, Log: w.here().Log, Verifiers: part})
		w.must(err)
		if len(text) > maxWord {
			t.Errorf("a word has %d bytes", len(text))
		}
		n += len(part)
	}
	if n != len(all) {
		t.Errorf("it tells of %d", n)
	}
}
