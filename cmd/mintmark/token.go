package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mintmark-id/mintmark/internal/inspect"
	"github.com/mintmark-id/mintmark/internal/jose"
)

type tokenCommand struct {
	Inspect tokenInspect `cmd:"" help:"Print what a token on standard input says. Nothing is verified, nothing asked."`
	Verify  tokenVerify  `cmd:"" help:"Verify the token on standard input with a JWKS from a file, or of a server."`
}

// readToken takes one token from standard input, with or without what stands
// before it in an Authorization header.
func readToken(i *invocation) (string, error) {
	text, err := io.ReadAll(io.LimitReader(i.in, 4*jose.MaxToken))
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	words := strings.Fields(string(text))
	if len(words) > 0 && strings.EqualFold(words[0], "Authorization:") {
		words = words[1:]
	}
	if len(words) > 1 && (strings.EqualFold(words[0], "Bearer") || strings.EqualFold(words[0], "DPoP")) {
		words = words[1:]
	}
	switch len(words) {
	case 0:
		return "", usagef("there is no token on standard input")
	case 1:
		return words[0], nil
	}
	return "", usagef("there are %d words on standard input, and a token is one", len(words))
}

type tokenInspect struct{}

// inspection is what --json prints.
type inspection struct {
	Kind     string            `json:"kind"`
	About    string            `json:"about"`
	Bytes    int               `json:"bytes"`
	Parts    []inspectedPart   `json:"parts"`
	Header   []inspectedMember `json:"header,omitempty"`
	Claims   []inspectedMember `json:"claims,omitempty"`
	Life     string            `json:"life,omitempty"`
	Warnings []string          `json:"warnings"`
}

type inspectedPart struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

type inspectedMember struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Words   string `json:"words,omitempty"`
	Meaning string `json:"meaning"`
	Bytes   int    `json:"bytes"`
}

// Run says what a token is by its form alone.
func (*tokenInspect) Run(i *invocation) error {
	token, err := readToken(i)
	if err != nil {
		return err
	}
	report, err := inspect.Token(token, time.Now())
	if errors.Is(err, inspect.ErrUnknown) && strings.HasPrefix(token, "r1.") {
		return errors.New("this is the reference code of a refusal, no token: mintmark explain says what it is about")
	}
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(inspectionOf(&report))
	}
	return printReport(i.out, &report)
}

func inspectionOf(r *inspect.Report) inspection {
	seen := inspection{
		Kind: string(r.Kind), About: r.About, Bytes: r.Bytes, Life: r.Life,
		Header: inspectedMembers(r.Header), Claims: inspectedMembers(r.Claims),
		Parts: []inspectedPart{}, Warnings: append([]string{}, r.Warnings...),
	}
	for _, part := range r.Parts {
		seen.Parts = append(seen.Parts, inspectedPart(part))
	}
	return seen
}

func inspectedMembers(members []inspect.Member) []inspectedMember {
	var list []inspectedMember
	for _, m := range members {
		list = append(list, inspectedMember(m))
	}
	return list
}

func printReport(w io.Writer, r *inspect.Report) error {
	fmt.Fprintf(w, "%s, %d bytes", r.Kind, r.Bytes)
	for n, part := range r.Parts {
		fmt.Fprintf(w, "%s%s %d", map[bool]string{true: ": ", false: ", "}[n == 0], part.Name, part.Bytes)
	}
	fmt.Fprintf(w, "\n%s\n", r.About)
	if r.Life != "" {
		fmt.Fprintf(w, "It %s.\n", r.Life)
	}
	for _, section := range []struct {
		title   string
		members []inspect.Member
	}{{"Header", r.Header}, {"Claims", r.Claims}} {
		if len(section.members) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", section.title)
		var rows [][]string
		for _, m := range section.members {
			says := m.Meaning
			if m.Words != "" {
				says = m.Words + ". " + m.Meaning
			}
			rows = append(rows, []string{"  " + m.Name, fmt.Sprintf("%d B", m.Bytes), short(m.Value), says})
		}
		if err := aligned(w, rows); err != nil {
			return err
		}
	}
	for n, warning := range r.Warnings {
		if n == 0 {
			fmt.Fprint(w, "\nWarnings\n")
		}
		fmt.Fprintf(w, "  %s\n", warning)
	}
	if len(r.Header) > 0 {
		fmt.Fprintf(w, "\n%s mintmark token verify checks it.\n", inspect.NotChecked)
	}
	return nil
}

// short keeps a long value from breaking the table; --json has it whole.
func short(value string) string {
	const most = 60
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return value
}
