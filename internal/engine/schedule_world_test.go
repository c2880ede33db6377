package engine

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

const (
	oldPassword = "a password"
	newPassword = "tidal harbour lamp"
)

// bench is a lab for schedules. It also reads the revocation log, and knows where
// that stood before the schedule.
type bench struct {
	*lab
	entries *sql.Stmt // of the log
	ended   *sql.Stmt // sessions and grants of a user, and which of them have ended
	before  record.Head
	stored  string            // hash of the old password
	another string            // hash of the new one
	renewed map[string]string // hashes that a sign-in with either puts in their place
}

// The rows of a user, with the grants of a list, on each database.
const (
	rowsOfUser = `SELECT id, gen, ended_at FROM grants WHERE user_id = $1 AND ended_at = 0
		UNION SELECT id, gen, ended_at FROM grants WHERE id IN (`
	orSessions        = `) UNION SELECT id, 0, ended_at FROM sessions WHERE user_id = $1`
	endedOnSQLite     = rowsOfUser + `SELECT value FROM json_each($2)` + orSessions
	endedOnPostgreSQL = rowsOfUser + `SELECT jsonb_array_elements_text(CAST($2 AS jsonb))` + orSessions
)

func newBench(t *testing.T) *bench {
	t.Helper()
	l := newLab(t)
	db, err := sql.Open("sqlite", l.path)
	if err != nil {
		t.Fatal(err)
	}
	return benchOf(t, l, db, endedOnSQLite)
}

func newBenchOnPostgreSQL(t *testing.T) *bench {
	t.Helper()
	url := postgresql.Schema(t)
	l := newLabOn(t, store.Options{URL: url})
	l.Engine = l.start(l.kek)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return benchOf(t, l, stdlib.OpenDB(*config), endedOnPostgreSQL)
}

// benchOf is a bench that reads the lab's rows by itself.
func benchOf(t *testing.T, l *lab, db *sql.DB, ended string) *bench {
	t.Helper()
	t.Cleanup(func() { _ = db.Close() })
	b := &bench{
		lab:     l,
		stored:  cheapHash(oldPassword, 1),
		another: cheapHash(newPassword, 1),
		renewed: map[string]string{oldPassword: cheapHash(oldPassword, 2), newPassword: cheapHash(newPassword, 2)},
	}
	<-b.keys.ready
	b.Close() // the loops: nothing but the schedule writes to the log
	var err error
	b.entries, err = db.Prepare(`SELECT seq, lc, value, cut, keep_until FROM revlog WHERE seq > $1 ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	b.ended, err = db.Prepare(ended)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) head() record.Head {
	b.Helper()
	head, err := b.store.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return head
}

// world is one schedule: its rows, and what has happened in it so far. Moments
// are numbers of steps.
type world struct {
	*bench
	*household
	now     int
	wrote   bool // whether the step now has
	answers []answer
	lives   []*life
	ends    []ending
	turns   []turn // of grants to their next generation
	spent   []turn // of codes
	changes []int  // the moments at which the password became another
	allowed int    // how many passwords may be checked
	tries   []int  // the moments at which that was granted
	checks  int    // how many were checked

	browserHere, browserThere         *life // sessions
	grantApp, grantOffline, grantSite *life
	codeOnline, codeLasting           *life
}

// life is something that vouches for the state of a moment and lives until
// something above it ends.
type life struct {
	name    string
	since   int                 // the moment for whose state it vouches
	born    int                 // the moment from which it is there
	targets []revocation.Target // what it hangs from, itself included
	lifted  string              // the session that keeps it when all others are signed out
	alive   func() bool         // as the server sees it

	gid, clientID string   // of a grant, and of a code the grant's that it gives
	sid, cookie   string   // of a session
	former        []string // the cookies that it had before
	renewed       []int    // the moments at which it got another one
	text          string   // of a code and of an access token
	held          []string // the refresh tokens of a grant that clients were given
}

// ending is a plan that ended something, at the moment of its commit.
type ending struct {
	loaded  int
	at      int
	targets []revocation.Target
	keeps   string // the session that MarkSession lifts above the cutoff
}

// turn is something that was committed at a moment and happens to a row: a
// rotation of a grant, the spending of a code.
type turn struct {
	at int
	of string
}

// answer is how a request ended.
type answer struct {
	name            string
	loaded, settled int
	refused         *oauth.Error
	entitled        bool    // by what was there when it loaded it must succeed, and else it must not
	ended           []*life // what is over with it
	of, successor   string  // a refresh token, and what followed on it
}

func newWorld(b *bench) *world {
	b.before = b.head()
	h := newHousehold(b.before.LC, time.Now().UnixMilli(), b.stored)
	b.commit(h.rows()...)
	w := &world{bench: b, household: h, allowed: 100}
	w.browserHere = w.hasSession("session here", h.here.ID, h.cookies[0], start)
	w.browserThere = w.hasSession("session there", h.there.ID, h.cookies[1], start)
	w.grantApp, w.grantOffline, w.grantSite = w.hasGrant(&h.app), w.hasGrant(&h.offline), w.hasGrant(&h.site)
	w.codeOnline, w.codeLasting = w.hasCode(&h.code, h.codes[0]), w.hasCode(&h.lasting, h.codes[1])
	return w
}

// start is the moment before the first step.
const start = -1

func (w *world) hasSession(name, sid, cookie string, since int) *life {
	l := &life{
		name: name, since: since, born: w.now, sid: sid, cookie: cookie, lifted: sid,
		targets: []revocation.Target{revocation.ForSub(w.user.ID), revocation.ForSID(sid)},
	}
	l.alive = func() bool { return w.signsIn(l.cookie) }
	w.lives = append(w.lives, l)
	return l
}

// signsIn says whether a session cookie is one of somebody who is signed in.
func (w *world) signsIn(cookie string) bool {
	st, err := w.sessionState(Browser{Session: cookie})(w.Context())
	return err == nil && decide.SignedIn(st, w.env().Now) == nil
}

// hasCode: a code inherits the state of the snapshot that it was made from.
func (w *world) hasCode(row *record.Code, text string) *life {
	l := &life{
		name: "code", since: start, born: start, gid: row.GID, clientID: row.ClientID, text: text,
		targets: []revocation.Target{revocation.ForSub(row.UserID), revocation.ForSID(row.SID)},
	}
	l.alive = func() bool {
		j := w.exchange(exchangeRequest(l.clientID, l.text), new(record.SignedTokens))
		st, err := j.load(w.Context())
		return err == nil && j.decide(st, w.env()).Err == nil
	}
	w.lives = append(w.lives, l)
	return l
}

// hasGrant: a grant inherits the state of its code.
func (w *world) hasGrant(g *record.Grant) *life {
	l := &life{
		name: "grant for " + g.ClientID, since: start, born: w.now, gid: g.ID, clientID: g.ClientID, lifted: g.SID,
		held:    []string{w.refreshToken(g.ID, g.Gen)},
		targets: []revocation.Target{revocation.ForSub(g.UserID), revocation.ForGID(g.ID)},
	}
	if g.SID != "" {
		l.targets = append(l.targets, revocation.ForSID(g.SID))
	} else {
		l.name = "offline " + l.name
	}
	l.alive = func() bool { return w.wouldRefresh(l, w.refreshToken(l.gid, w.generation(l, w.now))) }
	w.lives = append(w.lives, l)
	return l
}

func (w *world) refreshToken(gid string, generation int64) string {
	token, err := w.minting.Load().Roots.Derive(gid, generation)
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// wouldRefresh asks what a refresh would be answered now, without making it.
func (w *world) wouldRefresh(grant *life, token string) bool {
	j := w.refresh(refreshRequest(grant.clientID, token), new(record.SignedTokens))
	st, err := j.load(w.Context())
	return err == nil && j.decide(st, w.env()).Err == nil
}

// hasAccess adds an access token of a grant that was made from the state loaded
// at a moment.
func (w *world) hasAccess(name string, grant *life, token string, loaded int) {
	tok := w.open(token)
	if tok.Access == nil {
		w.Fatalf("%s is no access token: %s", name, tok.Reason)
	}
	l := &life{name: name, since: loaded, born: w.now, text: token, clientID: tok.Access.ClientID}
	l.targets = append(slices.Clone(grant.targets), revocation.ForJTI(tok.Access.JTI))
	req := &oauth.IntrospectionRequest{Credentials: credentials(labGateway), Token: token}
	l.alive = func() bool {
		got, err := run(w.Context(), w.Engine, about(w.Engine, tok, store.TokenQuery{CallerID: labGateway},
			func(st *record.TokenState, env decide.Env) decide.Outcome[Introspection] {
				return decide.Introspect(req, tok, st, env)
			}))
		return err == nil && got.Active
	}
	w.lives = append(w.lives, l)
}

// dead says whether a life was over after the step of a moment, by the ends that
// were committed until then: tokens.md, part 2, in moments instead of clocks.
func (w *world) dead(l *life, moment int) bool {
	since := l.since
	for _, end := range w.ends {
		if end.at > moment {
			break
		}
		for _, target := range end.targets {
			switch {
			case !slices.Contains(l.targets, target):
			case target.Kind().Forever():
				return true
			case end.at <= since:
			case end.keeps != "" && end.keeps == l.lifted && l.born <= end.at:
				since = end.at
			default:
				return true
			}
		}
	}
	return false
}

// committed notes what a plan has changed that was decided from the state of a
// moment.
func (w *world) committed(loaded int, changes []record.Change) {
	w.wrote = slices.ContainsFunc(changes, func(c record.Change) bool {
		_, audit := c.(record.Audit) // which no request reads
		return !audit
	})
	end := ending{loaded: loaded, at: w.now}
	for _, change := range changes {
		switch c := any(change).(type) { // the others are no ends, and show in the rows
		case record.Append:
			end.targets = append(end.targets, c.Target)
		case record.MarkSession:
			end.keeps = c.ID
		case record.RotateGrant:
			w.turns = append(w.turns, turn{w.now, c.ID})
		case record.UseCode:
			w.spent = append(w.spent, turn{w.now, string(c.Hash)})
		case record.PutFactor:
			if c.Factor.Data == w.another {
				w.changes = append(w.changes, w.now)
			}
		}
	}
	if len(end.targets) > 0 {
		w.ends = append(w.ends, end)
	}
}

// generation is where a grant stood after the step of a moment.
func (w *world) generation(grant *life, moment int) int64 {
	first, err := secret.ReadRefresh(grant.held[0])
	if err != nil {
		w.Fatal(err)
	}
	gen := first.Generation
	for _, turn := range w.turns {
		if turn.of == grant.gid && turn.at <= moment {
			gen++
		}
	}
	return gen
}

// before counts the moments up to one.
func before(moments []int, moment int) (n int) {
	for _, m := range moments {
		if m <= moment {
			n++
		}
	}
	return n
}
