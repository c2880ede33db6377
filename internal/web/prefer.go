package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/feed"
)

// longestWait is how long a revocation may wait for its receipt.
const longestWait = 10 * time.Second

// preferredWait is how long a request would wait for its answer; zero: not at all.
// A preference that is not understood is none, and of several the first counts
// (RFC 7240 §2, §4.3).
func preferredWait(h http.Header) time.Duration {
	for _, value := range h.Values("Prefer") {
		quoted := false
		for preference := range strings.FieldsFuncSeq(value, func(c rune) bool {
			quoted = quoted != (c == '"')
			return c == ',' && !quoted
		}) {
			token, _, _ := strings.Cut(preference, ";")
			name, text, _ := strings.Cut(token, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(text), `"`), 10, 32)
			if err != nil {
				return 0
			}
			return min(longestWait, time.Duration(seconds)*time.Second)
		}
	}
	return 0
}

// applied is what Preference-Applied says of a wait (RFC 7240 §3).
func applied(wait time.Duration) string { return "wait=" + strconv.FormatInt(seconds(wait), 10) }

// receipt is how far a revocation has come, as JSON.
type receipt struct {
	Seq       int64  `json:"seq"`
	Complete  bool   `json:"complete"`
	Applied   int    `json:"applied"`
	Connected int    `json:"connected"`
	Millis    int64  `json:"ms"`
	Sentence  string `json:"sentence"`
}

func receiptOf(r feed.Receipt) receipt {
	return receipt{r.Seq, r.Complete, r.Applied, r.Connected, r.Took.Milliseconds(), r.Sentence}
}

// receiptAfter does something and gives the receipt, if one was asked for. That
// there is none for trouble of ours takes nothing back: it is done.
func receiptAfter(ctx context.Context, f *feed.Feed, wait time.Duration, do func() error) (*feed.Receipt, error) {
	if wait == 0 || f == nil {
		return nil, do()
	}
	expectation := f.Expect()
	defer expectation.Done()
	if err := do(); err != nil {
		return nil, err
	}
	got, err := expectation.Receipt(ctx, wait)
	if err != nil {
		return nil, nil // it is done; only what became of it is not known
	}
	return &got, nil
}
