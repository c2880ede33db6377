package verify

import (
	"hash/maphash"
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
	key    uint64 // keyOf(token)
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

// cache remembers tokens by all of their bytes: neither the signature alone nor a
// hash stands for a token. It is bounded in bytes. Only tokens that verified get in,
// so nobody can fill it with rubbish.
type cache struct {
	shards [cacheShards]cacheShard
}

// cacheShard finds a token by its key, and holds it to all of it: a map that grows
// need not read long tokens again.
type cacheShard struct {
	mu     sync.RWMutex
	tokens map[uint64]*remembered
	bytes  int
}

// seed is drawn by each process, so that nobody can make two tokens with one key.
var seed = maphash.MakeSeed()

func keyOf(token string) uint64 { return maphash.String(seed, token) }

func (c *cache) shard(key uint64) *cacheShard { return &c.shards[key%cacheShards] }

func (c *cache) get(key uint64, token string) *remembered {
	s := c.shard(key)
	s.mu.RLock()
	r := s.tokens[key]
	s.mu.RUnlock()
	if r == nil || r.token != token {
		return nil
	}
	return r
}

// put remembers a token and returns the entry that all its callers share. A full
// shard loses entries in no particular order: whoever returns pays one
// verification.
func (c *cache) put(r *remembered) *remembered {
	s := c.shard(r.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.tokens[r.key]
	switch {
	case before == nil:
	case before.token == r.token:
		return before
	default:
		delete(s.tokens, r.key)
		s.bytes -= before.size()
	}
	if s.tokens == nil {
		s.tokens = map[uint64]*remembered{}
	}
	if s.bytes += r.size(); s.bytes > cacheBytes/cacheShards {
		s.makeRoom()
	}
	s.tokens[r.key] = r
	return r
}

func (s *cacheShard) makeRoom() {
	for key, old := range s.tokens {
		if s.bytes <= cacheBytes/cacheShards {
			break
		}
		delete(s.tokens, key)
		s.bytes -= old.size()
	}
}

func (c *cache) drop(r *remembered) {
	s := c.shard(r.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[r.key] == r {
		delete(s.tokens, r.key)
		s.bytes -= r.size()
	}
}
