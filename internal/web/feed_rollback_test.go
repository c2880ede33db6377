package web

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// receiptOf posts a verifier's receipt with a head, and gives the answer's status.
func (w *world) receiptOf(token, log, head string) int {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{
		"name": "orders", "version": "go/1", "policy": "strict", "state": "stale", "log": log, "seq": 1000, "entries": 1, "head": head,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	answer := w.ask(http.MethodPost, oauth.PathFeedReceipt, token, string(body))
	_ = answer.Body.Close()
	return answer.StatusCode
}

// tokens.md, part 2, I8: a reader can name any place, and show any text; the head
// that we have signed is the proof.
func TestAHeadFromTheFutureEndsTheLogAndAnotherTextDoesNot(t *testing.T) {
	w := newWorld(t, "http://localhost:8484")
	reader, _ := w.tokenOf("reader")
	logOf := func(token string) string {
		answer := w.ask(http.MethodGet, oauth.PathFeedSnapshot, token, "")
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		line, _, _ := strings.Cut(string(body), "\n")
		var header struct{ Log string }
		if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal([]byte(line), &header) != nil {
			t.Fatalf("the snapshot is %d %s, %v", answer.StatusCode, line, err)
		}
		return header.Log
	}
	before := logOf(reader)
	head, err := w.engine.Ring().SignHead([]byte(`{"iss":"` + w.engine.Issuer().String() + `","log":"` + before + `","seq":1000,"lc":1,"h":"` +
		base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if status := w.receiptOf(reader, before, head[:len(head)-2]); status != http.StatusNoContent || logOf(reader) != before {
		t.Fatalf("a text that nobody signed is answered %d, or the log has ended", status)
	}
	if status := w.receiptOf(reader, before, head); status != http.StatusNoContent {
		t.Fatalf("the proof is answered %d", status)
	}
	answer := w.ask(http.MethodGet, oauth.PathFeedSnapshot, reader, "")
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token from before it is answered %d", answer.StatusCode)
	}
	reader, _ = w.tokenOf("reader")
	after := logOf(reader)
	if after == before {
		t.Error("the log goes on")
	}
	// Once: the proof is about a log that has ended.
	if status := w.receiptOf(reader, before, head); status != http.StatusNoContent || logOf(reader) != after {
		t.Errorf("once more it is answered %d, or another log has begun", status)
	}
}
