package engine

import (
	"crypto/sha256"
	"log/slog"
	"sync"

	"github.com/mintmark-id/mintmark/internal/metrics"
	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	mostConstants = 4096      // clients of which the last request is kept
	warnAgain     = 3_600_000 // ms: a client is named in the log at most once in this time
)

// constants notices clients that send the same code_challenge or nonce again and
// again: what is the same in two sessions is no secret of either. RFC 9700 §2.1.1
// encourages a server to look for that. Each node looks for itself; nothing is
// refused, since the code is good, and its client is to be mended.
type constants struct {
	log     *slog.Logger
	metrics *metrics.Metrics

	mu   sync.Mutex
	last map[string]lastCode // by client_id
}

// lastCode is what the client sent for its last code. The zero value of a sum is
// nothing.
type lastCode struct {
	sid              string
	challenge, nonce [sha256.Size]byte
	warned           int64 // Unix ms
}

// see looks at the codes among what was committed.
func (c *constants) see(changes []record.Change, now int64) {
	for _, change := range changes {
		if put, ok := change.(record.PutCode); ok {
			c.compare(&put.Code, now)
		}
	}
}

func (c *constants) compare(code *record.Code, now int64) {
	fresh := lastCode{sid: code.SID, challenge: sumOf(code.Challenge), nonce: sumOf(code.Request.Nonce)}
	c.mu.Lock()
	defer c.mu.Unlock()
	before, known := c.last[code.ClientID]
	if !known && len(c.last) >= mostConstants {
		for id := range c.last { // any one: a client that comes often is soon back
			delete(c.last, id)
			break
		}
	}
	fresh.warned = before.warned
	if before.sid != code.SID { // in one session it may be a page that was loaded again
		for _, sent := range []struct {
			parameter string
			same      bool
		}{
			{"code_challenge", before.challenge == fresh.challenge && code.Challenge != ""},
			{"nonce", before.nonce == fresh.nonce && code.Request.Nonce != ""},
		} {
			if sent.same {
				c.tell(code.ClientID, sent.parameter, &fresh, now)
			}
		}
	}
	c.last[code.ClientID] = fresh
}

// tell counts, and names the client in the log now and then.
func (c *constants) tell(clientID, parameter string, last *lastCode, now int64) {
	c.metrics.Constant(parameter)
	if last.warned == 0 || now-last.warned >= warnAgain {
		last.warned = now
		c.log.Warn("a client sends the same value in different sessions", "client", clientID, "parameter", parameter)
	}
}

// sumOf is the zero value of nothing.
func sumOf(text string) (sum [sha256.Size]byte) {
	if text != "" {
		sum = sha256.Sum256([]byte(text))
	}
	return sum
}
