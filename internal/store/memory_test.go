package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// anasToken is a token of the world's grant.
func anasToken() TokenQuery {
	return TokenQuery{CallerID: "app", Resources: []string{api().Aud}, Token: &record.VerifiedToken{
		Subject: "ana", ClientID: "app", SID: "sid", GID: "gid", JTI: "jti", KID: "k1",
		Audience: []string{api().Aud, "https://id.example"},
	}}
}

// ofALivingToken is what is above it while nothing of it has ended.
func ofALivingToken(lc, rowsCut int64) record.Parents {
	return record.Parents{
		LC: lc, UserID: "ana", UserStatus: record.UserActive, ClientID: "app", ClientEnabled: true, ClientCut: rowsCut,
		ResourceCuts: []int64{rowsCut}, SID: "sid", SessionAbsUntil: math.MaxInt64, GID: "gid", KeyStatus: record.KeyActive,
	}
}

func TestATokenHangsFromAllThatItNames(t *testing.T) {
	s := world(t)
	lc := head(t, s).LC
	client, resource := bornAt(lc, app(), api())
	user := withIdentifiers(ana())
	withAPI := record.ClientState{LC: lc, Client: client, Resources: map[string]*record.Resource{resource.Aud: resource}}

	query, want := anasToken(), record.TokenState{ClientState: withAPI, Subject: client, Parents: ofALivingToken(lc, lc)}
	same(t, "of a grant", must[*record.TokenState](t)(s.TokenState(t.Context(), query)), &want)

	query.WithUser, want.User, want.Parents.UserCut = true, user, user.Cut
	for range 2 { // from the database, then from the cache
		same(t, "at userinfo", must[*record.TokenState](t)(s.TokenState(t.Context(), query)), &want)
	}

	query = TokenQuery{CallerID: "app", Token: &record.VerifiedToken{Subject: "app", ClientID: "app", JTI: "jti"}}
	same(t, "of client_credentials, opaque", must[*record.TokenState](t)(s.TokenState(t.Context(), query)), &record.TokenState{
		ClientState: record.ClientState{LC: lc, Client: client}, Subject: client,
		Parents: record.Parents{LC: lc, ClientID: "app", ClientEnabled: true, ClientCut: lc, SessionAbsUntil: math.MaxInt64},
	})

	query = TokenQuery{Token: &record.VerifiedToken{Subject: "x", ClientID: "y"}, WithUser: true}
	same(t, "whose user and client are gone", must[*record.TokenState](t)(s.TokenState(t.Context(), query)), &record.TokenState{
		ClientState: record.ClientState{LC: lc},
		Parents:     record.Parents{LC: lc, UserID: "x", ClientID: "y", SessionAbsUntil: math.MaxInt64},
	})
}

// Every kind of target ends what it names, and nothing else.
func TestWhatTheLogEndsIsAboveTheTokenAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		target, other revocation.Target
		above         func(p *record.Parents, lc int64)
	}{
		"jti":     {revocation.ForJTI("jti"), revocation.ForJTI("x"), func(p *record.Parents, _ int64) { p.JTIRevoked = true }},
		"sid":     {revocation.ForSID("sid"), revocation.ForSID("x"), func(p *record.Parents, _ int64) { p.SessionEndedAt = gone }},
		"gid":     {revocation.ForGID("gid"), revocation.ForGID("x"), func(p *record.Parents, _ int64) { p.GrantEndedAt = gone }},
		"kid":     {revocation.ForKID("k1"), revocation.ForKID("x"), func(p *record.Parents, _ int64) { p.KeyStatus = record.KeyCompromised }},
		"sub":     {revocation.ForSub("ana"), revocation.ForSub("x"), func(p *record.Parents, lc int64) { p.UserCut = lc }},
		"client":  {revocation.ForClient("app"), revocation.ForClient("x"), func(p *record.Parents, lc int64) { p.ClientCut = lc }},
		"consent": {revocation.ForConsent("ana", "app"), revocation.ForConsent("ana", "x"), func(p *record.Parents, lc int64) { p.ConsentCut = lc }},
		"aud": {revocation.ForAud(api().Aud), revocation.ForAud("x"), func(p *record.Parents, lc int64) {
			p.ResourceCuts = append([]int64{lc}, p.ResourceCuts...)
		}},
		"the issuer as aud": {revocation.ForAud("https://id.example"), revocation.ForAud("x"), func(p *record.Parents, lc int64) {
			p.ResourceCuts = append([]int64{lc}, p.ResourceCuts...)
		}},
		"all": {revocation.ForAll(), revocation.ForJTI("x"), func(p *record.Parents, lc int64) { p.AllCut = lc }},
	} {
		t.Run(name, func(t *testing.T) {
			s := world(t)
			rows := head(t, s).LC
			commit(t, s, record.Append{Target: c.other, At: noon})
			want := ofALivingToken(head(t, s).LC, rows)
			same(t, "after another's end", must[*record.TokenState](t)(s.TokenState(t.Context(), anasToken())).Parents, want)
			for range 2 { // the later cutoff holds
				commit(t, s, record.Append{Target: c.target, At: noon})
			}
			lc := head(t, s).LC
			want.LC = lc
			c.above(&want, lc)
			same(t, "after its own", must[*record.TokenState](t)(s.TokenState(t.Context(), anasToken())).Parents, want)
		})
	}
}

// A process that starts reads the whole log, in slices, past what was purged.
func TestTheMemoryOfANewProcessIsTheLog(t *testing.T) {
	at := newDatabase(t)
	s := world(t, at)
	var entries []record.Change
	for i := range logSlice + 10 {
		entries = append(entries, record.Append{Target: revocation.ForJTI(fmt.Sprint(i)), At: noon})
	}
	commit(t, s, entries...)
	onWriter(t, s, `DELETE FROM revlog WHERE seq < 100`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, at)
	for jti, dead := range map[string]bool{"500": true, fmt.Sprint(logSlice + 9): true, "x": false, "1": false} {
		if got := must[*record.TokenState](t)(s.TokenState(t.Context(), TokenQuery{Token: &record.VerifiedToken{JTI: jti}})).Parents.JTIRevoked; got != dead {
			t.Errorf("%s: dead is %v", jti, got)
		}
	}
	onWriter(t, s, `DELETE FROM revlog`) // the last entries too
	if _, err := s.confirm(t.Context()); err != nil || s.memory.seq != head(t, s).Seq {
		t.Errorf("the memory stands at %d: %v", s.memory.seq, err)
	}
}

// tokens.md, part 3, promise 1: whoever asks after a commit was acknowledged gets
// a head in which it is, however many ask at once.
func TestAConfirmedHeadIsNotOlderThanTheQuestion(t *testing.T) {
	s := world(t)
	var acknowledged atomic.Int64
	var all, writers sync.WaitGroup
	done := make(chan struct{})
	for w := range 2 {
		writers.Go(func() {
			for i := range 150 {
				commit(t, s, record.Append{Target: revocation.ForJTI(fmt.Sprint(w, ".", i)), At: noon})
				acknowledged.Add(1)
			}
		})
	}
	before := head(t, s).Seq
	for range 8 {
		all.Go(func() {
			for last := false; !last; {
				select {
				case <-done:
					last = true
				default:
				}
				least := before + acknowledged.Load()
				log, err := s.confirm(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if entries := int64(log.table.Len()); entries < least-before {
					t.Errorf("%d entries are known, %d were acknowledged before", entries, least-before)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	all.Wait()
}

// What asks while a reading is under way shares the next one.
func TestAllWhoWaitShareOneReading(t *testing.T) {
	s := world(t)
	s.memory.reading.Lock() // a reading is under way, for as long as the test likes
	const callers = 20
	tables := make(chan *revocation.Table, callers)
	var all sync.WaitGroup
	ask := func() {
		log, err := s.confirm(t.Context())
		if err != nil {
			t.Error(err)
		}
		tables <- log.table
	}
	all.Go(ask)
	for { // until that one is waiting to read
		s.memory.mu.Lock()
		waits := s.memory.next != nil
		s.memory.mu.Unlock()
		if waits {
			break
		}
	}
	first := s.memory.next
	for range callers - 1 {
		all.Go(ask)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.confirm(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("who went away waits: %v", err)
	}
	if s.memory.next != first {
		t.Error("a second reading was begun")
	}
	s.memory.reading.Unlock()
	all.Wait()
}

// A log that was put back never brings anything back to life; another database's
// log is another.
func TestTheMemoryOfALogThatWentBackForgetsNothing(t *testing.T) {
	s := world(t)
	commit(t, s, record.Append{Target: revocation.ForJTI("a"), At: noon})
	was := head(t, s).Seq
	commit(t, s, record.Append{Target: revocation.ForJTI("b"), At: noon})
	dead := func(jti string) bool {
		return must[*record.TokenState](t)(s.TokenState(t.Context(), TokenQuery{Token: &record.VerifiedToken{JTI: jti}})).Parents.JTIRevoked
	}
	if !dead("a") || !dead("b") {
		t.Fatal("they live")
	}
	onWriter(t, s, fmt.Sprintf(`DELETE FROM revlog WHERE seq > %d`, was))
	onWriter(t, s, fmt.Sprintf(`UPDATE revlog_head SET seq = %d`, was))
	commit(t, s, record.Append{Target: revocation.ForJTI("c"), At: noon})
	commit(t, s, record.Append{Target: revocation.ForJTI("d"), At: noon})
	if !dead("a") || !dead("b") || !dead("c") || !dead("d") {
		t.Error("something lives again")
	}
	onWriter(t, s, `UPDATE revlog_head SET log_id = 'another', feed_key = x'`+fmt.Sprintf("%064d", 7)+`'`)
	onWriter(t, s, `DELETE FROM revlog WHERE value = x'`+fmt.Sprintf("%x", revocation.ForJTI("a").Append(nil))+`'`)
	if dead("a") || !dead("d") {
		t.Error("the memory of another log is kept, or its own is not read")
	}
}

func TestWhatNoTokenCanMatchIsLeftBehind(t *testing.T) {
	s := world(t)
	var entries []record.Change
	for i := range 1000 {
		entries = append(entries, record.Append{Target: revocation.ForJTI(fmt.Sprint(i)), At: noon})
	}
	commit(t, s, entries...)
	if log := must[confirmed](t)(s.confirm(t.Context())); log.table.Len() != 1000 {
		t.Fatalf("%d entries are known", log.table.Len())
	}
	if err := s.Purge(t.Context(), noon+2*day, 1000); err != nil {
		t.Fatal(err)
	}
	if log := must[confirmed](t)(s.confirm(t.Context())); log.table.Len() != 0 {
		t.Errorf("%d entries are kept", log.table.Len())
	}
}

// A user's row is as fresh as a client's: whatever changes it evicts it.
func TestUserinfoReadsNoUserOfYesterday(t *testing.T) {
	at := func(t *testing.T, s *Store) *record.User {
		return must[*record.TokenState](t)(s.TokenState(t.Context(), TokenQuery{Token: &record.VerifiedToken{Subject: "ana", ClientID: "app"}, WithUser: true})).User
	}
	phone := record.Identifier{Kind: record.IdentifierPhone, Value: "+351210000001", UserID: "ana"}
	for name, c := range map[string]struct {
		first, change record.Change
		touches       int64
	}{
		"claims":     {nil, record.UpdateUser{UserID: "ana", Status: record.UserActive, Claims: []byte(`{"name":"B"}`), Version: ana().Version}, 1},
		"a cutoff":   {nil, record.CutUser{UserID: "ana"}, 0},
		"replaced":   {nil, record.ReplaceIdentifier{Identifier: phone}, 1},
		"one fewer":  {nil, record.DeleteIdentifier{UserID: "ana", Kind: record.IdentifierPhone}, 1},
		"one more":   {record.DeleteIdentifier{UserID: "ana", Kind: record.IdentifierPhone}, record.PutIdentifier{Identifier: phone}, 1},
		"who is not": {nil, record.DeleteUser{UserID: "ana", At: noon}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := world(t)
			if c.first != nil {
				commit(t, s, c.first)
			}
			before := at(t, s)
			seq := head(t, s).Seq
			commit(t, s, c.change, record.Append{Target: revocation.ForJTI("x"), At: noon})
			if got := head(t, s).Seq - seq - 1; got != c.touches {
				t.Errorf("%d touches, want %d", got, c.touches)
			}
			after, row := at(t, s), must[*record.User](t)(s.User(t.Context(), "ana"))
			same(t, "the user", after, row)
			if before == after {
				t.Error("the row is kept")
			}
		})
	}
}
