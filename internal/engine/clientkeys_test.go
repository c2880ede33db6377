package engine

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// owner is a client with keys of its own, which it publishes.
type owner struct {
	*lab
	mu      sync.Mutex
	keys    []*jose.PrivateKey // the last signs
	answer  http.HandlerFunc   // instead of the keys
	fetches atomic.Int64
	url     string
	jtis    atomic.Int64
}

// newOwner opens an engine that trusts the owner's network.
func newOwner(t *testing.T) *owner {
	t.Helper()
	o := &owner{lab: newLabWithoutEngine(t)}
	o.turn()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.fetches.Add(1)
		o.mu.Lock()
		answer, keys := o.answer, o.keys
		o.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = w.Write(publicSet(keys))
	}))
	t.Cleanup(server.Close)
	o.url = server.URL + "/jwks"
	config := o.config(o.kek)
	config.Egress = egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")})
	var err error
	if o.Engine, err = Open(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func publicSet(keys []*jose.PrivateKey) []byte {
	var set jose.KeySet
	for _, key := range keys {
		set = append(set, key.Public())
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic(err) // of checked keys
	}
	return text
}

// turn gives the owner another key beside the old ones.
func (o *owner) turn() {
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		o.Fatal(err)
	}
	o.mu.Lock()
	o.keys = append(o.keys, key)
	o.mu.Unlock()
}

func (o *owner) answers(with http.HandlerFunc) {
	o.mu.Lock()
	o.answer = with
	o.mu.Unlock()
}

// registers makes a client of the owner's.
func (o *owner) registers(id string, jwks json.RawMessage, uri string) {
	o.Helper()
	_, err := o.CreateClient(o.Context(), id, ClientForm{Name: id, Settings: record.ClientSettings{
		GrantTypes: []string{"client_credentials"}, TokenEndpointAuthMethod: "private_key_jwt", JWKS: jwks, JWKSURI: uri,
	}})
	if err != nil {
		o.Fatal(err)
	}
}

func (o *owner) assertion(client string) string {
	now := o.clock.now() / 1000
	token, err := jose.Sign(o.keys[len(o.keys)-1], "", fmt.Appendf(nil,
		`{"iss":%[1]q,"sub":%[1]q,"aud":%[2]q,"jti":"%[3]d","iat":%[4]d,"exp":%[5]d}`, client, labIssuer, o.jtis.Add(1), now, now+60))
	if err != nil {
		o.Fatal(err)
	}
	return token
}

// asks for a token with an assertion and gives the reason that it gets none.
func (o *owner) asks(assertion string) oauth.Reason {
	_, refused := o.Token(o.Context(), &oauth.TokenRequest{
		GrantType:   oauth.GrantClientCredentials,
		Credentials: oauth.Credentials{Assertion: assertion, Method: oauth.AuthPrivateKeyJWT, Endpoint: oauth.PathToken},
	})
	if refused == nil {
		return ""
	}
	return refused.Reason
}

func (o *owner) wants(client string, reason oauth.Reason, fetches int64) {
	o.Helper()
	before := o.fetches.Load()
	if got := o.asks(o.assertion(client)); got != reason {
		o.Errorf("%s is refused with %q, not %q", client, got, reason)
	}
	if got := o.fetches.Load() - before; got != fetches {
		o.Errorf("%s makes %d fetches, not %d", client, got, fetches)
	}
}

func (o *owner) passes(d time.Duration) { o.clock.ahead.Add(d.Milliseconds()) }

func TestKeysThatWereRegisteredThemselvesAreNotFetched(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", publicSet(o.keys), "")
	o.wants("shop", "", 0)
	o.turn()
	o.wants("shop", oauth.ReasonAssertionKey, 0)
	shop, err := o.ClientByID(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	shop.Settings.JWKS = publicSet(o.keys)
	if _, err := o.UpdateClient(t.Context(), "shop", ClientForm{Name: "shop", Settings: shop.Settings}, 0); err != nil {
		t.Fatal(err)
	}
	o.wants("shop", "", 0)
}

// OpenID Connect Core §10.1.1: a new key is signed with before anybody was told.
func TestAnUnknownKeyIsFetchedAndAKnownOneIsNot(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", nil, o.url)
	o.wants("shop", "", 1)
	o.wants("shop", "", 0)
	o.passes(2 * time.Second)
	o.turn()
	o.wants("shop", "", 1)
	o.wants("shop", "", 0)
	o.passes(9 * time.Minute)
	o.wants("shop", "", 0)
	o.passes(2 * time.Minute) // the answer was good for ten
	o.wants("shop", "", 1)
}

func TestAKeyThatWasTakenOutIsKnownUntilTheSetIsOld(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", nil, o.url)
	o.wants("shop", "", 1)
	other, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	o.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(publicSet([]*jose.PrivateKey{other})) })
	o.passes(11 * time.Minute)
	o.wants("shop", oauth.ReasonAssertionKey, 1)
}

func TestKeysThatNobodyPublishesAreAskedForLessAndLess(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", nil, o.url)
	o.wants("shop", "", 1)
	published := o.keys
	o.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(publicSet(published)) })
	o.turn()
	fetched := o.fetches.Load()
	for range 3600 { // a request each second, for an hour
		o.passes(time.Second)
		if got := o.asks(o.assertion("shop")); got != oauth.ReasonAssertionKey {
			t.Fatalf("refused with %q", got)
		}
	}
	if n := o.fetches.Load() - fetched; n < 59 || n > 70 {
		t.Errorf("%d fetches in an hour", n)
	}
	o.answers(nil)
	o.passes(time.Minute)
	o.wants("shop", "", 1)
}

func TestKeysOutliveTheirAddressForADay(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", nil, o.url)
	o.wants("shop", "", 1)
	for _, failure := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/x")
			w.WriteHeader(http.StatusFound)
		},
		func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"oct","k":"AA"}]}`))
		},
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxKeySet+1)) },
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	} {
		o.answers(failure)
		o.passes(3 * time.Hour)
		o.wants("shop", "", 1)
		o.wants("shop", "", 0) // not again at once
	}
	o.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	o.passes(7 * time.Hour)
	o.wants("shop", oauth.ReasonClientKeysAway, 1)
	o.answers(nil)
	o.passes(time.Minute)
	o.wants("shop", "", 1)
}

func TestAnAddressThatMustNotBeCalledGivesNoKeys(t *testing.T) {
	o := newOwner(t)
	inside, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	server := &httptest.Server{Listener: inside, Config: &http.Server{
		ReadHeaderTimeout: time.Second,
		Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }),
	}}
	server.Start()
	defer server.Close()
	for _, uri := range []string{"http://127.0.0.2/jwks", "https://10.0.0.1/", "ftp://a.example/", "https://a.example:22/", "https://u@a.example/", "x"} {
		_, err := o.CreateClient(t.Context(), "", ClientForm{Name: "x", Settings: record.ClientSettings{
			GrantTypes: []string{"client_credentials"}, TokenEndpointAuthMethod: "private_key_jwt", JWKSURI: uri,
		}})
		if err == nil || !strings.Contains(err.Error(), "jwks_uri") {
			t.Errorf("%s is registered: %v", uri, err)
		}
	}
	// An address that was registered under other settings, or by name.
	o.commit(record.PutClient{Client: record.Client{ID: "sly", Name: "sly", Enabled: true, Version: 1, Settings: record.ClientSettings{
		GrantTypes: []string{"client_credentials"}, TokenEndpointAuthMethod: "private_key_jwt", JWKSURI: server.URL, SecurityProfile: "oidc",
	}}})
	o.wants("sly", oauth.ReasonClientKeysUnusable, 0)
	if calls.Load() != 0 {
		t.Error("it was called")
	}
}

func TestAThousandRequestsMakeOneFetch(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", nil, o.url)
	o.wants("shop", "", 1)
	o.passes(11 * time.Minute)
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	published := publicSet(o.keys)
	o.answers(func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { close(begun) })
		<-goOn
		_, _ = w.Write(published)
	})
	fetched := o.fetches.Load()
	var asking sync.WaitGroup
	refused := make(chan oauth.Reason, 100)
	for range 100 {
		assertion := o.assertion("shop")
		asking.Go(func() { refused <- o.asks(assertion) })
	}
	<-begun
	close(goOn)
	asking.Wait()
	close(refused)
	for reason := range refused {
		if reason != "" {
			t.Errorf("refused with %q", reason)
		}
	}
	if n := o.fetches.Load() - fetched; n != 1 {
		t.Errorf("%d fetches", n)
	}
}

// RFC 7523 §3, item 7: however many bring it at once.
func TestAnAssertionCountsOnceHoweverManyBringIt(t *testing.T) {
	o := newOwner(t)
	o.registers("shop", publicSet(o.keys), "")
	assertion := o.assertion("shop")
	var asking sync.WaitGroup
	answers := make(chan oauth.Reason, 20)
	for range 20 {
		asking.Go(func() { answers <- o.asks(assertion) })
	}
	asking.Wait()
	close(answers)
	count := map[oauth.Reason]int{}
	for reason := range answers {
		count[reason]++
	}
	if count[""] != 1 || count[oauth.ReasonAssertionReplayed] != 19 {
		t.Errorf("%v", count)
	}
	// Also after it was forgotten: it has expired by then.
	o.passes(3 * time.Minute)
	if err := o.store.Purge(t.Context(), o.clock.now(), 100); err != nil {
		t.Fatal(err)
	}
	if got := o.asks(assertion); got != oauth.ReasonAssertionExpired {
		t.Errorf("refused with %q", got)
	}
}

func TestTheKeysOfManyClientsTakeBoundedMemory(t *testing.T) {
	o := newOwner(t)
	set := publicSet(o.keys)
	padded := append([]byte(`{"pad":"`+strings.Repeat("x", maxRegisteredKeys)+`",`), set[1:]...)
	for i := range 2000 {
		client := &record.Client{ID: fmt.Sprint(i), Version: 1, Settings: record.ClientSettings{JWKS: padded}}
		if proof, _ := o.clientKeys.of(t.Context(), client, named("")); proof.Keys == nil {
			t.Fatal(proof.Trouble)
		}
	}
	if o.clientKeys.size > keysBudget || len(o.clientKeys.sets) != o.clientKeys.recent.Len() {
		t.Errorf("%d bytes, %d sets, %d in order", o.clientKeys.size, len(o.clientKeys.sets), o.clientKeys.recent.Len())
	}
	sum := 0
	for at := o.clientKeys.recent.Front(); at != nil; at = at.Next() {
		sum += at.Value.(*clientKeySet).size
	}
	if sum != o.clientKeys.size || o.clientKeys.sets["1999"] == nil || o.clientKeys.sets["0"] != nil {
		t.Errorf("%d bytes are %d", o.clientKeys.size, sum)
	}
}
