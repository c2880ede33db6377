package guard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/verify"
)

// Config is what the guard is made of.
type Config struct {
	Verifier *verify.Verifier
	Scope    []string // that every request needs
	Log      *slog.Logger
}

// The paths that a proxy asks. Below pathEnvoy stands the path of the request
// that Envoy asks about, and it has that request's query and method; what asks
// pathVerify says the method in a header, and the query is the operator's own.
const (
	pathVerify = "/verify"
	pathEnvoy  = pathVerify + "/"
	pathHealth = "/healthz"
	pathReady  = "/readyz"
)

// guard is the handler.
type guard struct{ Config }

// New makes the handler. Its listener must be for the proxy alone.
func New(c Config) http.Handler { return &guard{c} }

// ServeHTTP answers a proxy, or whoever asks after the guard's health.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == pathVerify, strings.HasPrefix(path, pathEnvoy):
		g.verify(w, r)
	case path == pathHealth:
		plain(w, http.StatusOK, "ok")
	case path == pathReady:
		g.ready(w)
	default:
		plain(w, http.StatusNotFound, "ask "+pathVerify)
	}
}

// verify lets a request pass with 200 and the headers of its token, or says why
// not. Trouble is never 401: that makes clients throw good tokens away.
func (g *guard) verify(w http.ResponseWriter, r *http.Request) {
	line := call{start: time.Now(), method: r.Method}
	defer func() { g.log(&line) }()
	w.Header().Set("Cache-Control", "no-store")
	asked, err := asked(r)
	if err != nil {
		line.status, line.reason, line.cause = http.StatusInternalServerError, "misconfigured", err.Error()
		plain(w, line.status, "the proxy asks for what the guard does not know; its log says what")
		return
	}
	line.method = asked.about.Method
	claims, err := g.Verifier.Admit(asked.about, append(asked.scope, g.Scope...)...)
	line.of(claims)
	if err == nil {
		err = pass(w.Header(), claims)
	}
	switch refused, ok := errors.AsType[*verify.RefusedError](err); {
	case err == nil:
		line.status = http.StatusOK
		w.WriteHeader(line.status)
		return
	case ok:
		line.reason = string(refused.Reason)
	default:
		line.reason = "unavailable"
	}
	seen := &answer{ResponseWriter: w, forbidden: !asked.anyStatus}
	verify.WriteRefusal(seen, err)
	line.status = seen.status
}

// answer notes the status of a refusal. nginx passes on no other than 401 and
// 403, and takes 400 for trouble of its own.
type answer struct {
	http.ResponseWriter
	forbidden bool
	status    int
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if status == http.StatusBadRequest && a.forbidden {
		status = http.StatusUnauthorized
	}
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// call is what the line in the log says of a request: names and numbers, never a
// token or a path.
type call struct {
	start                                time.Time
	method, reason, cause, clientID, gid string
	status                               int
}

func (c *call) of(claims *verify.Claims) {
	if claims != nil {
		c.clientID, c.gid = claims.ClientID, claims.GrantID
	}
}

func (g *guard) log(c *call) {
	level := slog.LevelInfo
	if c.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("method", methodName(c.method)),
		slog.Int("status", c.status),
		slog.Int64("us", time.Since(c.start).Microseconds()),
	}
	for _, said := range [][2]string{{"reason", c.reason}, {"cause", c.cause}, {"client_id", c.clientID}, {"gid", c.gid}} {
		if said[1] != "" {
			attrs = append(attrs, slog.String(said[0], said[1]))
		}
	}
	g.Log.LogAttrs(context.Background(), level, "verify", attrs...) // also when the proxy is gone
}
