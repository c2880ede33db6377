package verify

import (
	"sync"
	"sync/atomic"
)

const (
	cacheShards = 64       // a power of two
	cacheBytes  = 64 << 20 // some 30,000 tokens
)

// remembered is a token whose signature, type, issuer and audience were checked.
// What can change (expiry, revocation) is checked at every use.
type remembered struct {
	token  string
	claims Claims
	ends   int64 // unix ms: exp and the leeway
	named  atomic.Pointer[named]
	clean  atomic.Uint64 // the generation of the view in which it was last found alive
}

// named are a token's targets as one log calls them.
type named struct {
	epoch uint64
	names []uint64
	room  [9]uint64 // of a token with one audience
}

// size is a generous estimate of what remembering it takes: the token itself,
// the payload twice over, and the fixed parts.
func (r *remembered) size() int { return 3*len(r.token) + 512 }

// cache remembers tokens by all of their bytes: neither the signature alone nor
// a hash cut short stands for a token. It is bounded in bytes. Only tokens that
// verified get in, so nobody can fill it with rubbish.
type cache struct {
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu     sync.RWMutex
	tokens map[string]*remembered
	bytes  int
}

// shard spreads by the signature's bytes. They choose a lock, never a token.
func (c *cache) shard(token string) *cacheShard { return &c.shards[shardOf(token)] }

func shardOf(token string) int {
	if len(token) < 4 {
		return 0
	}
	return int(token[len(token)-3]^token[len(token)-4]<<3) % cacheShards
}

func (c *cache) get(token string) *remembered {
	s := c.shard(token)
	s.mu.RLock()
	r := s.tokens[token]
	s.mu.RUnlock()
	return r
}

// put remembers a token and returns the entry that all its callers share. A full
// shard loses entries in no particular order: whoever returns pays one
// verification.
func (c *cache) put(r *remembered) *remembered {
	s := c.shard(r.token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.tokens[r.token]; before != nil {
		return before
	}
	if s.tokens == nil {
		s.tokens = map[string]*remembered{}
	}
	for token, old := range s.tokens {
		if s.bytes+r.size() <= cacheBytes/cacheShards {
			break
		}
		delete(s.tokens, token)
		s.bytes -= old.size()
	}
	s.tokens[r.token] = r
	s.bytes += r.size()
	return r
}

func (c *cache) drop(r *remembered) {
	s := c.shard(r.token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[r.token] == r {
		delete(s.tokens, r.token)
		s.bytes -= r.size()
	}
}
