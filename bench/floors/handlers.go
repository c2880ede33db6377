package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// database is where the grants are.
type database interface {
	refreshState(id string) (refreshState, error)
	grantIsLive(id string) (bool, error)
	makeGrant(now time.Time) (string, error)
	rotate(id string, generation int64, now time.Time) error
}

// floors holds what the handlers share.
type floors struct {
	rows     database
	close    func()
	keys     *keys
	password passwordHash
}

// passwordHash is one stored argon2id hash, with the parameters that Mintmark uses: 19 MiB, two passes, one lane.
type passwordHash struct{ salt, hash []byte }

func hashPassword(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, 2, 19*1024, 1, 32)
}

// newFloors opens a SQLite database in a directory, or, where there is a url, the empty PostgreSQL database there.
func newFloors(directory, url string) (*floors, error) {
	keys, err := newKeys()
	if err != nil {
		return nil, err
	}
	salt := randomBytes(16)
	f := &floors{keys: keys, password: passwordHash{salt: salt, hash: hashPassword("correct horse battery staple", salt)}}
	if url != "" {
		p, err := openPostgres(url)
		if err != nil {
			return nil, err
		}
		f.rows, f.close = p, p.close
		return f, nil
	}
	s, err := openSQLite(directory)
	if err != nil {
		return nil, err
	}
	f.rows, f.close = s, s.close
	return f, nil
}

// routes names the floors. Each path is one line of the benchmark's table; /grant is how the benchmark prepares them.
func (f *floors) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /json", f.json)
	mux.HandleFunc("POST /sign", f.sign)
	mux.HandleFunc("POST /verify", f.verify)
	mux.HandleFunc("POST /verify-read", f.verifyRead)
	mux.HandleFunc("POST /refresh", f.refresh)
	mux.HandleFunc("POST /password", f.checkPassword)
	mux.HandleFunc("POST /grant", f.grant)
	return mux
}

var fixedAnswer = []byte(`{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":900,"scope":"read"}`)

// json parses the form and replies.
func (f *floors) json(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") == "" {
		fail(w, errors.New("grant_type is missing"))
		return
	}
	reply(w, fixedAnswer)
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope,omitempty"`
}

// sign parses the form and replies with one signed token.
func (f *floors) sign(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") != "client_credentials" {
		fail(w, errors.New("grant_type is not client_credentials"))
		return
	}
	token, err := f.keys.signAccess(serviceClaims(time.Now()))
	if err != nil {
		fail(w, err)
		return
	}
	replyJSON(w, tokenAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: lifetime})
}

// introspection is the answer of RFC 7662 §2.2.
type introspection struct {
	Active bool `json:"active"`
	*accessClaims
}

// verify replies with the claims of one token whose signature and times it has checked.
func (f *floors) verify(w http.ResponseWriter, r *http.Request) {
	claims, err := f.keys.verifyAccess(r.PostFormValue("token"), time.Now())
	if err != nil {
		fail(w, err)
		return
	}
	replyJSON(w, introspection{true, claims})
}

// verifyRead does the same and reads the row of the token's grant.
func (f *floors) verifyRead(w http.ResponseWriter, r *http.Request) {
	claims, err := f.keys.verifyAccess(r.PostFormValue("token"), time.Now())
	if err != nil {
		fail(w, err)
		return
	}
	live, err := f.rows.grantIsLive(claims.Grant)
	if err != nil {
		fail(w, err)
		return
	}
	if !live {
		replyJSON(w, introspection{})
		return
	}
	replyJSON(w, introspection{true, claims})
}

// refresh reads one grant with its user, signs two tokens and moves the grant to its next generation, durably.
func (f *floors) refresh(w http.ResponseWriter, r *http.Request) {
	id, generation, err := parseRefreshToken(r.PostFormValue("refresh_token"))
	if err != nil {
		fail(w, err)
		return
	}
	state, err := f.rows.refreshState(id)
	if err != nil {
		fail(w, err)
		return
	}
	now := time.Now()
	if state.generation != generation || state.status != "live" || now.UnixMilli() >= state.idleUntil {
		fail(w, errConflict)
		return
	}
	answer, err := f.signPair(state, now)
	if err != nil {
		fail(w, err)
		return
	}
	if err := f.rows.rotate(id, generation, now); err != nil {
		fail(w, err)
		return
	}
	answer.RefreshToken = refreshToken(id, generation+1)
	replyJSON(w, answer)
}

func (f *floors) signPair(state refreshState, now time.Time) (tokenAnswer, error) {
	access, err := f.keys.signAccess(state.accessClaims(now))
	if err != nil {
		return tokenAnswer{}, err
	}
	id, err := f.keys.signID(state.idClaims(now))
	if err != nil {
		return tokenAnswer{}, err
	}
	return tokenAnswer{AccessToken: access, IDToken: id, TokenType: "Bearer", ExpiresIn: lifetime, Scope: state.scope}, nil
}

// checkPassword hashes a password once, whatever it is.
func (f *floors) checkPassword(w http.ResponseWriter, r *http.Request) {
	hash := hashPassword(r.PostFormValue("password"), f.password.salt)
	if subtle.ConstantTimeCompare(hash, f.password.hash) != 1 {
		fail(w, errors.New("the password is wrong"))
		return
	}
	reply(w, fixedAnswer)
}

// grant makes a user and a grant of its own, and replies with the tokens that the other handlers take.
func (f *floors) grant(w http.ResponseWriter, _ *http.Request) {
	id, err := f.rows.makeGrant(time.Now())
	if err != nil {
		fail(w, err)
		return
	}
	state, err := f.rows.refreshState(id)
	if err != nil {
		fail(w, err)
		return
	}
	answer, err := f.signPair(state, time.Now())
	if err != nil {
		fail(w, err)
		return
	}
	answer.RefreshToken = refreshToken(id, state.generation)
	replyJSON(w, answer)
}

// A floor's refresh token is only the grant and its generation: nothing is derived, nothing is checked.
func refreshToken(id string, generation int64) string {
	return id + "." + strconv.FormatInt(generation, 10)
}

func parseRefreshToken(token string) (id string, generation int64, err error) {
	id, number, _ := strings.Cut(token, ".")
	generation, err = strconv.ParseInt(number, 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("reading the refresh token: %w", err)
	}
	return id, generation, nil
}

func replyJSON(w http.ResponseWriter, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, body)
}

func reply(w http.ResponseWriter, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json;charset=UTF-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that left sees nothing
}

func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusBadRequest)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// randomID has the form of Mintmark's identifiers: 16 random bytes, 22 characters.
func randomID() string { return base64.RawURLEncoding.EncodeToString(randomBytes(16)) }
