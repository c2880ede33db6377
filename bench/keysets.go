package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/bench/load"
	"github.com/mintmark-id/mintmark/internal/jose"
)

const (
	keySets     = 1000 // clients that publish their keys, each at an address of its own
	assertForm  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	keySetsHold = 32 // MB that their keys may take together
)

// measureKeySets lets clients with a jwks_uri authenticate, and then come with keys that nobody publishes: how often
// the server fetches, at once and in all, and what it keeps.
func measureKeySets(ctx context.Context, b *bench) (findings []finding, err error) {
	owner, err := openOwner(ctx)
	if err != nil {
		return nil, err
	}
	defer owner.close()
	s, err := newSite(b.binary, b.directory, "jwks-uri")
	if err != nil {
		return nil, err
	}
	s.flags = []string{"--trusted-network", "127.0.0.1"}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if stopped := s.stop(); err == nil {
			err = stopped
		}
	}()
	if err := owner.register(ctx, s); err != nil {
		return nil, err
	}
	before, err := residentBytes(s.pid())
	if err != nil {
		return nil, err
	}
	connections := slices.Max(b.connections)
	own := keyed{owner.published, http.StatusOK, true, connections, time.Minute}
	if _, err := owner.run(ctx, s, own); err != nil {
		return nil, fmt.Errorf("the first assertions: %w", err)
	}
	first := owner.fetched()
	after, err := residentBytes(s.pid())
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*time.Second); err != nil { // so that each client may be fetched again
		return nil, err
	}
	storm, err := owner.run(ctx, s, keyed{owner.unpublished, http.StatusUnauthorized, false, connections, b.duration})
	if err != nil {
		return nil, fmt.Errorf("the storm: %w", err)
	}
	most, all := owner.most(), owner.fetched()
	if _, err := owner.run(ctx, s, own); err != nil {
		return nil, fmt.Errorf("the assertions after the storm: %w", err)
	}
	const name = "jwks-uri"
	allowed := 2 + int64(b.duration/time.Second) // the first in a wait, and one a second at the very most
	return []finding{
		atMost(name, fmt.Sprintf("fetches when %d clients authenticate", keySets), "", first, keySets),
		atMost(name, fmt.Sprintf("memory for the keys of %d clients", keySets), "MB", megabytes(after-before), keySetsHold),
		atMost(name, fmt.Sprintf("fetches for any one client while %.0f unknown keys a second come", storm.Rate()), "", most-1, allowed),
		atMost(name, "fetches for one client at a time", "", owner.together.Load(), 1),
		atMost(name, "fetches when their own keys come again", "", owner.fetched()-all, 0),
	}, nil
}

// owner is whose clients they are: one server with all their keys.
type owner struct {
	server                 *http.Server
	url                    string
	published, unpublished *jose.PrivateKey
	set                    []byte
	fetches, now           [keySets]atomic.Int64
	together               atomic.Int64 // the most fetches for one client at a time
}

func openOwner(ctx context.Context) (*owner, error) {
	o := &owner{}
	var err error
	for _, key := range []**jose.PrivateKey{&o.published, &o.unpublished} {
		if *key, err = jose.Generate(jose.ES256); err != nil {
			return nil, err
		}
	}
	if o.set, err = json.Marshal(jose.KeySet{o.published.Public()}); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o.url = "http://" + listener.Addr().String()
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: time.Second}
	go func() { _ = o.server.Serve(listener) }() // it ends with close, and nothing else
	return o, nil
}

func (o *owner) close() { _ = o.server.Close() } // the figures are taken

// ServeHTTP answers with the keys of the client that the path names.
func (o *owner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || i < 0 || i >= keySets {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	o.fetches[i].Add(1)
	if n := o.now[i].Add(1); n > o.together.Load() {
		o.together.Store(n)
	}
	defer o.now[i].Add(-1)
	w.Header().Set("Cache-Control", "max-age=600")
	_, _ = w.Write(o.set) // a server that is gone is seen by its own figures
}

// fetched counts all fetches, most those for the client that has the most.
func (o *owner) fetched() (sum int64) {
	for i := range o.fetches {
		sum += o.fetches[i].Load()
	}
	return sum
}

func (o *owner) most() (most int64) {
	for i := range o.fetches {
		most = max(most, o.fetches[i].Load())
	}
	return most
}

// register makes the clients.
func (o *owner) register(ctx context.Context, s *site) error {
	office := admin.Dial(filepath.Join(s.data, "admin.sock"))
	defer office.Close()
	for i := range keySets {
		client := admin.NewClient{ClientID: ownedClient(i)}
		client.Name, client.GrantTypes = client.ClientID, []string{"client_credentials"}
		client.TokenEndpointAuthMethod, client.JWKSURI = "private_key_jwt", fmt.Sprintf("%s/%d", o.url, i)
		if _, err := office.CreateClient(ctx, client); err != nil {
			return fmt.Errorf("registering a client with keys: %w", err)
		}
	}
	return nil
}

func ownedClient(i int) string { return fmt.Sprintf("owned-%d", i) }

// keyed is how all clients ask for tokens.
type keyed struct {
	key         *jose.PrivateKey // signs their assertions
	status      int              // that they get
	once        bool             // each client asks once; else again and again
	connections int
	duration    time.Duration
}

// run lets all clients ask.
func (o *owner) run(ctx context.Context, s *site, a keyed) (load.Result, error) {
	group, err := load.Dial(ctx, s.address, a.connections)
	if err != nil {
		return load.Result{}, err
	}
	defer group.Close()
	var turn atomic.Int64
	var failed error
	script := load.Script{
		Next: func() []byte {
			n := int(turn.Add(1) - 1)
			if a.once && n >= keySets {
				return nil
			}
			request, err := o.request(s, n%keySets, a.key)
			if err != nil {
				failed = err
				return nil
			}
			return request
		},
		Check: func(r load.Response) error {
			if r.Status != a.status {
				return unexpected(r, strconv.Itoa(a.status))
			}
			return nil
		},
	}
	result, err := group.Run(ctx, a.duration, slices.Repeat([]load.Script{script}, a.connections))
	return result, errors.Join(err, failed)
}

// request asks for a token as one of the clients.
func (o *owner) request(s *site, i int, key *jose.PrivateKey) ([]byte, error) {
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{
		"iss": ownedClient(i), "sub": ownedClient(i), "aud": s.issuer, "jti": rand.Text(), "iat": now, "exp": now + 60,
	})
	if err != nil {
		return nil, err
	}
	assertion, err := jose.Sign(key, "", claims)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertForm}, "client_assertion": {assertion}}
	return load.Post(s.address, "/oauth2/token", form), nil
}
