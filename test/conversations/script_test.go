package conversations_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// line is a line of a script and what came of it.
type line struct {
	said    string // the steps as written, or the whole of a comment
	steps   []step
	expects bool // it has a =>
	want    string
	got     string
}

// script is all lines of a file.
type script []line

// step is one sentence: a verb, words, "on" and the like with what follows, and
// name=value.
type step struct {
	verb    string
	words   []string
	about   map[string]string   // on, as, with, from
	options map[string][]string // in the order of the script
}

// outcome is what a step came to.
type outcome struct {
	text    string
	refused bool
}

func fine(text string) outcome { return outcome{text: text} }

// unexpectedError is a refusal in a line that asks for none.
type unexpectedError struct{ verb, text string }

func (e *unexpectedError) Error() string { return e.verb + " came to " + e.text }

func unknownStep(verb string) error { return fmt.Errorf("there is no step %q", verb) }

const arrow = "=>"

// arrowColumn is where -rewrite puts the arrows.
const arrowColumn = 56

func parseScript(text string) (script, error) {
	var s script
	for number, whole := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		l := line{said: strings.TrimRight(whole, " ")}
		if l.said != "" && !strings.HasPrefix(l.said, "#") {
			said, want, expects := strings.Cut(l.said, arrow)
			l.said, l.want, l.expects = strings.TrimRight(said, " "), strings.Join(strings.Fields(want), " "), expects
			for part := range strings.SplitSeq(l.said, ";") {
				one, err := parseStep(part)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", number+1, err)
				}
				l.steps = append(l.steps, one)
			}
		}
		s = append(s, l)
	}
	return s, nil
}

func parseStep(text string) (step, error) {
	s := step{about: map[string]string{}, options: map[string][]string{}}
	words, err := split(text)
	if err != nil || len(words) == 0 {
		return s, errors.Join(errors.New("a step says nothing"), err)
	}
	s.verb = words[0]
	for words = words[1:]; len(words) > 0; words = words[1:] {
		name, value, isOption := strings.Cut(words[0], "=")
		switch {
		case isOption:
			s.options[name] = append(s.options[name], value)
		case slices.Contains([]string{"on", "as", "with", "from"}, words[0]) && len(words) > 1:
			s.about[words[0]] = words[1]
			words = words[1:]
		default:
			s.words = append(s.words, words[0])
		}
	}
	return s, nil
}

// split splits at spaces that are not quoted, and drops the quotes.
func split(text string) ([]string, error) {
	if strings.Count(text, `"`)%2 != 0 {
		return nil, errors.New("a quote is open")
	}
	var words []string
	quoted := false
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		quoted = quoted != (r == '"')
		return r == ' ' && !quoted
	}) {
		words = append(words, strings.ReplaceAll(word, `"`, ""))
	}
	return words, nil
}

// word is the n-th word after the verb.
func (s step) word(n int) (string, error) {
	if n >= len(s.words) {
		return "", fmt.Errorf("%s says too little", s.verb)
	}
	return s.words[n], nil
}

// has reports whether a word stands anywhere in the step.
func (s step) has(word string) bool { return slices.Contains(s.words, word) }

// option is the value of name=value, "" if it is not there.
func (s step) option(name string) string {
	if len(s.options[name]) == 0 {
		return ""
	}
	return s.options[name][0]
}

// listed is the value as a list.
func (s step) listed(name string) []string {
	return strings.FieldsFunc(s.option(name), func(r rune) bool { return r == ',' || r == ' ' })
}

// lasting reads 58d, and what time.ParseDuration can; "" is zero.
func lasting(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}

// written is the script with what came of it in place of what was expected.
func (s script) written() string {
	var b strings.Builder
	for _, l := range s {
		b.WriteString(l.said)
		if l.expects {
			b.WriteString(strings.TrimRight(fmt.Sprintf("%*s%s %s", max(1, arrowColumn-len(l.said)), "", arrow, l.got), " "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// difference shows, for each line that went another way, what was wanted and what
// was got.
func (s script) difference() string {
	var b strings.Builder
	for i, l := range s {
		if l.expects && l.want != l.got {
			fmt.Fprintf(&b, "%4d  %s\n      - %s\n      + %s\n", i+1, l.said, l.want, l.got)
		}
	}
	return b.String()
}

func TestALineIsStepsAndWhatTheyComeTo(t *testing.T) {
	s, err := parseScript("# a story\n\nadvance 1m;  refresh R1 as shop scope=\"a b\" => 200   refresh=R2 | x\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(s) != 3 || len(s[0].steps)+len(s[1].steps) != 0 || len(s[2].steps) != 2 {
		t.Fatalf("%+v", s)
	}
	refresh := s[2].steps[1]
	if refresh.verb != "refresh" || refresh.words[0] != "R1" || refresh.about["as"] != "shop" || refresh.option("scope") != "a b" {
		t.Errorf("%+v", refresh)
	}
	if !s[2].expects || s[2].want != "200 refresh=R2 | x" {
		t.Errorf("it wants %q", s[2].want)
	}
}

func TestOnlyALineThatWentAnotherWayIsShown(t *testing.T) {
	s := script{
		{said: "# a comment"},
		{said: "refresh R1", expects: true, want: "200 refresh=R2", got: "400 invalid_grant"},
		{said: "refresh R2", expects: true, want: "200 refresh=R3", got: "200 refresh=R3"},
		{said: "advance 1m", got: "unasked"},
	}
	if got, want := s.difference(), "   2  refresh R1\n      - 200 refresh=R2\n      + 400 invalid_grant\n"; got != want {
		t.Errorf("the difference is\n%s", got)
	}
	written := s.written()
	again, err := parseScript(written)
	if err != nil || again[1].want != "400 invalid_grant" || again[3].expects || !strings.HasSuffix(written, "advance 1m\n") {
		t.Errorf("written down it is\n%s", written)
	}
}

func TestAStepThatSaysTooLittleIsAnError(t *testing.T) {
	for _, text := range []string{"refresh R1;", `authorize app scope="openid`, "; ;"} {
		if _, err := parseScript(text); err == nil {
			t.Errorf("%q is a script", text)
		}
	}
}
