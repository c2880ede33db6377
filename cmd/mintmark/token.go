package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/secret"
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
	Kind     string           `json:"kind"` // "access", "id", "jwt", "refresh", "opaque", ...
	Says     string           `json:"says"` // what that is
	Bytes    int              `json:"bytes"`
	Header   []inspectedClaim `json:"header,omitempty"`
	Claims   []inspectedClaim `json:"claims,omitempty"`
	Parts    *inspectedParts  `json:"parts,omitempty"`
	Warnings []string         `json:"warnings"`
}

// inspectedParts are the sizes of a JWT's three parts in characters.
type inspectedParts struct {
	Header    int `json:"header"`
	Claims    int `json:"claims"`
	Signature int `json:"signature"`
}

// Run says what a token is by its form alone.
func (*tokenInspect) Run(i *invocation) error {
	token, err := readToken(i)
	if err != nil {
		return err
	}
	seen, err := inspect(token)
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(seen)
	}
	return seen.print(i.out)
}

// inspect tells the forms apart. Of what is a secret, nothing is repeated.
func inspect(token string) (*inspection, error) {
	seen := &inspection{Bytes: len(token), Warnings: []string{}}
	switch {
	case strings.HasPrefix(token, secret.PrefixRefresh):
		seen.Kind = "refresh"
		seen.Says = "A refresh token of Mintmark: whoever holds it can get new tokens. Only its server can say whether it is alive."
		seen.readRefresh(token)
	case strings.HasPrefix(token, secret.PrefixAccess):
		seen.Kind, seen.Says = "opaque", "An opaque access token of Mintmark: its claims are encrypted. Introspection answers for it."
	case strings.HasPrefix(token, secret.PrefixClientSecret):
		seen.Kind, seen.Says = "client_secret", "A client secret of Mintmark, no token: it authenticates a client at the token endpoint."
		seen.warn("If this was found where it does not belong, replace it: mintmark client rotate-secret CLIENT_ID --keep 0s")
	case strings.HasPrefix(token, secret.PrefixSetup):
		seen.Kind, seen.Says = "setup", "A setup or administration token of Mintmark: it makes the first user, once."
	case strings.HasPrefix(token, "r1."):
		seen.Kind, seen.Says = "reference", "A reference code of a refusal, no token: mintmark explain CODE says what it is about."
	case strings.Count(token, ".") == 4:
		seen.Kind, seen.Says = "jwe", "An encrypted token (JWE): only who has its key can read it."
		if part, _, _ := strings.Cut(token, "."); seen.readHeader(part) != nil {
			return nil, fmt.Errorf("this has five parts like a JWE, and its header cannot be read")
		}
	case strings.Count(token, ".") == 2:
		return seen, seen.readJWT(token)
	default:
		return nil, fmt.Errorf("this is no JWT (three parts with dots between), and begins like no token of Mintmark")
	}
	return seen, nil
}

func (s *inspection) warn(text string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(text, args...))
}

// readRefresh says what is inside a refresh token besides its proof.
func (s *inspection) readRefresh(token string) {
	inside, err := secret.ReadRefresh(token)
	if err != nil {
		s.warn("Its checksum is wrong: it was cut short or changed, or no server of Mintmark made it.")
		return
	}
	s.Claims = []inspectedClaim{
		{Name: "gid", Value: quoted(inside.GID), Says: "the grant that it belongs to: mintmark grant end GID ends it"},
		{Name: "generation", Value: json.RawMessage(strconv.FormatInt(inside.Generation, 10)), Says: "how many tokens of the grant came before it"},
	}
}

func (s *inspection) print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%d bytes", s.Says, s.Bytes)
	if s.Parts != nil {
		fmt.Fprintf(w, ": header %d, claims %d, signature %d, and two dots", s.Parts.Header, s.Parts.Claims, s.Parts.Signature)
	}
	fmt.Fprintln(w)
	for _, section := range []struct {
		title  string
		claims []inspectedClaim
	}{{"Header", s.Header}, {"Inside", s.Claims}} {
		if len(section.claims) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", section.title)
		var rows [][]string
		for _, c := range section.claims {
			size := ""
			if c.Bytes > 0 {
				size = fmt.Sprintf("%d B", c.Bytes)
			}
			rows = append(rows, []string{"  " + c.Name, size, short(string(c.Value)), c.Says})
		}
		if err := aligned(w, rows); err != nil {
			return err
		}
	}
	if len(s.Warnings) > 0 {
		fmt.Fprintln(w, "\nWarnings")
		for _, warning := range s.Warnings {
			fmt.Fprintf(w, "  %s\n", warning)
		}
	}
	if s.Parts != nil {
		fmt.Fprintln(w, "\nThe signature was not checked: mintmark token verify does that.")
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
