package guard

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/mintmark-id/mintmark/verify"
)

// state is how the guard stands, for whoever watches it.
type state struct {
	State   string `json:"state"`
	Policy  string `json:"policy"`
	Seq     int64  `json:"seq"`
	Entries int    `json:"entries"`
	AgeMS   int64  `json:"age_ms"` // since the issuer vouched for it
	Problem string `json:"problem,omitempty"`
}

// ready says whether requests can pass: not before the first snapshot, and not
// once the policy says no to all of them.
func (g *guard) ready(w http.ResponseWriter) {
	s := g.Verifier.Status()
	status := http.StatusOK
	if s.State == verify.Init || s.State == verify.Expired && s.Policy == verify.Strict {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	body, err := json.Marshal(state{
		State: s.State.String(), Policy: s.Policy.String(), Seq: s.Seq, Entries: s.Entries, AgeMS: s.Age.Milliseconds(), Problem: s.Problem,
	})
	if err != nil { // our own type encodes
		plain(w, http.StatusInternalServerError, "encoding the state failed")
		return
	}
	send(w, status, "application/json", body)
}

func plain(w http.ResponseWriter, status int, text string) {
	send(w, status, "text/plain; charset=utf-8", []byte(text))
}

func send(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a proxy that has gone is no fault of ours
}
