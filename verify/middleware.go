package verify

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Middleware lets requests through that carry a good access token for this API
// (RFC 6750 §2.1), and answers the others: 401 for a token that is no good, 503
// when that cannot be known. The handler finds the claims with [FromContext].
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.serve(w, r, next) })
}

func (v *Verifier) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	upgrade, now := upgrades(r), time.Now()
	seen, err := v.admit(r, now)
	if err != nil {
		challengeFor(err).write(w)
		return
	}
	c := &call{parent: r.Context(), v: v, seen: seen, since: now, stream: upgrade || streams(r), out: w}
	v.calls.add(c)
	defer c.end()
	if c.stream { // it may have died before it was listed, and is cut at once, not at the next look
		if view := v.view.Load(); view != nil && v.dead(view, seen) {
			challengeFor(refuse(Revoked)).write(w)
			return
		}
	}
	if upgrade {
		w = &upgradable{w, c}
	}
	next.ServeHTTP(w, r.WithContext(c))
}

// bearer takes the token from the Authorization header (RFC 6750 §2.1), nowhere
// else: in an address it would end up in logs.
func bearer(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) == 0 {
		return "", refuse(NoToken)
	}
	if len(values) > 1 {
		return "", refuse(ManyTokens)
	}
	const scheme = "Bearer "
	value := values[0]
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) { // RFC 9110 §11.1
		return "", refuse(NoToken)
	}
	return strings.TrimLeft(value[len(scheme):], " "), nil
}

// safe methods change nothing (RFC 9110 §9.2.1).
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	default:
		return false
	}
}

// upgrades tells requests that turn the connection into something else
// (RFC 9110 §7.8; RFC 8441 §4 for HTTP/2).
func upgrades(r *http.Request) bool {
	return r.Method == http.MethodConnect || len(r.Header["Upgrade"]) > 0
}

// streams tells requests that ask for an answer without an end.
func streams(r *http.Request) bool {
	accept := r.Header["Accept"]
	return len(accept) > 0 && strings.HasPrefix(accept[0], "text/event-stream")
}

// upgradable is the writer of an upgrade: it remembers the connection that is
// taken over, so that it can be closed when the token dies.
type upgradable struct {
	http.ResponseWriter
	call *call
}

// Unwrap lets [http.ResponseController] reach the rest.
func (u *upgradable) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Flush sends what was written so far.
func (u *upgradable) Flush() { _ = http.NewResponseController(u.ResponseWriter).Flush() }

// Hijack hands over the connection, unless the token has died meanwhile.
func (u *upgradable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	c := u.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		_ = conn.Close()
		return nil, nil, errors.New("taking over the connection: the token has died")
	}
	c.conn = conn
	return &heldConn{conn, c}, rw, nil
}

// heldConn is watched until it is closed.
type heldConn struct {
	net.Conn
	call *call
}

// Close ends the watch with the connection.
func (h *heldConn) Close() error {
	h.call.v.calls.remove(h.call)
	return h.Conn.Close()
}
