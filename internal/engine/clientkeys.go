package engine

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// The bounds of what is fetched from a jwks_uri, in milliseconds and bytes.
const (
	maxKeySet     = 64 << 10 // bytes of a fetched set
	freshLeast    = 60_000   // an answer that forbids keeping it is kept this long
	freshDefault  = 600_000  // where the answer says nothing
	freshMost     = 3_600_000
	staleMost     = 86_400_000 // since they were fetched, keys count while fetching fails
	retryLeast    = 1_000      // between two fetches for one client, doubled each time
	retryMost     = 60_000
	keysBudget    = 32 << 20 // bytes of all sets that are kept, as they are reckoned
	waitersPerSet = 8        // requests that wait for one fetch
	waitersOfAll  = 64       // and for any
)

// clientKeys keeps the keys of clients: those that were registered are read once
// for each version of the row, the others are fetched.
//
// A set is fetched when it is not fresh or does not hold the key that is asked for;
// once at a time for each client, and after a fetch that brought nothing new only
// after a wait that doubles. So neither a client that signs with unknown keys nor a
// thousand requests make a storm.
type clientKeys struct {
	egress *egress.Client
	log    *slog.Logger
	now    func() int64
	ctx    context.Context // of the engine: a fetch outlives the request that began it
	going  *sync.WaitGroup

	mu      sync.Mutex
	sets    map[string]*list.Element // of *clientKeySet, by client_id
	recent  *list.List               // the latest used first
	size    int                      // of all, as reckoned
	waiting int
}

// keySource says whose keys are meant and where they are: a client's, or an
// upstream's.
type keySource struct {
	name    string // clients by their id, upstreams by one that no client can have
	uri     string // where they are fetched; empty: they are registered
	set     []byte // registered
	version int64  // of the row that they are registered in
}

func clientSource(client *record.Client) keySource {
	s := &client.Settings
	return keySource{name: client.ID, uri: s.JWKSURI, set: s.JWKS, version: client.Version}
}

// clientKeySet is what is known of one client's keys.
type clientKeySet struct {
	clientID string
	uri      string // where it was fetched; empty: registered itself
	version  int64  // of the client whose registered set it is
	size     int

	keys    record.ClientProof // Keys or Trouble, of the last fetch that brought any, else the last
	fetched int64              // when Keys were
	fresh   int64              // until then nothing need be asked
	retry   int64              // until then nothing is asked
	wait    int64              // after the next fetch in vain
	flight  chan struct{}      // closed when the fetch under way ends; nil: there is none
	waiting int
}

// wanted says of the keys of a client whether they have the one that is asked for.
type wanted func(*record.ClientProof) bool

// named wants the key that a header names.
func named(kid string) wanted {
	return func(known *record.ClientProof) bool { return known.Keys.Holds(kid) }
}

// of gives the keys of a client, fetched if need be, and whether that took a while.
func (k *clientKeys) of(ctx context.Context, client *record.Client, want wanted) (proof record.ClientProof, waited bool) {
	return k.from(ctx, clientSource(client), want)
}

func (k *clientKeys) from(ctx context.Context, source keySource, want wanted) (proof record.ClientProof, waited bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	set := k.entry(source)
	if set.uri == "" {
		return set.keys, false
	}
	if !k.wants(set, want) {
		return k.known(set), false
	}
	if set.flight == nil {
		set.flight = make(chan struct{})
		k.going.Go(func() { k.fetch(set, want) })
	}
	if set.waiting >= waitersPerSet || k.waiting >= waitersOfAll {
		return k.known(set), false
	}
	flight := set.flight
	set.waiting, k.waiting = set.waiting+1, k.waiting+1
	k.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
	}
	k.mu.Lock()
	set.waiting, k.waiting = set.waiting-1, k.waiting-1
	return k.known(set), true
}

// entry gives what is known of whose keys they are, and forgets what is known of
// another address or an older version of them.
func (k *clientKeys) entry(source keySource) *clientKeySet {
	if at, ok := k.sets[source.name]; ok {
		set := at.Value.(*clientKeySet) //nolint:errcheck // nothing else is in the list
		if set.uri == source.uri && (set.uri != "" || set.version == source.version) {
			k.recent.MoveToFront(at)
			return set
		}
		k.drop(at)
	}
	set := &clientKeySet{clientID: source.name, uri: source.uri, version: source.version, size: reckoned(source.set), wait: retryLeast}
	if set.uri == "" {
		set.keys = readKeys(source.set)
	}
	k.sets[source.name] = k.recent.PushFront(set)
	k.grow(set.size)
	return set
}

// wants reports whether keys must be fetched before an answer can be given.
func (k *clientKeys) wants(set *clientKeySet, want wanted) bool {
	now := k.now()
	switch {
	case now < set.fresh && set.fresh-now <= freshMost && want(&set.keys): // unless the clock was set back
		return false
	case set.flight != nil:
		return true
	}
	return now >= set.retry || set.retry-now > retryMost
}

// known is what there is to go by: keys that are not too old, else the trouble.
func (k *clientKeys) known(set *clientKeySet) record.ClientProof {
	switch {
	case set.keys.Keys != nil && k.now() < set.fetched+staleMost:
		return record.ClientProof{Keys: set.keys.Keys}
	case set.keys.Trouble != nil:
		return record.ClientProof{Trouble: set.keys.Trouble}
	}
	return record.ClientProof{Trouble: oauth.Refuse(oauth.ReasonClientKeysAway)}
}

// fetch asks the client's address once, and lets those who wait go on.
func (k *clientKeys) fetch(set *clientKeySet, want wanted) {
	answer, err := k.egress.Get(k.ctx, set.uri, "application/jwk-set+json, application/json", maxKeySet)
	var got record.ClientProof
	if err == nil {
		got = readKeys(answer.Body)
	} else {
		got.Trouble = keysTrouble(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	set.retry = now + set.wait
	if got.Trouble != nil {
		set.keys.Trouble = got.Trouble
		set.wait = min(set.wait*2, retryMost)
		k.log.Warn("the keys of a client cannot be had", "client", set.clientID, "error", got.Trouble)
	} else {
		set.keys = got
		set.fetched, set.fresh = now, now+freshFor(answer.Fresh)
		if set.wait = min(set.wait*2, retryMost); want(&got) {
			set.wait = retryLeast
		}
		k.resize(set, reckoned(answer.Body))
	}
	close(set.flight)
	set.flight = nil
}

// freshFor keeps what the answer says of itself within bounds, in milliseconds.
func freshFor(said time.Duration) int64 {
	if said < 0 {
		return freshDefault
	}
	return min(max(said.Milliseconds(), freshLeast), freshMost)
}

// keysTrouble: what may be mended by itself is no fault of the client's request.
func keysTrouble(err error) *oauth.Error {
	reason := oauth.ReasonClientKeysUnusable
	if e, ok := errors.AsType[*egress.Error](err); ok {
		switch {
		case e.Rule == egress.RuleUnreachable, e.Rule == egress.RuleTimeout,
			e.Rule == egress.RuleStatus && (e.Seen/100 == 5):
			reason = oauth.ReasonClientKeysAway
		}
	}
	return oauth.Refuse(reason).Because(err)
}

func readKeys(set []byte) record.ClientProof {
	keys, err := decide.ReadKeys(set)
	if err != nil {
		return record.ClientProof{Trouble: oauth.Refuse(oauth.ReasonClientKeysUnusable).Because(err)}
	}
	return record.ClientProof{Keys: keys}
}

// reckoned is what a set costs in memory, on the high side: its numbers twice, and
// what stands around them.
func reckoned(set []byte) int { return 1024 + 2*len(set) }

func (k *clientKeys) resize(set *clientKeySet, size int) {
	if at, ok := k.sets[set.clientID]; !ok || at.Value != set {
		return // forgotten meanwhile
	}
	grown := size - set.size
	set.size = size
	k.grow(grown)
}

// grow forgets what was not used for longest until the rest is within the budget.
func (k *clientKeys) grow(by int) {
	k.size += by
	for k.size > keysBudget && k.recent.Len() > 1 {
		k.drop(k.recent.Back())
	}
}

func (k *clientKeys) drop(at *list.Element) {
	set := at.Value.(*clientKeySet) //nolint:errcheck // nothing else is in the list
	k.size -= set.size
	delete(k.sets, set.clientID)
	k.recent.Remove(at)
}
