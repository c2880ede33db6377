// Package conversations_test plays testdata/conversations against the real
// binary: each script gets a server of its own in test mode, and everything in it
// goes over HTTP, through the pages as a browser would and through the
// administration socket. Nothing looks into the database.
//
//	go test ./test/conversations -rewrite
//
// writes down what the server answers now; read the difference before it is
// committed.
//
// # Scripts
//
// A line is one or several steps, separated by semicolons. What follows on => is
// what the last of them comes to; whoever is asked for nothing must succeed.
//
//	refresh R1                  => 400 invalid_grant refresh_replayed | grant_ended(refresh_replayed)
//
// That is the status, the error, and the reason, which the reference code of the
// refusal was resolved to; then, behind the bar, what the line wrote into the
// audit trail, in alphabetical order: ends are there with their reason, and each
// of them is an entry of the revocation log. Names such as R1 are given in the
// order in which things are first seen; the same name is the same value again.
// They are A access, O opaque access, C code, G grant, I ID token, K client secret, R refresh
// token, S session, and ES or RS a signing key. # begins a comment.
//
// # The world
//
//	user NAME                   somebody who can sign in
//	client ID [public] [trusted] [rotates] [hears] [pairwise] [grant=] [scope=] [resource=] [tokens=] [idle=] [absolute=]
//	resource AUDIENCE [scope=] [tokens=]
//	advance 58d                 moves the clock of the server: d, h, m, s
//
// # In a browser
//
// A step is done in the browser of the step before, unless it says "on BROWSER".
//
//	browser NAME [from ADDRESS] takes a browser, which is new if there is none, in another network
//	login NAME [password=]      on the sign-in page that is open, or else opened
//	authorize CLIENT [PARAMETER=VALUE]...   the JSON of claims is written with single quotes
//	continue                    on the page that asks which account; another opens the sign-in page instead
//	allow, deny                 on the consent page
//	logout CLIENT [hint=] [to=] what a client sends a browser to; confirm answers the question
//	sign out [everywhere]       on the account page, like the two that follow
//	change password to=         signs out elsewhere, unless it says "keep others"
//	remove CLIENT
//
// # As an application
//
//	exchange CODE [as CLIENT] [verifier=] [redirect=]
//	refresh TOKEN [as CLIENT] [scope=] [resource=]
//	credentials CLIENT [with SECRET] [scope=] [resource=]
//	introspect TOKEN as CLIENT, revoke TOKEN as CLIENT, userinfo TOKEN
//	heard CLIENT                what a client that hears of logouts is told next
//	jwks, verify TOKEN          by the published keys
//
// # As an administrator
//
//	disable NAME, enable NAME, delete NAME   a user or client
//	rotate secret CLIENT [keep=], rotate keys [emergency]
//	list sessions, list grants, end session NAME, end grant NAME
package conversations_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/test/server"
)

var rewrite = flag.Bool("rewrite", false, "write down what the server answers")

const root = "../.."

func TestMain(m *testing.M) {
	flag.Parse()
	if err := seeSources(); err != nil {
		fmt.Fprintln(os.Stderr, "looking at the sources:", err)
		os.Exit(1)
	}
	os.Exit(postgresql.Main(func() int { return server.Main(m.Run) }))
}

// seeSources looks at every file that the binary is built from, so that go test
// does not take its answer of last time for this one's: it cannot see into the
// build.
func seeSources() error {
	for _, dir := range []string{"cmd", "internal", "admin"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func TestConversations(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join(root, "testdata/conversations/*.txt"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	for _, path := range scripts {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, path)
		})
		if *rewrite {
			continue // it is one script for both
		}
		t.Run(name+" on PostgreSQL", func(t *testing.T) {
			t.Parallel()
			play(t, path, "--database", postgresql.Schema(t))
		})
	}
}

// play has a conversation, and holds it to the script.
func play(t *testing.T, path string, flags ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	script, err := parseScript(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	s := newStory(t, flags...)
	for i := range script {
		if err := s.play(&script[i]); err != nil {
			t.Fatalf("%s:%d: %s: %v", path, i+1, script[i].said, err)
		}
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(script.written()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if difference := script.difference(); difference != "" {
		t.Errorf("%s went another way (-rewrite writes it down):\n%s", filepath.Base(path), difference)
	}
}

// play takes the steps of a line.
func (s *story) play(l *line) error {
	for i, next := range l.steps {
		act, known := acts[next.verb]
		if !known {
			return unknownStep(next.verb)
		}
		came, err := act(s, next)
		if err != nil {
			return err
		}
		last := i == len(l.steps)-1
		if came.refused && (!last || !l.expects) {
			return &unexpectedError{next.verb, came.text}
		}
		if last {
			l.got = came.text
		}
	}
	if len(l.steps) == 0 {
		return nil
	}
	events, err := s.news()
	if err != nil {
		return err
	}
	if len(events) > 0 {
		l.got = strings.TrimSpace(l.got + " | " + strings.Join(events, " "))
	}
	return nil
}

// acts are all steps, by their first word.
var acts = map[string]func(*story, step) (outcome, error){
	"user": (*story).addUser, "client": (*story).addClient, "resource": (*story).addResource, "advance": (*story).advance,

	"browser": (*story).takeBrowser, "login": (*story).login, "authorize": (*story).authorize,
	"continue": (*story).continueAs, "another": (*story).another,
	"allow": (*story).allow, "deny": (*story).deny, "logout": (*story).logout, "confirm": (*story).confirm,
	"sign": (*story).signOut, "change": (*story).changePassword, "remove": (*story).removeApp,

	"exchange": (*story).exchange, "refresh": (*story).refresh, "credentials": (*story).credentials,
	"introspect": (*story).introspect, "revoke": (*story).revoke, "userinfo": (*story).userinfo,
	"heard": (*story).heard,
	"jwks":  (*story).jwks, "verify": (*story).verify,

	"disable": (*story).disable, "enable": (*story).enable, "delete": (*story).remove,
	"rotate": (*story).rotate, "list": (*story).list, "end": (*story).end,
}
