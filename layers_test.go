// Package mintmark_test holds the tree itself to the house rules: who may import whom, what pure rooms may not touch,
// the style figures, and a line for each dependency. It reads source and runs nothing of it.
package mintmark_test

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mintmark-id/mintmark"

// A room is a directory with all below it. Its arrows bind its code; its tests may reach for more.
type room struct {
	dir     string
	may     string // directories of this module that it may import, internal/ left out
	outside string // modules and packages of others that it may import
	why     string // why no other arrow leaves it
}

// rooms is the whole house, as docs/architecture.md draws it.
var rooms = []room{
	{"cmd", "everything", "github.com/alecthomas/kong", "it only wires, and only its wiring knows the command line library"},
	{"bench", "everything", "modernc.org/sqlite github.com/jackc/pgx/v5 golang.org/x/crypto", "it measures from outside, against floors of its own"},
	{"bench/others", "", "github.com/golang-jwt/jwt/v5 github.com/go-jose/go-jose/v4 github.com/lestrrat-go/jwx/v3", "it is a module of its own: what others would use instead of ours"},
	{"examples", "admin verify", "", "an example may use only what its reader can import"},
	{"internal/gendocs", "config decide inspect jose metrics mint oauth record secret web", "", "it writes docs/reference from the tables that the code runs by, and is part of no program"},
	{"test", "everything", "github.com/jackc/pgx/v5", "it holds tests of the whole, and runs the PostgreSQL that they need"},

	{"internal/web", "engine feed oauth admin record metrics clientcert", "golang.org/x/text", "web speaks HTTP and nothing else: a query or a decision here would pass by engine's one choke point"},
	{"internal/feed", "mint store record revocation metrics egress", "", "it serves what was committed and decides nothing"},
	{"internal/outbox", "mint store record revocation egress", "", "it delivers what was committed and decides nothing"},
	{"internal/engine", "decide mint store secret record oauth clientcert revocation metrics egress", "", "it orchestrates; what the network said arrives from web already parsed"},
	{"internal/guard", "verify", "", "it is a resource server as others write them, in front of one that cannot: what it knows is what verify tells anybody"},
	{"internal/demo", "jose oauth inspect verify", "", "it is a client and a resource server as others write them: it sees of the server what is on the wire, and verify is what others put in front of an API"},
	{"internal/mint", "jose secret record oauth", "", "it signs what decide chose, and must not choose"},
	{"internal/store", "record revocation metrics", "modernc.org/sqlite github.com/jackc/pgx/v5 github.com/pressly/goose/v3", "store speaks SQL and nothing else: it hands out rows and takes changes"},
	{"internal/decide", "record oauth jose secret revocation clientcert", "", "the decisions are pure functions of their arguments, so that every interleaving can be tested"},
	{"internal/record", "oauth jose revocation", "", "every room shares these types, so each arrow out of here binds all of them"},
	{"internal/egress", "", "", "a leaf: the one way out must be readable by itself"},
	{"internal/inspect", "jose secret", "", "it explains tokens to people, the same in the CLI and the demo: whoever only shows must not be able to check"},
	{"internal/apply", "admin", "github.com/BurntSushi/toml", "it does what any client of the administration API can do, and nothing else"},
	{"internal/backup", "", "filippo.io/age", "a leaf: it knows a file's form, and nothing of what is in it"},
	{"internal/metrics", "", "github.com/prometheus/client_golang", "a leaf: whoever counts must not reach what is counted"},
	{"internal/config", "", "github.com/BurntSushi/toml", "a leaf: it checks settings and starts nothing"},
	{"internal/oauth", "clientcert", "", "the vocabulary of the standards: of the rest only what a client shows beside its words"},
	{"internal/clientcert", "", "", "a leaf: verify ships it to others, so it drags nothing along"},
	{"internal/jose", "", "", "a leaf: verify ships it to others, so it drags nothing along"},
	{"internal/revocation", "", "", "a leaf: verify ships it to others, so it drags nothing along"},
	{"internal/secret", "", "golang.org/x/crypto ", "a leaf: what secrets look like and how they are hashed"},
	{"verify", "jose revocation clientcert", "", "public SDK: a resource server takes it without any dependency"},
	{"admin", "", "", "public client: its users take it without any dependency"},
}

// A ban keeps some imports to the rooms that exist for them.
type ban struct {
	paths string // packages, each with all below it
	only  string // directories that may import them
	why   string
}

var bans = []ban{
	{
		"database/sql modernc.org/sqlite github.com/jackc/pgx/v5 github.com/pressly/goose/v3",
		"internal/store bench test",
		"SQL stands in one room, where the guard in each WHERE clause can be read",
	},
	{
		"net/http net/http/httputil net/http/cookiejar",
		"cmd bench examples test internal/web internal/feed internal/egress internal/oauth internal/demo internal/guard internal/metrics verify admin",
		"HTTP is spoken at the edge: answers in web and feed, calls out through egress with its SSRF guard; oauth names statuses, demo stands outside",
	},
	{"math/rand", "bench", "randomness comes from crypto/rand, drawn in engine"},
	{"unsafe", "", "nothing here needs it"},
}

const (
	// pureRooms are functions of their arguments: no I/O, no clock, no randomness, nothing to cancel.
	pureRooms      = "internal/clientcert internal/decide internal/inspect internal/record internal/revocation internal/secret"
	impurePackages = "bufio context crypto/rand database expvar io log math/rand net os plugin runtime syscall unsafe"
	pureExceptions = "net/netip net/url" // they parse and reach nothing
	pureWhy        = "this room is pure: time and randomness arrive as arguments, and I/O is engine's"
)

// clockCalls read the clock or wait for it.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// TestTheTreeKeepsTheHouseRules applies every rule to every Go file of the tree.
func TestTheTreeKeepsTheHouseRules(t *testing.T) {
	files := readTree(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range files {
				r.check(f, func(n ast.Node, format string, args ...any) {
					t.Errorf("%s: "+format, append([]any{f.at(n)}, args...)...)
				})
			}
		})
	}
}

// roomOf returns the room that a directory lies in; the longest match wins.
func roomOf(dir string) (room, bool) {
	var found room
	for _, r := range rooms {
		if within(dir, r.dir) && len(r.dir) > len(found.dir) {
			found = r
		}
	}
	return found, found.dir != ""
}

// everyRoomIsListed: so that the table above stays the whole picture.
func everyRoomIsListed(f *source, report reporter) {
	if f.dir == "." && f.test {
		return // this test
	}
	if _, ok := roomOf(f.dir); !ok {
		report(f.ast.Name, "%s is no room of the house: use a room that exists, or add a row to rooms in layers_test.go and draw it in docs/architecture.md", f.dir)
	}
}

// arrowsAreDrawn: a room imports only the rooms that its row names, and its tests whatever compiles.
func arrowsAreDrawn(f *source, report reporter) {
	from, ok := roomOf(f.dir)
	if !ok || f.test || from.may == "everything" {
		return
	}
	for _, spec := range f.ast.Imports {
		to, ours := strings.CutPrefix(pathOf(spec), module+"/")
		if !ours || within(to, from.dir) {
			continue
		}
		if !slices.ContainsFunc(strings.Fields(from.may), func(name string) bool {
			return within(strings.TrimPrefix(to, "internal/"), name)
		}) {
			report(spec, "%s must not import %s: %s (it may import: %s)", from.dir, to, from.why, orNothing(from.may))
		}
	}
}

// librariesStayInTheirRoom: code of others is imported where its row says; tests may use any requirement of go.mod.
func librariesStayInTheirRoom(f *source, report reporter) {
	from, ok := roomOf(f.dir)
	if !ok || f.test {
		return
	}
	for _, spec := range f.ast.Imports {
		path := pathOf(spec)
		host, _, _ := strings.Cut(path, "/")
		if !strings.Contains(host, ".") || within(path, module) || withinAny(path, from.outside) {
			continue
		}
		report(spec, "%s must not import %s: %s (of others' code it may import: %s)", from.dir, path, from.why, orNothing(from.outside))
	}
}

// bansHold: some packages of the standard library have rooms too.
func bansHold(f *source, report reporter) {
	if f.test {
		return
	}
	for _, spec := range f.ast.Imports {
		for _, b := range bans {
			path := pathOf(spec)
			if withinAny(path, b.paths) && !withinAny(f.dir, b.only) {
				report(spec, "%s must not import %s: %s (allowed in: %s)", f.dir, path, b.why, orNothing(b.only))
			}
		}
	}
}

// pureRoomsImportNothingImpure holds decide and what it stands on to functions of their arguments.
func pureRoomsImportNothingImpure(f *source, report reporter) {
	if f.test || !withinAny(f.dir, pureRooms) {
		return
	}
	for _, spec := range f.ast.Imports {
		if path := pathOf(spec); withinAny(path, impurePackages) && !withinAny(path, pureExceptions) {
			report(spec, "%s must not import %s: %s", f.dir, path, pureWhy)
		}
	}
}

// pureRoomsReadNoClock: importing time is fine, asking it is not. oauth, jose and mint are not wholly pure (the names of
// HTTP's statuses, randomness to sign), but are told the time all the same.
func pureRoomsReadNoClock(f *source, report reporter) {
	if f.test || !withinAny(f.dir, pureRooms+" internal/oauth internal/jose internal/mint") {
		return
	}
	for n := range ast.Preorder(f.ast) {
		if sel, ok := n.(*ast.SelectorExpr); ok && f.selects(sel, "time") && slices.Contains(clockCalls, sel.Sel.Name) {
			report(sel, "%s must not use time.%s: the time is an argument here, read once per attempt in engine", f.dir, sel.Sel.Name)
		}
	}
}

// onlyDecideBuildsOutcomes: an outcome that engine commits was decided by a pure function.
func onlyDecideBuildsOutcomes(f *source, report reporter) {
	if f.test || within(f.dir, "internal/decide") {
		return
	}
	for n := range ast.Preorder(f.ast) {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			continue
		}
		typ := lit.Type
		if generic, ok := typ.(*ast.IndexExpr); ok {
			typ = generic.X
		}
		if sel, ok := typ.(*ast.SelectorExpr); ok && f.selects(sel, module+"/internal/decide") && sel.Sel.Name == "Outcome" {
			report(lit, "only decide builds a decide.Outcome: what is committed must come from a pure function")
		}
	}
}

// onlyEngineCommits: one choke point for every write. (store commits its own transactions.)
func onlyEngineCommits(f *source, report reporter) {
	if f.test || withinAny(f.dir, "internal/engine internal/store bench") {
		return
	}
	for n := range ast.Preorder(f.ast) {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Commit" {
				report(call, "only engine calls Commit: every write passes one choke point, with its audit and its outbox")
			}
		}
	}
}

func pathOf(spec *ast.ImportSpec) string {
	path, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
	return path
}

// within tells whether path is root or lies below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func withinAny(path, roots string) bool {
	return slices.ContainsFunc(strings.Fields(roots), func(root string) bool { return within(path, root) })
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
