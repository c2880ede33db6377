package pages

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"html/template"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/feature/plural"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

func tongueOf(t *testing.T, code string) *tongue {
	t.Helper()
	l, err := loadTongue(code)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func keysOf(l *tongue) []string { return slices.Sorted(maps.Keys(l.messages)) }

func TestEachLanguageHasACatalogueAndEachCatalogueALanguage(t *testing.T) {
	files, err := fs.Glob(catalogueFiles, "catalogues/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, code := range Languages() {
		l := tongueOf(t, code)
		if l.tag.String() != code {
			t.Errorf("%s is written %s in canonical form", code, l.tag)
		}
		want = append(want, "catalogues/"+code+".json")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKeyIsInEveryCatalogueOnceAndInOrder(t *testing.T) {
	first := keysOf(tongueOf(t, Languages()[0]))
	for _, code := range Languages() {
		if diff := cmp.Diff(first, keysOf(tongueOf(t, code))); diff != "" {
			t.Errorf("%s and %s: %s", Languages()[0], code, diff)
		}
		text, err := catalogueFiles.ReadFile("catalogues/" + code + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var written []string
		for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)":`).FindAllSubmatch(text, -1) {
			written = append(written, string(m[1]))
		}
		if !slices.Equal(written, first) {
			t.Errorf("%s: keys stand twice or out of order", code)
		}
	}
}

// placeholders are the names in one form of a sentence.
func placeholders(parts []part) []string {
	var names []string
	for _, p := range parts {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

func TestPlaceholdersAgreeInEveryLanguageAndForm(t *testing.T) {
	first := tongueOf(t, Languages()[0])
	for _, code := range Languages() {
		for key, forms := range tongueOf(t, code).messages {
			want := placeholders(first.messages[key][plural.Other])
			for form, parts := range forms {
				if got := placeholders(parts); !slices.Equal(got, want) {
					t.Errorf("%s, %s, form %v: %v, not %v", code, key, form, got, want)
				}
				for _, p := range parts {
					if strings.ContainsAny(p.text, "{}<>&") || strings.TrimSpace(p.text) != p.text && len(parts) == 1 {
						t.Errorf("%s, %s: %q", code, key, p.text)
					}
				}
			}
		}
	}
}

// Every form that CLDR has for whole numbers in a language is written down, where
// a sentence has forms at all; each of them is met by a number up to a hundred.
func TestSentencesWithANumberHaveEveryFormOfTheirLanguage(t *testing.T) {
	for _, code := range Languages() {
		l := tongueOf(t, code)
		want := map[plural.Form]bool{}
		for n := range 100 {
			want[plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)] = true
		}
		for key, forms := range l.messages {
			if !slices.Contains(placeholders(forms[plural.Other]), "n") {
				if len(forms) != 1 {
					t.Errorf("%s, %s has forms without a number", code, key)
				}
				continue
			}
			have := map[plural.Form]bool{}
			for form := range forms {
				have[form] = true
			}
			if !maps.Equal(have, want) {
				t.Errorf("%s, %s has the forms %v, not %v", code, key, have, want)
			}
		}
	}
}

// asked are the keys that the templates and the Go files ask for, with those
// that are made of a code.
func asked(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	eachTemplate(t, func(_ string, n parse.Node) {
		if c, ok := n.(*parse.CommandNode); ok && c.Args[0].String() == "t" {
			if key, ok := c.Args[1].(*parse.StringNode); ok {
				keys[key.Text] = true
			} else {
				t.Errorf("the key of %s is computed", c)
			}
		}
	})
	for _, file := range sources(t) {
		for n := range ast.Preorder(file) {
			switch n := n.(type) {
			case *ast.CallExpr: // l.text("...")
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "text" {
					if key, ok := literal(n.Args[0]); ok {
						keys[key] = true
					}
				}
			case *ast.BasicLit: // "span.days", in a table
				if key, ok := literal(n); ok && strings.HasPrefix(key, "span.") {
					keys[key] = true
				}
			case *ast.ValueSpec: // const NoticeX Notice = "..."
				family := map[string]string{"Notice": "notice.", "ProblemKind": "problem."}
				if name, ok := n.Type.(*ast.Ident); ok && family[name.Name] != "" {
					key, _ := literal(n.Values[0])
					keys[family[name.Name]+key] = true
				}
			}
		}
	}
	failures := append(slices.Collect(maps.Values(failureKeys)), "redirect", "request")
	for _, key := range failures {
		keys["failure."+key+".title"], keys["failure."+key+".text"] = true, true
	}
	for _, scope := range []string{"openid", "profile", "email", "address", "phone", "offline_access"} {
		keys["scope."+scope] = true
	}
	for _, claim := range oauth.Attributes() {
		keys["attribute."+claim] = true
	}
	for month := 1; month <= 12; month++ {
		keys["month."+strconv.Itoa(month)] = true
	}
	return keys
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// sources are the Go files of this package, tests left out.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func TestEveryKeyIsAskedForAndEveryKeyAskedForIsThere(t *testing.T) {
	keys := asked(t)
	delete(keys, "failure.") // of the function that puts keys together
	want := slices.Sorted(maps.Keys(keys))
	if diff := cmp.Diff(want, keysOf(tongueOf(t, "en"))); diff != "" {
		t.Errorf("-asked for +in the catalogues\n%s", diff)
	}
}

// eachTemplate visits every node of every template.
func eachTemplate(t *testing.T, visit func(file string, n parse.Node)) {
	t.Helper()
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	funcs := tongueOf(t, "en").templateFuncs()
	for _, file := range files {
		text, err := templateFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set, err := template.New(file).Funcs(funcs).Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, defined := range set.Templates() {
			if defined.Tree != nil {
				walk(defined.Tree.Root, func(n parse.Node) { visit(file, n) })
			}
		}
	}
}

// walk visits a node and all below it, whatever kinds of nodes there are.
func walk(n parse.Node, visit func(parse.Node)) {
	if v := reflect.ValueOf(n); !v.IsValid() || v.IsNil() {
		return
	}
	visit(n)
	walkFields(reflect.ValueOf(n).Elem(), visit)
}

func walkFields(v reflect.Value, visit func(parse.Node)) {
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		switch f := v.Field(i).Interface().(type) {
		case parse.BranchNode: // of if, range and with
			walkFields(v.Field(i), visit)
		case parse.Node:
			walk(f, visit)
		case []parse.Node:
			for _, each := range f {
				walk(each, visit)
			}
		case []*parse.CommandNode:
			for _, each := range f {
				walk(each, visit)
			}
		}
	}
}

var (
	codeBlock   = regexp.MustCompile(`(?s)<code>.*?</code>|<script.*?</script>`)
	anyTag      = regexp.MustCompile(`(?s)<[^>]*>|^[^<>]*>|<[^<>]*$`)
	spokenAttrs = regexp.MustCompile(`\b(aria-label|alt|title|placeholder|label|summary)="([^"{]+)"`)
	letters     = regexp.MustCompile(`\p{L}+`)
)

// Text of a page that a catalogue does not have could not be said in another
// language. The name of the product is the same in all, and so is a command.
func TestNoTextOfAPageIsOutsideTheCatalogues(t *testing.T) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	for _, file := range files {
		text, err := templateFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range spokenAttrs.FindAllSubmatch(text, -1) {
			t.Errorf("%s: %s", file, m[0])
		}
		plain := anyTag.ReplaceAll(codeBlock.ReplaceAll(action.ReplaceAll(text, nil), nil), nil)
		for _, word := range letters.FindAll(plain, -1) {
			if string(word) != "Mintmark" {
				t.Errorf("%s says %q", file, word)
			}
		}
	}
}

func TestACatalogueThatIsWrongIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": `{`, "a number": `{"a":1}`, "an unknown form": `{"a":{"other":"x","most":"y"}}`, "no other": `{"a":{"one":"x"}}`,
	} {
		if _, err := parseTongue("en", []byte(text)); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if _, err := parseTongue("no language", []byte(`{}`)); err == nil {
		t.Error("a language that is none passes")
	}
}

func TestASentenceEscapesAllButMarkupOfOurs(t *testing.T) {
	l, err := parseTongue("en", []byte(`{"a":"x & {b}: {c}","n":{"one":"{n} thing","other":"{n} things"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pairs []any
		want  any
	}{
		{[]any{"b", "<i>", "c", "d"}, "x & <i>: d"}, // text: the template escapes it where it stands
		{[]any{"b", "<i>", "c", bdi("<i>")}, template.HTML("x &amp; &lt;i&gt;: <bdi>&lt;i&gt;</bdi>")},
	} {
		if got, err := l.say("a", c.pairs...); err != nil || got != c.want {
			t.Errorf("%v: %v, %v", c.pairs, got, err)
		}
	}
	for n, want := range map[int]string{1: "1 thing", 2: "2 things", 0: "0 things", 12345: "12,345 things"} {
		if got := l.text("n", "n", n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
	if _, err := l.say("a", "b", "x"); err == nil {
		t.Error("a placeholder without a value passes")
	}
	if _, err := l.say("b"); err == nil {
		t.Error("an unknown key passes")
	}
}

func TestGermanWritesDatesNumbersAndTimesAsGermansDo(t *testing.T) {
	l := tongueOf(t, "de")
	for got, want := range map[string]string{
		l.number(1234567): "1.234.567", l.day(now): "22. November 2026", l.span(dayLong): "1 Tag", l.span(90 * dayLong): "90 Tage",
		l.ago(now, now.Add(-2*dayLong)): "vor 2 Tagen", l.ago(now, now.Add(-60*dayLong)): "am 23. September 2026",
		l.problem(Problem{Kind: ProblemTooShort, Minimum: 15}): "Bitte wählen Sie ein längeres Passwort: mindestens 15 Zeichen.",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// Whoever reads German sees nothing else: no page has a sentence that is the same
// in both languages, but for what others wrote.
func TestNoSentenceOfAGermanPageIsEnglish(t *testing.T) {
	german := tongueOf(t, "de")
	for key, forms := range tongueOf(t, "en").messages {
		var english, other bytes.Buffer
		for _, to := range []struct {
			b     *bytes.Buffer
			parts []part
		}{{&english, forms[plural.Other]}, {&other, german.messages[key][plural.Other]}} {
			for _, p := range to.parts {
				to.b.WriteString(p.text)
			}
		}
		words := strings.TrimSpace(english.String())
		if english.String() == other.String() && strings.ContainsFunc(words, func(r rune) bool { return r == ' ' }) {
			t.Errorf("%s is %q in both", key, words)
		}
	}
}

func TestCataloguesAreJSONAsItIsWritten(t *testing.T) {
	for _, code := range Languages() {
		text, err := catalogueFiles.ReadFile("catalogues/" + code + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, bytes.TrimSpace(text), "", "  "); err != nil || indented.String()+"\n" != string(text) {
			t.Errorf("%s is not indented by two spaces: %v", code, err)
		}
	}
}
