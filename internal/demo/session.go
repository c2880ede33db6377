package demo

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
)

// cookieName is the application's own. Cookies do not tell ports apart, so that
// every server on localhost sees those of all others: its name must be its own.
const cookieName = "breadbox"

const (
	maxSessions  = 200 // the oldest gives way
	maxPending   = 8   // sign-ins under way in one browser: tabs
	pendingTTL   = 20 * time.Minute
	sessionTTL   = 12 * time.Hour
	maxOldTokens = 20
)

// session is what the application remembers of a browser, in memory and nowhere
// else. The browser has only its name, in a cookie that scripts cannot read.
type session struct {
	mu      sync.Mutex // one request of a browser at a time
	id      string
	used    time.Time
	pending map[string]pending // sign-ins under way, by state
	here    *signedIn          // nil: nobody is signed in
	left    *departure         // how the last one left
	line    *line              // its calls of the API
}

// pending is a sign-in that was begun.
type pending struct {
	nonce    string
	verifier string
	at       time.Time
	to       string // where it was sent, as shown to the visitor
	then     string // the page that it was begun from
}

// tokens are what one answer of the token endpoint gave.
type tokens struct {
	Access  string
	ID      string
	Refresh string
	Scope   string
	At      time.Time
}

// signedIn is a visitor who is signed in, and what happened since.
type signedIn struct {
	subject  string
	name     string
	nonce    string
	authTime int64
	over     bool // the server said that the grant has ended
	tokens   tokens
	old      []string // refresh tokens that were replaced, the oldest first
	checks   checks
	hops     []hop
	user     []inspect.Member
	call     *callResult
	renewal  *renewal
	replay   *replay
	asked    *introspection
}

// sessions are those of all browsers.
type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

// of finds the session of a request, nil if there is none.
func (s *sessions) of(r *http.Request) *session {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[cookie.Value]
	if found == nil || time.Since(found.used) > sessionTTL {
		return nil
	}
	found.used = time.Now()
	return found
}

// begin makes a session and gives the browser its cookie. host is how the browser
// calls the application.
func (s *sessions) begin(w http.ResponseWriter, host string) *session {
	made := &session{pending: map[string]pending{}, line: &line{host: host}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= maxSessions {
		s.dropOldest()
	}
	s.name(w, made)
	return made
}

// rename gives a session a new name when its visitor has signed in, so that
// nobody who knew the old one is signed in with them.
func (s *sessions) rename(w http.ResponseWriter, known *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, known.id)
	s.name(w, known)
}

func (s *sessions) name(w http.ResponseWriter, known *session) {
	known.id, known.used = rand.Text(), time.Now()
	s.byID[known.id] = known
	// RFC 6265bis §4.1.2.5 to §4.1.2.7. Over https it would be __Host-breadbox and Secure.
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: known.id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (s *sessions) dropOldest() {
	var oldest *session
	for _, one := range s.byID {
		if oldest == nil || one.used.Before(oldest.used) {
			oldest = one
		}
	}
	delete(s.byID, oldest.id)
}

// expect remembers a sign-in under way; the oldest of too many is forgotten.
func (s *session) expect(state string, p pending) {
	for len(s.pending) >= maxPending {
		first := ""
		for other := range s.pending {
			if first == "" || s.pending[other].at.Before(s.pending[first].at) {
				first = other
			}
		}
		delete(s.pending, first)
	}
	s.pending[state] = p
}

// take gives a sign-in that was begun in this browser, once.
func (s *session) take(state string) (pending, bool) {
	p, ok := s.pending[state]
	delete(s.pending, state)
	return p, ok && time.Since(p.at) < pendingTTL
}
