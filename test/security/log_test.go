package security_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// logBook is all that a server logged, at every level, and what must not be in it.
type logBook struct {
	mu     sync.Mutex
	lines  bytes.Buffer
	hidden map[string]bool
}

func newLogBook() *logBook { return &logBook{hidden: map[string]bool{}} }

func (b *logBook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write is for the logger.
func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(p)
}

func (b *logBook) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

// hide names what opens something, or somebody.
func (b *logBook) hide(secrets ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= minSecret {
			b.hidden[s] = true
		}
	}
}

// minSecret is what is long enough not to be found by chance.
const minSecret = 8

// known lists what was hidden until now.
func (b *logBook) known() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]string, 0, len(b.hidden))
	for s := range b.hidden {
		list = append(list, s)
	}
	return list
}

// keepsSecrets: no token, code, cookie, password, form token, interaction or address in clear, whatever was asked.
func (b *logBook) keepsSecrets(t *testing.T) {
	text := strings.ToLower(b.text())
	for _, s := range b.known() {
		if strings.Contains(text, strings.ToLower(s)) {
			t.Errorf("the log has %q", s)
		}
	}
}
