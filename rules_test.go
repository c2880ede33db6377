package mintmark_test

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// broken holds, for each rule, sources that break it.
var broken = []struct {
	rule, path, text string
}{
	{"every room is listed", "internal/novelty/a.go", "package novelty"},
	{"every room is listed", "main.go", "package main"},

	{"arrows are drawn", "internal/web/token.go", importing("web", module+"/internal/store")},
	{"arrows are drawn", "internal/web/pages/login.go", importing("pages", module+"/internal/decide")},
	{"arrows are drawn", "internal/decide/refresh.go", importing("decide", module+"/internal/store")},
	{"arrows are drawn", "internal/record/grant.go", importing("record", module+"/internal/secret")},
	{"arrows are drawn", "verify/verify.go", importing("verify", module+"/internal/record")},

	{"libraries stay in their room", "internal/web/token.go", importing("web", "github.com/alecthomas/kong")},
	{"libraries stay in their room", "internal/engine/open.go", importing("engine", "modernc.org/sqlite")},
	{"libraries stay in their room", "verify/verify.go", importing("verify", "golang.org/x/crypto/argon2")},
	{"libraries stay in their room", "internal/jose/sign.go", importing("jose", "github.com/go-jose/go-jose/v4/jwt")},

	{"bans hold", "cmd/mintmark/backup.go", importing("main", "database/sql")},
	{"bans hold", "internal/store/open.go", importing("store", "net/http")},
	{"bans hold", "internal/mint/mint.go", importing("mint", "net/http")},
	{"bans hold", "internal/engine/seed.go", importing("engine", "math/rand/v2")},

	{"pure rooms import nothing impure", "internal/decide/refresh.go", importing("decide", "context")},
	{"pure rooms import nothing impure", "internal/decide/refresh.go", importing("decide", "io")},
	{"pure rooms import nothing impure", "internal/decide/refresh.go", importing("decide", "log/slog")},
	{"pure rooms import nothing impure", "internal/decide/refresh.go", importing("decide", "net")},
	{"pure rooms import nothing impure", "internal/secret/token.go", importing("secret", "crypto/rand")},
	{"pure rooms import nothing impure", "internal/record/row.go", importing("record", "os")},

	{"pure rooms read no clock", "internal/decide/refresh.go", `package decide; import "time"; var at = time.Now()`},
	{"pure rooms read no clock", "internal/decide/refresh.go", `package decide; import clock "time"; var now = clock.Now`},
	{"pure rooms read no clock", "internal/jose/verify.go", `package jose; import "time"; func f(t time.Time) { _ = time.Since(t) }`},

	{"only decide builds outcomes", "internal/engine/run.go", `package engine; import "` + module + `/internal/decide"; var o = decide.Outcome[int]{}`},
	{"only decide builds outcomes", "internal/engine/run.go", `package engine; import "` + module + `/internal/decide"; var o = &decide.Outcome{}`},
	{"only engine commits", "internal/web/token.go", `package web; func f(s interface{ Commit() }) { s.Commit() }`},

	{"files are short", "internal/web/token.go", "package web" + strings.Repeat("\n", 502)},
	{"functions are short", "internal/web/token.go", "package web\nfunc f() {" + strings.Repeat("\n", 81) + "}"},
	{"functions take few parameters", "internal/web/token.go", "package web; func f(a, b, c int, d, e, g string) {}"},
	{"interfaces are small", "internal/web/token.go", "package web; type t interface { A(); B(); C(); D(); E() }"},
	{"nothing runs before main", "internal/web/token.go", "package web; func init() {}"},

	{"package variables never change", "internal/web/token.go", "package web; var n int; func f() { n++ }"},
	{"package variables never change", "internal/web/token.go", "package web; var m = map[int]int{}; func f() { m[1] = 2 }"},
	{"package variables never change", "internal/web/token.go", "package web; func f() { declaredElsewhere = 2 }"},
	{"package variables never change", "internal/web/token.go", `package web; import "net/http"; func f() { http.DefaultClient = nil }`},

	{"names say what is inside", "internal/web/util.go", "package web"},
	{"names say what is inside", "internal/web/helpers_test.go", "package web"},
	{"names say what is inside", "internal/web/common/login.go", "package login"},
	{"names say what is inside", "internal/web/login.go", "package types"},

	{"nothing is left for later", "internal/web/token.go", "package web // TO" + "DO: the rest"},
	{"tests neither skip nor sleep", "internal/web/token_test.go", `package web; import "time"; func f() { time.Sleep(1) }`},
	{"tests neither skip nor sleep", "internal/web/token_test.go", `package web; import "testing"; func TestA(t *testing.T) { t.Skip() }`},
	{"tests neither skip nor sleep", "internal/web/token_test.go", `package web; import "testing"; func TestA(t *testing.T) { _ = testing.Short() }`},
}

// sound holds sources that come close to breaking a rule, and do not.
var sound = []struct {
	path, text string
}{
	{"layers_test.go", "package mintmark_test"},
	{"cmd/mintmark/serve.go", importing("main", module+"/internal/store")},
	{"cmd/mintmark/main.go", importing("main", "github.com/alecthomas/kong")},
	{"internal/web/token.go", importing("web", module+"/internal/web/pages")},
	{"internal/web/token_test.go", importing("web_test", module+"/internal/store")},
	{"internal/web/token_test.go", importing("web_test", "github.com/google/go-cmp/cmp")},
	{"internal/web/token.go", importing("web", "net/http")},
	{"internal/store/open.go", importing("store", "modernc.org/sqlite")},
	{"internal/store/open.go", importing("store", "database/sql")},
	{"internal/secret/password.go", importing("secret", "golang.org/x/crypto/argon2")},
	{"internal/oauth/redirect.go", importing("oauth", "net/url")},
	{"internal/decide/refresh.go", `package decide; import "time"; func f(now time.Time) time.Time { return now.Add(time.Minute) }`},
	{"internal/decide/refresh.go", "package decide; var o = Outcome[int]{}"},
	{"internal/engine/run.go", "package engine; func f(s store) { s.Commit() }"},
	{"internal/web/token.go", "package web" + strings.Repeat("\n", 500)},
	{"internal/web/token.go", "package web\nfunc f(a, b, c, d, e int) {" + strings.Repeat("\n", 79) + "}"},
	{"internal/web/token.go", "package web; type t interface { A(); B(); C(); D() }"},
	{"internal/web/token.go", "package web; type t struct{ n int }; func (s *t) init() { s.n = 1 }"},
	{"internal/web/token.go", "package web; var n int; func f() (m int) { n := 1; n++; m = n; _ = m; return }"},
	{"internal/web/token.go", "package web // a helper says what it helps with"},
	{"internal/feed/loop_test.go", `package feed; import ("time"; _ "testing/synctest"); func f() { time.Sleep(1) }`},
}

func importing(pkg, path string) string {
	return fmt.Sprintf("package %s; import _ %q", pkg, path)
}

func findings(t *testing.T, path, text string) map[string][]string {
	t.Helper()
	f, err := parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, r := range rules {
		r.check(f, func(n ast.Node, format string, args ...any) {
			found[r.name] = append(found[r.name], f.at(n)+": "+fmt.Sprintf(format, args...))
		})
	}
	return found
}

func TestEachRuleCanFail(t *testing.T) {
	proved := map[string]bool{}
	for _, c := range broken {
		t.Run(c.rule+" in "+c.path, func(t *testing.T) {
			if len(findings(t, c.path, c.text)[c.rule]) == 0 {
				t.Errorf("%q does not see what is wrong with\n%s", c.rule, c.text)
			}
		})
		proved[c.rule] = true
	}
	for _, r := range rules {
		if !proved[r.name] {
			t.Errorf("%q has no source that breaks it", r.name)
		}
	}
}

func TestSoundSourceBreaksNoRule(t *testing.T) {
	for _, c := range sound {
		for name, found := range findings(t, c.path, c.text) {
			t.Errorf("%q objects to\n%s\n%s", name, c.text, strings.Join(found, "\n"))
		}
	}
}

// TestEachArrowLeadsToARoom: a misspelt name in the table would ban, or allow, nothing.
func TestEachArrowLeadsToARoom(t *testing.T) {
	names := "everything "
	for _, r := range rooms {
		names += strings.TrimPrefix(r.dir, "internal/") + " " + r.dir + " "
	}
	for _, r := range rooms {
		for _, to := range strings.Fields(r.may) {
			if !strings.Contains(" "+names, " "+to+" ") {
				t.Errorf("%s may import %s, which is no room", r.dir, to)
			}
		}
	}
	for _, dir := range strings.Fields(pureRooms) {
		if !strings.Contains(" "+names, " "+dir+" ") {
			t.Errorf("%s is listed as pure, and is no room", dir)
		}
	}
}
