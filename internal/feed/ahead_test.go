package feed

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// tokens.md, part 2, I8: whoever may read the feed can name any place. It is worth
// a line in the log, and no more.
func TestACursorFromTheFutureIsWarnedOfAndNoProof(t *testing.T) {
	w := newWorld(t)
	var said bytes.Buffer
	w.Feed.Log = slog.New(slog.NewTextHandler(&said, nil))
	ahead := w.here()
	ahead.Seq += 5
	for range 3 {
		if _, err := w.Poll(t.Context(), ahead, 0); !errors.Is(err, ErrGone) {
			t.Errorf("a poll answers %v", err)
		}
		w.report("orders", strict, ahead)
	}
	if warned := strings.Count(said.String(), "level=WARN"); warned != 1 || strings.Contains(said.String(), "ERROR") {
		t.Errorf("within a minute it says:\n%s", said.String())
	}
	w.pass(time.Minute)
	w.report("orders", strict, ahead)
	if warned := strings.Count(said.String(), "level=WARN"); warned != 2 {
		t.Errorf("a minute later it says:\n%s", said.String())
	}
}
