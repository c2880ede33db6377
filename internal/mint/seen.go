package mint

import (
	"strings"
	"sync"

	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	// seenBytes bounds what Seen holds: some ten thousand tokens.
	seenBytes = 16 << 20
	// seenOverhead is what a token takes beside its text and its claims.
	seenOverhead = 600
)

// Seen remembers access tokens of ours by their whole text, so that one that is
// asked about again need not be verified again. What it says of a token never
// changes: whether that is expired or revoked is not among it. A Seen belongs to
// the keys of one moment, and goes with them.
type Seen struct {
	mu    sync.Mutex
	young map[string]*record.VerifiedToken
	old   map[string]*record.VerifiedToken // what was young before, and dropped if nobody asks for it
	bytes int                              // of young
}

// NewSeen makes one that remembers nothing yet.
func NewSeen() *Seen { return &Seen{young: map[string]*record.VerifiedToken{}} }

// get gives a token that was put; nil if it is not remembered. Nobody changes it.
func (s *Seen) get(token string) *record.VerifiedToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.young[token]
	if found == nil {
		if found = s.old[token]; found != nil {
			s.add(strings.Clone(token), found)
		}
	}
	return found
}

func (s *Seen) put(token string, verified *record.VerifiedToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(strings.Clone(token), verified) // the text may be a part of a whole request
}

// add ages all that is young when it is half of what may be held. The lock is held.
func (s *Seen) add(token string, verified *record.VerifiedToken) {
	size := len(token) + len(verified.Claims) + seenOverhead
	if s.bytes+size > seenBytes/2 {
		s.young, s.old, s.bytes = map[string]*record.VerifiedToken{}, s.young, 0
	}
	if s.young[token] == nil {
		s.bytes += size
	}
	s.young[token] = verified
}
