package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// visit is one request on its way through, and what its line in the log will
// say. It is the http.ResponseWriter of its request.
type visit struct {
	http.ResponseWriter
	r      *http.Request
	route  *route
	from   source
	mutual bool   // of a listener whose connections may show a client's certificate
	body   string // of a post
	start  time.Time
	status int  // 0: nothing was sent yet
	inside bool // of its route's gate

	err       *oauth.Error
	reference string
	clientID  string
	gid       string

	interaction string // that the page is about
	uiLocales   string // the languages that the client asked for
	shownIn     string // the language of the page whose form was sent
	onward      bool   // the browser came by the form of another server: see site.arrive
}

// WriteHeader notes the status.
func (v *visit) WriteHeader(status int) {
	if v.status == 0 {
		v.status = status
	}
	v.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the answer.
func (v *visit) Write(b []byte) (int, error) {
	if v.status == 0 {
		v.status = http.StatusOK
	}
	return v.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (v *visit) Unwrap() http.ResponseWriter { return v.ResponseWriter }

// ServeHTTP takes a request through the checks to its endpoint.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.receive(w, r, false) }

func (s *site) receive(w http.ResponseWriter, r *http.Request, mutual bool) {
	v := &visit{ResponseWriter: w, r: r, route: s.find(r), mutual: mutual, start: time.Now()}
	v.from = s.proxies.sourceOf(r)
	if !v.route.mutual && s.atMutual(v) {
		v.route = s.notMutual
	}
	defer s.leave(v)
	v.share()
	handler, err := s.admit(v)
	if err != nil {
		s.refuse(v, err)
		return
	}
	if !v.route.gate.enter() {
		s.refuse(v, oauth.Refuse(oauth.ReasonOverloaded))
		return
	}
	v.inside = true
	defer v.exit()
	handler(v)
}

// exit leaves the gate, also for whoever has done its work and only waits for others.
func (v *visit) exit() {
	if v.inside {
		v.inside = false
		v.route.gate.exit()
	}
}

// leave writes the visit's line, also that of one which panicked. A client
// learns of a panic no more than that the fault is ours.
func (s *site) leave(v *visit) {
	if fault := recover(); fault != nil {
		if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(fault) // net/http's own way to break off an answer
		}
		s.log.LogAttrs(v.r.Context(), slog.LevelError, "panic",
			slog.String("route", v.route.name), slog.String("fault", fmt.Sprint(fault)), slog.String("stack", string(debug.Stack())))
		if v.status != 0 {
			s.tell(v)
			panic(http.ErrAbortHandler) // an answer cut short must not look whole
		}
		s.refuse(v, oauth.Refuse(oauth.ReasonInternal))
	}
	s.tell(v)
}

// tell counts the visit and writes its line.
func (s *site) tell(v *visit) {
	v.route.figures.Answered(v.status, time.Since(v.start))
	if v.err != nil {
		s.metrics.Refused(string(v.err.Reason))
	}
	s.logLine(v)
}

// logLine writes the one canonical line: names and numbers, never a token, a
// code, a password, a cookie, or an address in full.
func (s *site) logLine(v *visit) {
	level := slog.LevelInfo
	switch {
	case v.r.Context().Err() != nil: // the client is gone: what broke off was its own doing
	case v.err != nil && v.err.Reason == oauth.ReasonOverloaded: // it is meant
	case v.err != nil && v.status >= http.StatusInternalServerError:
		level = slog.LevelError
	case v.route.quiet:
		level = slog.LevelDebug
	}
	ctx := context.Background() // the line is written also when the client is gone
	if !s.log.Enabled(ctx, level) {
		return
	}
	now, refused := time.Now(), int64(0)
	if v.err != nil && v.err.Reason == oauth.ReasonOverloaded {
		var due bool
		if refused, due = v.route.gate.tell(now); !due {
			return
		}
	}
	line := slog.NewRecord(now, level, "request", 0) // the line's place in the program is always here
	line.AddAttrs(
		slog.Int("status", v.status),
		slog.Int64("us", now.Sub(v.start).Microseconds()),
		slog.String("network", v.from.network),
	)
	add := func(name, value string) {
		if value != "" {
			line.AddAttrs(slog.String(name, value))
		}
	}
	if v.err != nil {
		add("reason", string(v.err.Reason))
		add("error_reference", v.reference)
		if v.err.Err != nil && v.err.Status() >= http.StatusInternalServerError {
			add("cause", v.err.Err.Error())
		}
		v.gid = oneOf(v.gid, v.err.Detail.GID)
	}
	if refused > 0 {
		line.AddAttrs(slog.Int64("refused", refused))
	}
	add("client_id", v.client())
	add("gid", v.gid)
	lines, usual := v.route.lines[v.r.Method]
	if !usual {
		lines = s.lines(methodName(v.r.Method), v.route.name)
	}
	_ = lines.Handle(ctx, line) // there is nowhere to tell
}

// lines writes the lines of one endpoint and method.
func (s *site) lines(method, route string) slog.Handler {
	return s.log.Handler().WithAttrs([]slog.Attr{slog.String("method", method), slog.String("route", route)})
}

func oneOf(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// client is the visit's client_id, unless there is no such client: then it may
// be anything, a secret for instance that was put into the wrong field.
func (v *visit) client() string {
	clientID := v.clientID
	if v.err != nil {
		if v.err.Reason == oauth.ReasonClientUnknown {
			return ""
		}
		clientID = oneOf(clientID, v.err.Detail.Client)
	}
	return loggable(clientID)
}

// methodName is the method if it is one of HTTP's own.
func methodName(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// loggable is the client_id of a request if it can be one: before it is
// authenticated it may be anything, an e-mail address for instance.
func loggable(clientID string) string {
	const longest = 64
	if len(clientID) > longest {
		return ""
	}
	for i := range len(clientID) {
		switch c := clientID[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return ""
		}
	}
	return clientID
}
