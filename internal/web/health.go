package web

import (
	"net/http"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// healthy says that the process lives. It looks at nothing, so that a database
// in trouble does not make a supervisor restart what would come back by itself.
func (s *site) healthy(v *visit) { s.plain(v, http.StatusOK, "ok\n") }

// ready says whether requests can be answered. Why not is for the log.
func (s *site) ready(v *visit) {
	if s.leaving != nil && s.leaving() {
		s.plain(v, http.StatusServiceUnavailable, "stopping: it serves until it is gone, send new requests elsewhere\n")
		return
	}
	if cause := s.engine.Ready(v.r.Context()); cause != nil {
		err := oauth.Refuse(oauth.ReasonDatabaseUnavailable).Because(cause)
		s.note(v, err)
		s.plain(v, err.Status(), "not ready\n")
		return
	}
	s.plain(v, http.StatusOK, "ready\n")
}

func (s *site) plain(v *visit, status int, text string) {
	h := v.Header()
	s.guard(h)
	h["Cache-Control"] = noStore
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	v.WriteHeader(status)
	_, _ = v.Write([]byte(text)) // a client that has gone is no fault of ours
}
