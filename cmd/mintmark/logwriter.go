package main

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/config"
)

const (
	logBuffer = 64 << 10              // written out when this much has gathered
	logDelay  = 20 * time.Millisecond // or when a line has waited so long
)

// logWriter gathers log lines and writes many at a time, so that a request costs
// no system call of its own. Whoever logs waits only if the output is slower than
// the lines come.
type logWriter struct {
	out io.Writer

	mu      sync.Mutex
	drained sync.Cond // the buffer was taken
	buffer  []byte
	closed  bool

	wake  chan struct{} // the buffer is no longer empty
	full  chan struct{} // it should be written now
	ended chan struct{}
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, wake: make(chan struct{}, 1), full: make(chan struct{}, 1), ended: make(chan struct{})}
	w.drained.L = &w.mu
	go w.loop()
	return w
}

// Write takes one line. It never fails: there is nowhere to tell.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.buffer) > 0 && len(w.buffer)+len(line) > 2*logBuffer && !w.closed {
		w.drained.Wait()
	}
	if w.closed {
		_, _ = w.out.Write(line) // what comes after the end is rare, and goes straight out
		return len(line), nil
	}
	w.buffer = append(w.buffer, line...)
	mark(w.wake)
	if len(w.buffer) >= logBuffer {
		mark(w.full)
	}
	return len(line), nil
}

// mark leaves a sign that somebody waits for, if it is not there yet.
func mark(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *logWriter) loop() {
	defer close(w.ended)
	var spare []byte
	for {
		<-w.wake
		select {
		case <-w.full:
		case <-time.After(logDelay):
		}
		w.mu.Lock()
		batch, closed := w.buffer, w.closed
		w.buffer = spare[:0]
		w.drained.Broadcast()
		w.mu.Unlock()
		_, _ = w.out.Write(batch) // there is nowhere to tell
		if spare = batch; closed {
			return
		}
	}
}

// Close writes what is left.
func (w *logWriter) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	mark(w.wake)
	mark(w.full)
	<-w.ended
}

// newLog makes the log that the settings ask for.
func newLog(c *config.Config, out io.Writer, isTerminal bool) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // one of four words, checked
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" || c.LogFormat == "auto" && !isTerminal {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
		}
		return a
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// isTerminal tells whether people read a file as it is written.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
