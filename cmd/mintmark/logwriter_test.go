package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink remembers what was written at once. Writing waits until release is closed, if
// there is one.
type sink struct {
	release chan struct{}
	batches []string
}

func (s *sink) Write(batch []byte) (int, error) {
	if s.release != nil {
		<-s.release
	}
	s.batches = append(s.batches, string(batch))
	return len(batch), nil
}

func TestLinesThatComeTogetherAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		w := newLogWriter(out)
		fmt.Fprintln(w, "one")
		fmt.Fprintln(w, "two")
		synctest.Wait()
		if len(out.batches) != 0 {
			t.Errorf("written at once: %q", out.batches)
		}
		time.Sleep(logDelay)
		synctest.Wait()
		if len(out.batches) != 1 || out.batches[0] != "one\ntwo\n" {
			t.Errorf("written: %q", out.batches)
		}
		fmt.Fprintln(w, "three")
		w.Close()
		if len(out.batches) != 2 || out.batches[1] != "three\n" {
			t.Errorf("written at the end: %q", out.batches)
		}
		fmt.Fprintln(w, "late")
		if len(out.batches) != 3 || out.batches[2] != "late\n" {
			t.Errorf("written after the end: %q", out.batches)
		}
	})
}

func TestMuchAtOnceDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		w := newLogWriter(out)
		began := time.Now()
		fmt.Fprint(w, strings.Repeat("x", logBuffer))
		synctest.Wait()
		if len(out.batches) != 1 || time.Since(began) != 0 {
			t.Errorf("%d batches after %s", len(out.batches), time.Since(began))
		}
		w.Close()
	})
}

func TestASlowOutputMakesWritersWaitAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{release: make(chan struct{})}
		w := newLogWriter(out)
		line := bytes.Repeat([]byte("y"), logBuffer/2)
		var writers sync.WaitGroup
		for range 20 {
			writers.Go(func() { _, _ = w.Write(line) })
		}
		time.Sleep(time.Minute)
		w.mu.Lock()
		held := len(w.buffer)
		w.mu.Unlock()
		if held > 2*logBuffer {
			t.Errorf("%d bytes are held", held)
		}
		close(out.release)
		writers.Wait()
		w.Close()
		if total := len(strings.Join(out.batches, "")); total != 20*len(line) {
			t.Errorf("%d bytes of %d", total, 20*len(line))
		}
	})
}
