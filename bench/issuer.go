package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// issuer speaks the revocation feed for one verifier, over loopback, with a log of as many entries as wanted, which no
// server could be made to write in a short time. It counts what it is asked.
type issuer struct {
	http.Server
	url               string
	signer            *ecdsa.PrivateKey // of tokens
	tokenKey, headKey *jose.PrivateKey
	clock             int64  // of its log: it stands still
	snapshot          []byte // some 16 bytes for each entry
	entries           int
	requests          atomic.Int64 // receipts are left out: nobody waits for them
}

// The issuer's log never changes, so one name and one chain do.
const (
	issuerLog  = "AAECAwQFBgcICQoL"
	oneHour    = 3600_000 // ms
	heartbeat  = 3 * time.Second
	issuedKeys = "public, max-age=600"
)

// kinds are those of docs/reference/revocation-feed.md.
func kinds() []string {
	return []string{"jti", "sid", "gid", "kid", "sub", "client", "consent", "aud", "all"}
}

// newIssuer listens and serves. What it has revoked matches no token: names are spread as a MAC's are.
func newIssuer(entries int) (*issuer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening an issuer: %w", err)
	}
	i := &issuer{url: "http://" + listener.Addr().String(), clock: time.Now().UnixMilli(), entries: entries}
	i.Handler = i.routes()
	if err := i.prepare(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	go func() { _ = i.Serve(listener) }() // it ends with Close
	return i, nil
}

// prepare makes the keys and the snapshot.
func (i *issuer) prepare() (err error) {
	if i.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if i.tokenKey, err = jose.NewPrivateKey(jose.ES256, i.signer); err != nil {
		return err
	}
	if i.headKey, err = jose.Generate(jose.ES256); err != nil {
		return err
	}
	i.snapshot, err = i.renderSnapshot()
	return err
}

func (i *issuer) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { publish(w, i.tokenKey) })
	mux.HandleFunc("GET /revocations/jwks.json", func(w http.ResponseWriter, _ *http.Request) { publish(w, i.headKey) })
	mux.HandleFunc("POST /oauth2/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"feed","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("GET /revocations/snapshot", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(i.snapshot) })
	mux.HandleFunc("GET /revocations/stream", i.stream)
	mux.HandleFunc("POST /revocations/receipt", func(w http.ResponseWriter, _ *http.Request) {
		i.requests.Add(-1)
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.requests.Add(1)
		mux.ServeHTTP(w, r)
	})
}

func publish(w http.ResponseWriter, key *jose.PrivateKey) {
	body, err := json.Marshal(jose.KeySet{key.Public()})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", issuedKeys)
	_, _ = w.Write(body) // a reader that has gone is no fault of ours
}

// place is where the log stands, as heads and snapshots say it.
func (i *issuer) place() map[string]any {
	return map[string]any{
		"iss": i.url, "log": issuerLog, "seq": i.entries, "lc": i.clock, "kinds": kinds(), "h": base64url(make([]byte, 32)),
	}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// renderSnapshot makes the whole answer: header, records, signature.
func (i *issuer) renderSnapshot() ([]byte, error) {
	header := i.place()
	header["base"], header["n"], header["key"] = i.clock, i.entries, base64url(make([]byte, 32))
	line, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, len(line)+i.entries*revocation.RecordSize+1024)
	body = append(append(body, line...), '\n')
	for n := range uint64(i.entries) {
		body = revocation.AppendRecord(body, i.clock, revocation.Entry{Name: scatter(n), Cut: i.clock, Until: i.clock + oneHour})
	}
	sum := sha256.Sum256(body)
	signature, err := i.sign("revsnap+jwt", map[string]any{"iss": i.url, "sha256": base64url(sum[:])})
	return append(append(body, signature...), '\n'), err
}

func (i *issuer) sign(typ string, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return jose.Sign(i.headKey, typ, payload)
}

// stream sends a head at once and with every heartbeat.
func (i *issuer) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		claims := i.place()
		claims["t"] = time.Now().UnixMilli()
		head, err := i.sign("revhead+jwt", claims)
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "event: hb\ndata: %s\n\n", head); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		if pause(r.Context(), heartbeat) != nil {
			return
		}
	}
}

// scatter makes numbers that look like the output of a MAC, each of them once.
func scatter(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return bits.Reverse64(n ^ n>>31)
}
