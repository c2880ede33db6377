package conversations_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/server"
)

// story is what a script has to do with: a server, and everybody in front of it.
type story struct {
	t        *testing.T
	issuer   string
	office   *admin.Client
	users    map[string]*user // by name
	clients  map[string]*client
	codes    map[string]asked // by code
	browsers map[string]*browser
	browser  *browser // of the step before
	names    map[string]string
	values   map[string]string // by name
	counts   map[string]int    // of names, by kind
	told     map[string]int64  // how often an event was seen, by id
	hearing  map[string]chan string
}

// user is somebody, and what they think their password is.
type user struct {
	admin.User
	name string
}

// client is an application and the secret that it uses.
type client struct {
	admin.RegisteredClient
	secret string
}

// asked is what a code was asked for with.
type asked struct{ clientID, redirectURI, verifier string }

func newStory(t *testing.T, flags ...string) *story {
	t.Helper()
	running := server.Start(t, append(flags, "--test-mode", "--trusted-proxy", "127.0.0.1,::1", "--trusted-network", "127.0.0.1")...)
	s := &story{
		t: t, issuer: running.Issuer, office: running.Admin(),
		users: map[string]*user{}, clients: map[string]*client{}, codes: map[string]asked{}, browsers: map[string]*browser{},
		names: map[string]string{}, values: map[string]string{}, counts: map[string]int{}, told: map[string]int64{},
		hearing: map[string]chan string{},
	}
	s.awaitKeys()
	if _, err := s.news(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.takeBrowser(step{words: []string{"browser"}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// awaitKeys waits for the keys that a new server makes in the background: what
// they write into the audit trail belongs to no line.
func (s *story) awaitKeys() {
	s.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		keys, err := s.nameKeys()
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(strings.Join(keys, " "), "RS2") {
			return
		}
		select {
		case <-again.C:
		case <-s.t.Context().Done():
			s.t.Fatal("the server makes no RS256 keys")
		}
	}
}

// name gives a value its name, the next of its kind if it has none.
func (s *story) name(kind, value string) string {
	if known, ok := s.names[value]; ok {
		return known
	}
	s.counts[kind]++
	name := fmt.Sprintf("%s%d", kind, s.counts[kind])
	s.names[value], s.values[name] = name, value
	return name
}

// value is what a name stands for; what is no name stands for itself.
func (s *story) value(name string) string {
	if value, ok := s.values[name]; ok {
		return value
	}
	return name
}

// news are the events that were written since it was asked last.
func (s *story) news() ([]string, error) {
	var fresh []string
	for event, err := range s.office.Audit(s.t.Context()) {
		if err != nil {
			return nil, err
		}
		times := event.Count - s.told[event.ID]
		s.told[event.ID] = event.Count
		for range times {
			fresh = append(fresh, event.Event+reasonOf(event.Detail))
		}
	}
	slices.Sort(fresh)
	return counted(fresh), nil
}

// counted makes "a a b" into "a x2 b".
func counted(sorted []string) []string {
	var short []string
	for i := 0; i < len(sorted); {
		end := i
		for end < len(sorted) && sorted[end] == sorted[i] {
			end++
		}
		short = append(short, sorted[i])
		if end-i > 1 {
			short = append(short, fmt.Sprintf("x%d", end-i))
		}
		i = end
	}
	return short
}

// reasonWord is what comes before a colon, or stands alone and is no scope.
var reasonWord = regexp.MustCompile(`^([a-z_]+)(?:: |(_[a-z]+)$)`)

// reasonOf is the reason at the beginning of an event's detail.
func reasonOf(detail string) string {
	found := reasonWord.FindStringSubmatch(detail)
	if found == nil {
		return ""
	}
	return "(" + found[1] + found[2] + ")"
}

// reply is what is worth knowing of an answer over HTTP.
type reply struct {
	status    int
	reference string // of a refusal
	to        *url.URL
	body      []byte
}

// ask sends a request and reads the answer to its end.
func ask(with *http.Client, request *http.Request) (reply, error) {
	answer, err := with.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	r := reply{status: answer.StatusCode, reference: answer.Header.Get("Error-Reference")}
	if to, missing := answer.Location(); missing == nil {
		r.to = to
	}
	r.body, err = io.ReadAll(answer.Body)
	return r, err
}

// refusal is how an answer that carries a reference code is written: status,
// error and the reason behind the code.
func (s *story) refusal(r reply, code string) (outcome, error) {
	if r.reference == "" {
		return outcome{}, fmt.Errorf("it was answered with %d %s and no reference", r.status, code)
	}
	explained, err := s.office.Explain(s.t.Context(), r.reference)
	if err != nil {
		return outcome{}, fmt.Errorf("explaining %s: %w", r.reference, err)
	}
	if explained.Reason == "" || explained.Rule == "" {
		return outcome{}, fmt.Errorf("the reference %s says nothing", r.reference)
	}
	return outcome{text: fmt.Sprintf("%d %s %s", r.status, code, explained.Reason), refused: true}, nil
}

var errNobody = errors.New("there is nobody of that name")

func (s *story) clientNamed(id string) (*client, error) {
	if found := s.clients[id]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%s: %w", id, errNobody)
}

func (s *story) userNamed(name string) (*user, error) {
	if found := s.users[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%s: %w", name, errNobody)
}

// nameOf is the name of the user with a sub.
func (s *story) nameOf(sub string) string {
	for name, u := range s.users {
		if u.Sub == sub {
			return name
		}
	}
	return sub
}
